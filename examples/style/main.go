// Command style paints examples/style.png: a picture in a style of its own, so
// that the first style command needs nobody's artwork.
//
//	go run ./examples/style examples/style.png
package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: style FILE.png")
		os.Exit(2)
	}
	if err := save(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "style:", err)
		os.Exit(1)
	}
}

func save(path string) error {
	data, err := encode(paint())
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644) //nolint:gosec,wrapcheck // a picture for everyone; the error names the file
}

func encode(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return b.Bytes(), nil
}
