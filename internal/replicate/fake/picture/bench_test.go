package picture

import (
	"fmt"
	"image"
	"testing"
)

func BenchmarkScene(b *testing.B) {
	for i := range 12 {
		b.Run(fmt.Sprint(i+1), func(b *testing.B) {
			r := sceneRequest(b, i, 7)
			if _, err := paint(r); err != nil { // the first decodes the reference
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := paint(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchmarkDraw(b *testing.B, r Request) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Draw(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSceneEncoded(b *testing.B) { benchmarkDraw(b, sceneRequest(b, 0, 7)) }

func BenchmarkGrid(b *testing.B) { benchmarkDraw(b, gridRequest(b, 0, 7)) }

func BenchmarkJudge(b *testing.B) {
	benchmarkDraw(b, ask(mustDraw(b, gridRequest(b, 0, 7)).Data, "tiles", None))
}

func BenchmarkReference(b *testing.B) {
	data := portraitOf(b)
	b.ReportAllocs()
	for b.Loop() {
		s, err := loadSource(data)
		if err != nil {
			b.Fatal(err)
		}
		s.cut()
	}
}

func BenchmarkUpscale1024To4096(b *testing.B) {
	in := encoded(b, resize(shrink(decoded(b, portraitOf(b)), 512), 1024, 1024))
	for _, format := range []string{"jpg", "png"} {
		b.Run(format, func(b *testing.B) {
			benchmarkDraw(b, Request{Model: enlarger, Images: [][]byte{in}, Factor: 4, Format: format})
		})
	}
}

func BenchmarkEnlarge(b *testing.B) {
	img := image.NewRGBA(image.Rect(0, 0, 1024, 1024))
	b.ReportAllocs()
	for b.Loop() {
		enlarge(img, 4096, 4096)
	}
}
