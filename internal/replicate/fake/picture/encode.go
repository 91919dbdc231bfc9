package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"

	"github.com/actormaker/trainset/internal/png8"
)

// jpegQuality is what the providers' own pictures are about worth.
const jpegQuality = 92

func encode(img image.Image, format string) (Result, error) {
	var b bytes.Buffer
	if format == "jpg" {
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: jpegQuality}); err != nil {
			return Result{}, fmt.Errorf("encoding the picture as JPEG: %w", err)
		}
		return Result{Data: b.Bytes(), ContentType: "image/jpeg", Ext: "jpg"}, nil
	}
	data, err := encodePNG(img)
	if err != nil {
		return Result{}, fmt.Errorf("encoding the picture as PNG: %w", err)
	}
	return Result{Data: data, ContentType: "image/png", Ext: "png"}, nil
}

// encodePNG is quick for what is drawn here.
func encodePNG(img image.Image) ([]byte, error) {
	if m, ok := img.(*image.RGBA); ok && m.Opaque() {
		return png8.Encode(m.Rect.Dx(), m.Rect.Dy(), png8.Colours(&image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}), nil)
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}

// page is what a proxy or a lapsed link serves with status 200.
func page() Result {
	return Result{
		Data: []byte("<!DOCTYPE html>\n<html><head><title>Not available</title></head>\n" +
			"<body><h1>This file is not available</h1><p>SIMULATED: a page where a picture was expected.</p></body></html>\n"),
		ContentType: "text/html; charset=utf-8", Ext: "html",
	}
}

// blank is one flat colour, as a safety filter leaves it.
func blank(size image.Point, r Request) image.Image {
	img := image.NewRGBA(image.Rectangle{Max: size})
	shade := uint8(dice("blank", r.Prompt, r.Seed).IntN(256)) //nolint:gosec // below 256
	draw.Draw(img, img.Rect, image.NewUniform(grey(float64(shade)).pixel()), image.Point{}, draw.Src)
	return img
}
