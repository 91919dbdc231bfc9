package imaging_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/actormaker/trainset/internal/imaging"
)

var (
	red  = color.NRGBA{220, 30, 30, 255}
	half = color.NRGBA{200, 0, 100, 128}
	// halfOnWhite is half, laid on white.
	halfOnWhite = color.NRGBA{227, 127, 177, 255}
)

// converted copies a picture into another type of the standard library.
func converted(img image.Image, to draw.Image) image.Image {
	draw.Draw(to, to.Bounds(), img, img.Bounds().Min, draw.Src)
	return to
}

func near(a, b color.NRGBA, by int) bool {
	d := func(x, y uint8) bool { return int(x)-int(y) <= by && int(y)-int(x) <= by }
	return d(a.R, b.R) && d(a.G, b.G) && d(a.B, b.B) && a.A == b.A
}

func TestDecodeReadsEveryKind(t *testing.T) {
	const w, h = 40, 30
	box := image.Rect(0, 0, w, h)
	plain, glassy := filled(w, h, red), filled(w, h, half)
	grey := color.NRGBA{120, 120, 120, 255}
	lossy, err := os.ReadFile("testdata/lossy.webp")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data   []byte
		format string
		want   color.NRGBA
		by     int
	}{
		"png":                 {pngOf(t, plain), "png", red, 0},
		"png of 16 bits":      {pngOf(t, converted(plain, image.NewRGBA64(box))), "png", red, 0},
		"png with alpha":      {pngOf(t, glassy), "png", halfOnWhite, 1},
		"png 16 bits, alpha":  {pngOf(t, converted(glassy, image.NewNRGBA64(box))), "png", halfOnWhite, 1},
		"png, clear":          {pngOf(t, filled(w, h, color.NRGBA{9, 9, 9, 0})), "png", color.NRGBA{255, 255, 255, 255}, 0},
		"png, grey":           {pngOf(t, converted(filled(w, h, grey), image.NewGray(box))), "png", grey, 0},
		"png, grey, 16 bits":  {pngOf(t, converted(filled(w, h, grey), image.NewGray16(box))), "png", grey, 0},
		"png of a palette":    {pngOf(t, converted(plain, image.NewPaletted(box, color.Palette{color.White, red}))), "png", red, 0},
		"png, clear palette":  {pngOf(t, converted(glassy, image.NewPaletted(box, color.Palette{color.Black, half}))), "png", halfOnWhite, 1},
		"png, one frame":      {afterHead(pngOf(t, plain), "acTL", []byte{0, 0, 0, 1, 0, 0, 0, 0}), "png", red, 0},
		"jpeg":                {jpegOf(t, plain), "jpeg", red, 3},
		"jpeg, grey":          {jpegOf(t, converted(filled(w, h, grey), image.NewGray(box))), "jpeg", grey, 1},
		"jpeg of cmyk":        {cmykJPEG(w, h, 0, [4]byte{250, 40, 40, 230}), "jpeg", color.NRGBA{225, 36, 36, 255}, 2},
		"jpeg of ycck":        {cmykJPEG(w, h, 2, [4]byte{128, 128, 128, 255}), "jpeg", color.NRGBA{128, 128, 128, 255}, 2},
		"webp, lossless":      {riff("VP8L", vp8l(w, h, red)), "webp", red, 0},
		"webp, extended":      {riff("VP8X", vp8x(0, w, h), "VP8L", vp8l(w, h, red)), "webp", red, 0},
		"webp with alpha":     {riff("VP8L", vp8l(w, h, half)), "webp", halfOnWhite, 1},
		"webp, lossy":         {lossy, "webp", color.NRGBA{145, 95, 70, 255}, 2},
		"tiff":                {tiffOf(t, plain, false), "tiff", red, 0},
		"tiff, deflated":      {tiffOf(t, plain, true), "tiff", red, 0},
		"tiff with alpha":     {tiffOf(t, glassy, true), "tiff", halfOnWhite, 1},
		"tiff of 16 bits":     {tiffOf(t, converted(plain, image.NewRGBA64(box)), true), "tiff", red, 0},
		"tiff of a palette":   {tiffOf(t, converted(plain, image.NewPaletted(box, color.Palette{color.White, red})), false), "tiff", red, 0},
		"gif of one frame":    {gifOf(t, w, h, 1), "gif", color.NRGBA{238, 142, 142, 255}, 1},
		"jpeg, odd profile":   {withICC(jpegOf(t, plain), []byte("no profile at all")), "jpeg", red, 3},
		"jpeg, short profile": {withICC(jpegOf(t, plain), adobeRGB()[:200]), "jpeg", red, 3},
	} {
		t.Run(name, func(t *testing.T) {
			info, err := imaging.Inspect(c.data, imaging.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			img, err := imaging.Decode(c.data, imaging.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			if got := img.Rect; info.Format != c.format || got != image.Rect(0, 0, info.Width, info.Height) {
				t.Errorf("a %s of %v, inspected as %+v", c.format, got, info)
			}
			if got := mean(img); !near(got, c.want, c.by) {
				t.Errorf("colour %v, want %v", got, c.want)
			}
			if !img.Opaque() {
				t.Error("it is not opaque")
			}
		})
	}
}

func mean(img *image.NRGBA) color.NRGBA {
	var sum [4]int
	n := 0
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			c := img.NRGBAAt(x, y)
			for i, v := range []uint8{c.R, c.G, c.B, c.A} {
				sum[i] += int(v)
			}
			n++
		}
	}
	v := func(i int) uint8 { return uint8((sum[i] + n/2) / n) }
	return color.NRGBA{v(0), v(1), v(2), v(3)}
}

