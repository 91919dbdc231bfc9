package imaging_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/image/tiff"
)

// quadrants is a picture in which every turn and mirroring shows: red, green,
// blue and yellow quarters.
func quadrants(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{220, 30, 30, 255}
			switch {
			case x >= w/2 && y < h/2:
				c = color.NRGBA{30, 180, 40, 255}
			case x < w/2 && y >= h/2:
				c = color.NRGBA{40, 50, 210, 255}
			case x >= w/2:
				c = color.NRGBA{230, 210, 40, 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func filled(w, h int, c color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := 0; i < len(img.Pix); i += 4 {
		copy(img.Pix[i:], []byte{c.R, c.G, c.B, c.A})
	}
	return img
}

func pngOf(tb testing.TB, img image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(tb testing.TB, img image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func tiffOf(tb testing.TB, img image.Image, compressed bool) []byte {
	tb.Helper()
	var b bytes.Buffer
	o := &tiff.Options{}
	if compressed {
		o = &tiff.Options{Compression: tiff.Deflate, Predictor: true}
	}
	if err := tiff.Encode(&b, img, o); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// gifOf has a number of equal frames that cover less than their canvas.
func gifOf(tb testing.TB, w, h, frames int) []byte {
	tb.Helper()
	g := &gif.GIF{Config: image.Config{Width: w, Height: h}}
	for range frames {
		f := image.NewPaletted(image.Rect(0, 0, w, h/2), color.Palette{color.Black, color.NRGBA{220, 30, 30, 255}})
		for i := range f.Pix {
			f.Pix[i] = 1
		}
		g.Image, g.Delay = append(g.Image, f), append(g.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// afterHead puts a chunk after the header of a PNG.
func afterHead(encoded []byte, kind string, body []byte) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	c = append(append(c, kind...), body...)
	c = binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
	return slices.Insert(slices.Clone(encoded), 33, c...)
}

// afterStart puts a segment after the beginning of a JPEG.
func afterStart(encoded []byte, marker byte, body []byte) []byte {
	s := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2))
	return slices.Insert(slices.Clone(encoded), 2, append(s, body...)...)
}

// exif is a directory with the orientation and nothing else.
func exif(order binary.AppendByteOrder, orientation uint16) []byte {
	b := []byte("II*\x00")
	if order.String() == binary.BigEndian.String() {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0x0112)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, orientation)
	return append(b, 0, 0, 0, 0, 0, 0)
}

// riff wraps chunks, each a name and a body, into a WebP file.
func riff(chunks ...string) []byte {
	var body []byte
	for i := 0; i < len(chunks); i += 2 {
		body = append(body, chunks[i]...)
		body = binary.LittleEndian.AppendUint32(body, uint32(len(chunks[i+1])))
		body = append(body, chunks[i+1]...)
		if len(chunks[i+1])%2 == 1 {
			body = append(body, 0)
		}
	}
	b := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body)+4))
	return append(append(b, "WEBP"...), body...)
}

func vp8x(flags byte, w, h int) string {
	b := []byte{flags, 0, 0, 0}
	b = append(b, byte(w-1), byte((w-1)>>8), byte((w-1)>>16))
	return string(append(b, byte(h-1), byte((h-1)>>8), byte((h-1)>>16)))
}

// bitWriter writes the least significant bit first, as VP8L does.
type bitWriter struct {
	out  []byte
	bits int
}

func (w *bitWriter) put(v uint32, n int) {
	for ; n > 0; n, v = n-1, v>>1 {
		if w.bits%8 == 0 {
			w.out = append(w.out, 0)
		}
		w.out[len(w.out)-1] |= byte(v&1) << (w.bits % 8)
		w.bits++
	}
}

// vp8l is lossless WebP data of one colour: each of its five codes has a single
// symbol, so that pixels take no bits at all.
func vp8l(w, h int, c color.NRGBA) string {
	b := &bitWriter{out: []byte{0x2f}, bits: 8}
	b.put(uint32(w-1), 14)
	b.put(uint32(h-1), 14)
	alpha := uint32(0)
	if c.A != 0xff {
		alpha = 1
	}
	b.put(alpha, 1)
	b.put(0, 3) // version
	b.put(0, 1) // no transform
	b.put(0, 1) // no colour cache
	b.put(0, 1) // one group of codes
	for _, v := range []uint32{uint32(c.G), uint32(c.R), uint32(c.B), uint32(c.A)} {
		b.put(1, 1) // a simple code
		b.put(0, 1) // of one symbol
		b.put(1, 1) // that has 8 bits
		b.put(v, 8)
	}
	b.put(1, 1) // distances: the symbol 0
	b.put(0, 1)
	b.put(0, 1)
	b.put(0, 1)
	return string(append(b.out, 0, 0))
}

// jpegBits writes Huffman data, the most significant bit first.
type jpegBits struct {
	out  []byte
	acc  uint32
	bits int
}

func (w *jpegBits) put(v uint32, n int) {
	for n--; n >= 0; n-- {
		w.acc = w.acc<<1 | v>>n&1
		if w.bits++; w.bits == 8 {
			w.out = append(w.out, byte(w.acc))
			if byte(w.acc) == 0xff {
				w.out = append(w.out, 0)
			}
			w.acc, w.bits = 0, 0
		}
	}
}

// cmykJPEG is a JPEG of four components, all of one colour, as Adobe's programs
// write it: inverted, and marked by transform 0 (CMYK) or 2 (YCCK). It is what
// the standard library reads but cannot write.
func cmykJPEG(w, h int, transform byte, samples [4]byte) []byte {
	b := []byte{0xff, 0xd8}
	segment := func(marker byte, body ...byte) {
		b = append(b, 0xff, marker)
		b = binary.BigEndian.AppendUint16(b, uint16(len(body)+2))
		b = append(b, body...)
	}
	segment(0xee, append([]byte("Adobe"), 0, 100, 0, 0, 0, 0, transform)...)
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)
	segment(0xc0, 8, byte(h>>8), byte(h), byte(w>>8), byte(w), 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0)
	dc := append([]byte{0x00, 0, 0, 0, 12}, make([]byte, 12)...) // twelve codes of four bits
	segment(0xc4, append(dc, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)...)
	ac := append([]byte{0x10, 1}, make([]byte, 15)...) // one code of one bit: end of block
	segment(0xc4, append(ac, 0)...)
	segment(0xda, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0)
	var bits jpegBits
	for i := range (w + 7) / 8 * ((h + 7) / 8) {
		for _, s := range samples {
			diff := 0
			if i == 0 {
				diff = 8 * (int(s) - 128)
			}
			size := 0
			for v := diff; v != 0; v /= 2 {
				size++
			}
			bits.put(uint32(size), 4)
			if diff < 0 {
				diff += 1<<size - 1
			}
			bits.put(uint32(diff), size)
			bits.put(0, 1)
		}
	}
	for bits.bits != 0 {
		bits.put(1, 1)
	}
	return append(append(b, bits.out...), 0xff, 0xd9)
}

// profileOf builds an ICC profile from its tags.
func profileOf(space, pcs string, names []string, tags map[string][]byte) []byte {
	head := make([]byte, 128)
	copy(head[8:], []byte{2, 0x40})
	copy(head[12:], "mntr")
	copy(head[16:], space)
	copy(head[20:], pcs)
	copy(head[36:], "acsp")
	copy(head[68:], []byte{0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d}) // white is D50
	table := binary.BigEndian.AppendUint32(nil, uint32(len(names)))
	var data []byte
	for _, n := range names {
		table = append(table, n...)
		table = binary.BigEndian.AppendUint32(table, uint32(132+12*len(names)+len(data)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(tags[n])))
		data = append(data, tags[n]...)
	}
	p := append(append(head, table...), data...)
	binary.BigEndian.PutUint32(p, uint32(len(p)))
	return p
}

func xyzTag(v ...float64) []byte {
	b := []byte("XYZ \x00\x00\x00\x00")
	for _, f := range v {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(f*65536))))
	}
	return b
}

