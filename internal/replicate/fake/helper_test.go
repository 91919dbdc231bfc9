package fake

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"os"

	"github.com/actormaker/trainset/internal/replicate/fake/picture"
)

// pixelPNG is a small picture in base64.
var pixelPNG = base64.StdEncoding.EncodeToString(drawnPNG(64, 48))

// drawnPNG is a picture of that size with something in it.
func drawnPNG(w, h int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.NRGBA{R: uint8(x * 4), G: uint8(y * 5), B: uint8(x ^ y), A: 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// sketch draws one small picture, or repeats what it is told.
func sketch(r picture.Request) (picture.Result, error) {
	if modelByName(r.Model).output == chunks {
		return picture.Result{Text: "You said: " + r.Prompt}, nil
	}
	return picture.Result{Data: sketched, ContentType: "image/png", Ext: "png"}, nil
}

var sketched = drawnPNG(160, 90)

func openFile(path string) (int, error) {
	b, err := os.ReadFile(path)
	return len(b), err
}