func TestDecodeRefuses(t *testing.T) {
	plain := filled(40, 30, red)
	ftyp := func(brands string) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(8+len(brands)))
		return append(append(append(b, "ftyp"...), brands...), make([]byte, 400)...)
	}
	for name, c := range map[string]struct {
		data   []byte
		want   error
		format string
	}{
		"nothing":           {nil, imaging.ErrEmpty, ""},
		"text":              {[]byte("no picture at all, but long enough to look for one"), imaging.ErrFormat, ""},
		"a web page":        {[]byte("<!DOCTYPE html><html><body>404</body></html>"), imaging.ErrFormat, ""},
		"one byte":          {[]byte{0xff}, imaging.ErrFormat, ""},
		"heic":              {ftyp("heic\x00\x00\x00\x00mif1heic"), imaging.ErrFormat, "HEIC"},
		"heif of any kind":  {ftyp("mif1\x00\x00\x00\x00mif1miaf"), imaging.ErrFormat, "HEIC"},
		"heic by its size":  {append([]byte("\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00heicmif1"), make([]byte, 99)...), imaging.ErrFormat, "HEIC"},
		"avif":              {ftyp("avif\x00\x00\x00\x00mif1avif"), imaging.ErrFormat, "AVIF"},
		"avif, as mif1":     {ftyp("mif1\x00\x00\x00\x00mif1avif"), imaging.ErrFormat, "AVIF"},
		"an empty ftyp":     {[]byte("\x00\x00\x00\x08ftypheic"), imaging.ErrFormat, "HEIC"},
		"bmp":               {[]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), imaging.ErrFormat, "BMP"},
		"svg":               {[]byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`), imaging.ErrFormat, "SVG"},
		"pdf":               {[]byte("%PDF-1.7\n"), imaging.ErrFormat, "PDF"},
		"animated gif":      {gifOf(t, 40, 30, 3), imaging.ErrAnimated, ""},
		"animated png":      {afterHead(pngOf(t, plain), "acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0}), imaging.ErrAnimated, ""},
		"animated webp":     {riff("VP8X", vp8x(2, 40, 30), "ANIM", "\x00\x00\x00\x00\x00\x00"), imaging.ErrAnimated, ""},
		"webp with a frame": {riff("VP8X", vp8x(0, 40, 30), "ANMF", "frame"), imaging.ErrAnimated, ""},
		"no size":           {resized(pngOf(t, plain), 0, 30), imaging.ErrDamaged, ""},
		"wrong checksum":    {flipped(pngOf(t, plain), 60), imaging.ErrDamaged, ""},
		"cmyk, unmarked":    {bytes.Replace(cmykJPEG(8, 8, 0, [4]byte{}), []byte("Adobe"), []byte("Obade"), 1), imaging.ErrFormat, "JPEG"},
		"two headers":       {afterHead(pngOf(t, plain), "IHDR", nil), imaging.ErrDamaged, ""},
		"sizes that differ": {riff("VP8X", vp8x(0, 41, 30), "VP8L", vp8l(40, 30, red)), imaging.ErrDamaged, ""},
	} {
		t.Run(name, func(t *testing.T) {
			img, err := imaging.Decode(c.data, imaging.DefaultLimits)
			if !errors.Is(err, c.want) || img != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			var f *imaging.FormatError
			if errors.As(err, &f) && f.Format != c.format {
				t.Errorf("it is called %q, want %q", f.Format, c.format)
			}
		})
	}
}

// resized rewrites the size in a PNG's header, checksum and all.
func resized(encoded []byte, w, h uint32) []byte {
	body := slices.Clone(encoded[16:29])
	binary.BigEndian.PutUint32(body, w)
	binary.BigEndian.PutUint32(body[4:], h)
	whole := afterHead(encoded, "IHDR", body)
	return slices.Delete(whole, 8, 33)
}

func flipped(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 0x55
	return b
}

func TestDecodeRefusesWhatEndsEarly(t *testing.T) {
	img := quadrants(24, 16)
	const resolution = 16 // bytes at the end of a TIFF that nothing is lost without
	lossy, err := os.ReadFile("testdata/lossy.webp")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"png": pngOf(t, img), "jpeg": jpegOf(t, img), "gif": gifOf(t, 24, 16, 1), "tiff": tiffOf(t, img, false),
		"webp": riff("VP8L", vp8l(24, 16, red)), "webp, lossy": lossy,
	} {
		t.Run(name, func(t *testing.T) {
			end := len(data) - 1
			if name == "tiff" {
				end -= resolution
			}
			for n := 16; n < end; n++ {
				_, err := imaging.Decode(data[:n], imaging.DefaultLimits)
				if !errors.Is(err, imaging.ErrTruncated) {
					t.Fatalf("%d of %d bytes: %v", n, len(data), err)
				}
			}
		})
	}
}

// TestDecodeChecksLimitsFirst holds Decode to its promise that a header alone
// cannot make it allocate.
func TestDecodeChecksLimitsFirst(t *testing.T) {
	small := filled(8, 8, red)
	jpegData := jpegOf(t, small)
	frame := bytes.Index(jpegData, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint32(jpegData[frame+5:], 60000<<16|60000)
	tiffData := tiffOf(t, small, false)
	for _, tag := range [][]byte{{0x00, 0x01, 3, 0, 1, 0, 0, 0}, {0x01, 0x01, 3, 0, 1, 0, 0, 0}} {
		at := bytes.Index(tiffData, tag)
		if at < 0 {
			t.Fatal("the TIFF has no size where it was expected")
		}
		binary.LittleEndian.PutUint16(tiffData[at+8:], 60000)
	}
	gifData := gifOf(t, 8, 8, 1)
	copy(gifData[6:], []byte{0x60, 0xea, 0x60, 0xea})
	for name, data := range map[string][]byte{
		"png":            resized(pngOf(t, small), 60000, 60000),
		"png, wider":     resized(pngOf(t, small), 1<<31-1, 1<<31-1),
		"jpeg":           jpegData,
		"tiff":           tiffData,
		"gif":            gifData,
		"webp":           riff("VP8L", vp8l(16384, 16384, red)),
		"webp, extended": riff("VP8X", vp8x(0, 1<<24, 1<<24), "VP8L", vp8l(8, 8, red)),
		"webp, hidden":   riff("VP8X", vp8x(0, 8, 8), "VP8L", vp8l(16384, 16384, red)),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := imaging.Decode(data, imaging.DefaultLimits)
			runtime.ReadMemStats(&after)
			var large *imaging.TooLargeError
			if !errors.As(err, &large) || large.Width == 0 {
				t.Fatalf("got %v", err)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
				t.Errorf("it allocated %d bytes first", n)
			}
		})
	}
	_, err := imaging.Decode(make([]byte, 101), imaging.Limits{MaxBytes: 100, MaxPixels: 100})
	var large *imaging.TooLargeError
	if !errors.As(err, &large) || large.Bytes != 101 {
		t.Errorf("101 of 100 bytes: %v", err)
	}
}

func TestDecodeTurnsUpright(t *testing.T) {
	const w, h = 64, 32
	upright := quadrants(w, h)
	quarters := func(img *image.NRGBA) [4]color.NRGBA {
		r := img.Rect
		l, m, top, low := r.Dx()/4, r.Dx()*3/4, r.Dy()/4, r.Dy()*3/4
		return [4]color.NRGBA{img.NRGBAAt(l, top), img.NRGBAAt(m, top), img.NRGBAAt(l, low), img.NRGBAAt(m, low)}
	}
	want := quarters(upright)
	// Where the stored picture's first row and column lie, seen upright: EXIF 2.3, 4.6.4.
	stored := map[uint16]func(x, y int) (int, int){ // upright place of a stored pixel
		1: func(x, y int) (int, int) { return x, y },
		2: func(x, y int) (int, int) { return w - 1 - x, y },
		3: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y },
		4: func(x, y int) (int, int) { return x, h - 1 - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return w - 1 - y, x },
		7: func(x, y int) (int, int) { return w - 1 - y, h - 1 - x },
		8: func(x, y int) (int, int) { return y, h - 1 - x },
	}
	for n, place := range stored {
		sw, sh := w, h
		if n >= 5 {
			sw, sh = h, w
		}
		img := image.NewNRGBA(image.Rect(0, 0, sw, sh))
		for y := range sh {
			for x := range sw {
				ux, uy := place(x, y)
				img.SetNRGBA(x, y, upright.NRGBAAt(ux, uy))
			}
		}
		for name, data := range map[string][]byte{
			"jpeg":           afterStart(jpegOf(t, img), 0xe1, append([]byte("Exif\x00\x00"), exif(binary.LittleEndian, n)...)),
			"jpeg, Motorola": afterStart(jpegOf(t, img), 0xe1, append([]byte("Exif\x00\x00"), exif(binary.BigEndian, n)...)),
			"png":            afterHead(pngOf(t, img), "eXIf", exif(binary.BigEndian, n)),
		} {
			for _, side := range []int{0, 32} {
				got, err := imaging.DecodeWithin(data, imaging.DefaultLimits, side)
				if err != nil {
					t.Fatal(err)
				}
				if side == 0 && got.Rect != upright.Rect || side == 32 && got.Rect != image.Rect(0, 0, 32, 16) {
					t.Errorf("%s, orientation %d, within %d: it is %v", name, n, side, got.Rect)
				}
				for i, c := range quarters(got) {
					if !near(c, want[i], 6) {
						t.Errorf("%s, orientation %d, within %d: quarter %d is %v, want %v", name, n, side, i, c, want[i])
					}
				}
			}
		}
	}
}

// adobeToSRGB converts a colour by the published matrices for D65, which the
// profile does not contain.
func adobeToSRGB(c color.NRGBA) color.NRGBA {
	lin := func(v uint8) float64 { return math.Pow(float64(v)/255, adobeGamma) }
	r, g, b := lin(c.R), lin(c.G), lin(c.B)
	x, y, z := 0.5767309*r+0.1855540*g+0.1881852*b, 0.2973769*r+0.6273491*g+0.0752741*b, 0.0270343*r+0.0706872*g+0.9911085*b
	enc := func(v float64) uint8 {
		v = min(max(v, 0), 1)
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		return uint8(math.Round(v * 255))
	}
	return color.NRGBA{
		enc(3.2404542*x - 1.5371385*y - 0.4985314*z), enc(-0.9692660*x + 1.8760108*y + 0.0415560*z),
		enc(0.0556434*x - 0.2040259*y + 1.0572252*z), 255,
	}
}

func TestDecodeConvertsToSRGB(t *testing.T) {
	for _, c := range []color.NRGBA{
		{0, 0, 0, 255}, {255, 255, 255, 255}, {128, 128, 128, 255}, {200, 120, 90, 255}, {60, 140, 180, 255}, {4, 6, 5, 255}, {0, 255, 0, 255},
	} {
		want := adobeToSRGB(c)
		data := tagged(pngOf(t, filled(4, 4, c)), adobeRGB())
		img, err := imaging.Decode(data, imaging.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if got := img.NRGBAAt(1, 1); !near(got, want, 1) {
			t.Errorf("Adobe RGB %v is %v in sRGB, want %v", c, got, want)
		}
	}
	if adobeToSRGB(color.NRGBA{200, 120, 90, 255}) == (color.NRGBA{200, 120, 90, 255}) {
		t.Error("the profile changes nothing, so the test shows nothing")
	}
}

func TestDecodeConvertsInks(t *testing.T) {
	for name, c := range map[string]struct {
		samples [4]byte // Adobe's: 255 is no ink
		check   func(color.NRGBA) bool
	}{
		"paper": {[4]byte{255, 255, 255, 255}, func(c color.NRGBA) bool { return c.R > 250 && c.G > 250 && c.B > 250 }},
		"black": {[4]byte{255, 255, 255, 0}, func(c color.NRGBA) bool { return c.R < 5 && c.G < 5 && c.B < 5 }},
		"cyan":  {[4]byte{0, 255, 255, 255}, func(c color.NRGBA) bool { return c.B > c.G+30 && c.G > c.R+30 && c.G < 160 }}, // plain arithmetic gives 0, 255, 255
	} {
		img, err := imaging.Decode(withICC(cmykJPEG(16, 16, 0, c.samples), press()), imaging.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if got := img.NRGBAAt(3, 3); !c.check(got) {
			t.Errorf("%s is %v", name, got)
		}
	}
}

// TestDecodeDistrustsProfiles gives profiles whose counts would make the library
// allocate gigabytes, or count for hours. The picture is read without them.
func TestDecodeDistrustsProfiles(t *testing.T) {
	curve := func(n uint32, points int) []byte {
		b := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), n)
		return append(b, make([]byte, 2*points)...)
	}
	matrix := func(c []byte) []byte {
		one := xyzTag(0.3, 0.3, 0.3)
		return profileOf("RGB ", "XYZ ", []string{"rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"},
			map[string][]byte{"rXYZ": one, "gXYZ": one, "bXYZ": one, "rTRC": c, "gTRC": c, "bTRC": c})
	}
	table := func(tag []byte) []byte {
		return profileOf("RGB ", "Lab ", []string{"A2B0"}, map[string][]byte{"A2B0": tag})
	}
	modular := append([]byte("mAB \x00\x00\x00\x00\x03\x03\x00\x00"), make([]byte, 20)...)
	binary.BigEndian.PutUint32(modular[12:], 33) // not aligned, which the library accepts
	modular = append(append(modular, 0), curve(1<<31, 0)...)
	long := append([]byte("mft2\x00\x00\x00\x00\x03\x03\x02\x00"), make([]byte, 36)...)
	long = append(append(long, 0xff, 0xff, 0xff, 0xff), make([]byte, 1<<20)...)
	many := adobeRGB()
	binary.BigEndian.PutUint32(many[128:], 1<<31)
	outside := adobeRGB()
	binary.BigEndian.PutUint32(outside[132+8:], 1<<31)
	for name, profile := range map[string][]byte{
		"a curve of all memory":  matrix(curve(1<<32-1, 8)),
		"a curve without an end": matrix(curve(1<<20, 1<<20)),
		"a curve within":         table(modular),
		"long tables":            table(long),
		"too many tags":          many,
		"a tag outside":          outside,
		"no power":               matrix(curve(0, 0)[:8]),
	} {
		t.Run(name, func(t *testing.T) {
			data := tagged(pngOf(t, filled(4, 4, red)), profile)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			img, err := imaging.Decode(data, imaging.DefaultLimits)
			runtime.ReadMemStats(&after)
			if err != nil || img.NRGBAAt(1, 1) != red {
				t.Fatalf("it is %v, error %v", img, err)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
				t.Errorf("it allocated %d bytes", n)
			}
		})
	}
}

func TestDecodeWithinMeansAreas(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 9, 6))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 37)
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	got, err := imaging.DecodeWithin(pngOf(t, img), imaging.DefaultLimits, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got.Rect != image.Rect(0, 0, 3, 2) {
		t.Fatalf("it is %v", got.Rect)
	}
	for y := range 2 {
		for x := range 3 {
			part, _ := img.SubImage(image.Rect(3*x, 3*y, 3*x+3, 3*y+3)).(*image.NRGBA)
			if want := mean(part); got.NRGBAAt(x, y) != want {
				t.Errorf("pixel %d, %d is %v, the mean of its area %v", x, y, got.NRGBAAt(x, y), want)
			}
		}
	}
}

func TestDecodeReadsPhotographs(t *testing.T) {
	data := photograph(t, "astronaut.png")
	img, err := imaging.Decode(data, imaging.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	again, err := imaging.Decode(b.Bytes(), imaging.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	x, y := imaging.Measure(img), imaging.Measure(again)
	if d := distance(t, x.DHash, y.DHash); d > 2 {
		t.Errorf("as a JPEG, its hash differs by %d bits", d)
	}
	if _, err := imaging.Decode(photograph(t, "hubble.jpg"), imaging.DefaultLimits); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	img := quadrants(16, 12)
	for _, seed := range [][]byte{
		pngOf(f, img), jpegOf(f, img), tiffOf(f, img, true), gifOf(f, 16, 12, 1), riff("VP8L", vp8l(16, 12, red)),
		riff("VP8X", vp8x(0x30, 16, 12), "ICCP", string(adobeRGB()), "VP8L", vp8l(16, 12, half)),
		tagged(pngOf(f, img), adobeRGB()), withICC(cmykJPEG(16, 16, 0, [4]byte{1, 2, 3, 4}), press()),
		afterStart(jpegOf(f, img), 0xe1, append([]byte("Exif\x00\x00"), exif(binary.BigEndian, 6)...)),
	} {
		f.Add(seed)
	}
	limits := imaging.Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 16}
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := imaging.Decode(data, limits)
		if err != nil {
			if img != nil {
				t.Error("there is an image beside the error")
			}
			return
		}
		info, err := imaging.Inspect(data, limits)
		if err != nil || img.Rect != image.Rect(0, 0, info.Width, info.Height) {
			t.Errorf("inspected as %+v (%v), decoded as %v", info, err, img.Rect)
		}
		if img.Rect.Dx()*img.Rect.Dy() > limits.MaxPixels || !img.Opaque() {
			t.Errorf("%v pixels, opaque: %v", img.Rect, img.Opaque())
		}
	})
}