// adobeGamma is Adobe RGB's, which its profile writes as 563/256.
const adobeGamma = 563.0 / 256

// adobeRGB is the profile of Adobe RGB (1998), its primaries adapted to D50.
func adobeRGB() []byte {
	curve := append([]byte("curv\x00\x00\x00\x00"), 0, 0, 0, 1, 2, 0x33, 0, 0)
	return profileOf("RGB ", "XYZ ", []string{"rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC", "wtpt"}, map[string][]byte{
		"rXYZ": xyzTag(0.60974, 0.31111, 0.01947), "gXYZ": xyzTag(0.20528, 0.62567, 0.06087), "bXYZ": xyzTag(0.14919, 0.06322, 0.74457),
		"rTRC": curve, "gTRC": curve, "bTRC": curve, "wtpt": xyzTag(0.9642, 1, 0.8249),
	})
}

// press is a profile of four inks by a table of two steps an ink: cyan prints
// as a dull blue, black is black, and everything else adds up by lightness.
func press() []byte {
	b := append([]byte("mft1\x00\x00\x00\x00"), 4, 3, 2, 0)
	for _, v := range []float64{1, 0, 0, 0, 1, 0, 0, 0, 1} {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(v*65536)))
	}
	ramp := make([]byte, 256)
	for i := range ramp {
		ramp[i] = byte(i)
	}
	for range 4 {
		b = append(b, ramp...)
	}
	for i := range 16 { // cyan is the slowest
		lab := []byte{255, 128, 128}
		if i&8 != 0 {
			lab = []byte{140, 110, 90}
		}
		if i&4 != 0 || i&2 != 0 {
			lab[0] /= 2
		}
		if i&1 != 0 {
			lab = []byte{0, 128, 128}
		}
		b = append(b, lab...)
	}
	for range 3 {
		b = append(b, ramp...)
	}
	return profileOf("CMYK", "Lab ", []string{"A2B0", "wtpt"}, map[string][]byte{"A2B0": b, "wtpt": xyzTag(0.9642, 1, 0.8249)})
}

func withICC(encoded, profile []byte) []byte {
	return afterStart(encoded, 0xe2, append([]byte("ICC_PROFILE\x00\x01\x01"), profile...))
}

// photograph reads one of the real photographs, which are not part of the
// repository.
func photograph(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "images", name))
	if err != nil {
		tb.Skip("the shared photographs are not here")
	}
	return data
}

// tagged puts a profile into a PNG.
func tagged(encoded, profile []byte) []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write(profile) // to memory
	_ = w.Close()
	return afterHead(encoded, "iCCP", append([]byte("profile\x00\x00"), z.Bytes()...))
}
