package png8_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset/internal/png8"
)

// noisy has gradients, flat parts and noise, so that encoders choose every
// filter for some row.
func noisy(w, h int, seed uint64, alpha bool) *image.NRGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		kind := r.IntN(4)
		for x := range w {
			c := color.NRGBA{byte(x), byte(y), byte(x + y), 255}
			switch kind {
			case 1:
				c = color.NRGBA{200, 100, 50, 255}
			case 2:
				c.R, c.G, c.B = byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))
			case 3:
				c.R += byte(r.IntN(4))
			}
			if alpha {
				c.A = byte(r.IntN(256))
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func TestWhatIsEncodedIsReadBackByAnyone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 70).Draw(t, "w"), rapid.IntRange(1, 70).Draw(t, "h")
		img := noisy(w+3, h+2, rapid.Uint64().Draw(t, "seed"), false)
		part, _ := img.SubImage(image.Rect(2, 1, 2+w, 1+h)).(*image.NRGBA)
		data, err := encode(part, png8.Chunk("sRGB", []byte{0}))
		if err != nil {
			t.Fatal(err)
		}
		again, err := encode(part, png8.Chunk("sRGB", []byte{0}))
		if err != nil || !bytes.Equal(data, again) {
			t.Fatalf("the second time it has other bytes (%v)", err)
		}
		theirs, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("image/png: %v", err)
		}
		ours, err := png8.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		for y := range h {
			for x := range w {
				want := part.NRGBAAt(2+x, 1+y)
				if got := color.NRGBAModel.Convert(theirs.At(x, y)); got != want {
					t.Fatalf("image/png reads %v at %d,%d, not %v", got, x, y, want)
				}
				if got := ours.NRGBAAt(x, y); got != want {
					t.Fatalf("it is read as %v at %d,%d, not %v", got, x, y, want)
				}
			}
		}
	})
}

// Pictures in grey take little more than a library's stream of them would, though
// every byte is there three times; where only the rows looked at are grey, the others
// are kept as they are.
func TestGreyPictures(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	grey := image.NewNRGBA(image.Rect(0, 0, 300, 200))
	for i := 0; i < len(grey.Pix); i += 4 {
		v := byte(100 + r.NormFloat64()*9)
		grey.Pix[i], grey.Pix[i+1], grey.Pix[i+2], grey.Pix[i+3] = v, v, v, 255
	}
	whole, err := encode(grey, nil)
	if err != nil {
		t.Fatal(err)
	}
	if most := 300 * 200 * 3 / 2; len(whole) > most {
		t.Errorf("it takes %d bytes, more than %d", len(whole), most)
	}
	grey.SetNRGBA(7, 13, color.NRGBA{1, 2, 3, 255})
	data, err := encode(grey, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := png8.Decode(data); err != nil || !bytes.Equal(got.Pix, grey.Pix) {
		t.Errorf("it is read as another picture (%v)", err)
	}
}

// Pictures of one colour take next to nothing, of noise next to nothing more than
// they have, at every width.
func TestSizesOfPlainAndNoisyPictures(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, size := range []image.Point{{1, 1}, {1, 900}, {2, 700}, {3, 3}, {900, 1}, {700, 500}} {
		plain, noise := image.NewNRGBA(image.Rectangle{Max: size}), image.NewNRGBA(image.Rectangle{Max: size})
		for i := 0; i < len(plain.Pix); i += 4 {
			copy(plain.Pix[i:], []byte{200, 30, 90, 255})
			noise.Pix[i], noise.Pix[i+1], noise.Pix[i+2], noise.Pix[i+3] = byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), 255
		}
		pixels := size.Y * (1 + 3*size.X)
		for kind, c := range map[string]struct {
			img  *image.NRGBA
			most int
		}{"plain": {plain, 150 + 8*size.Y + pixels/100}, "noise": {noise, 80 + pixels + pixels/5000}} {
			data, err := encode(c.img, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(data) > c.most {
				t.Errorf("%s of %v: %d bytes, more than %d", kind, size, len(data), c.most)
			}
			if got, err := png8.Decode(data); err != nil || !bytes.Equal(got.Pix, c.img.Pix) {
				t.Errorf("%s of %v is read as another picture (%v)", kind, size, err)
			}
		}
	}
}

func TestDecodeReadsWhatOthersEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 70).Draw(t, "w"), rapid.IntRange(1, 70).Draw(t, "h")
		img := noisy(w, h, rapid.Uint64().Draw(t, "seed"), rapid.Bool().Draw(t, "alpha"))
		level := rapid.SampledFrom([]png.CompressionLevel{png.DefaultCompression, png.NoCompression, png.BestSpeed, png.BestCompression}).Draw(t, "level")
		var source image.Image = img
		if rapid.Bool().Draw(t, "grey") {
			grey := image.NewGray(img.Rect)
			for y := range h {
				for x := range w {
					grey.Set(x, y, img.NRGBAAt(x, y))
				}
			}
			source = grey
		}
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: level}).Encode(&b, source); err != nil {
			t.Fatal(err)
		}
		got, err := png8.Decode(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		room := bytes.Repeat([]byte{7}, rapid.IntRange(0, 5*w*h).Draw(t, "room"))
		rgb, err := png8.DecodeRGB(b.Bytes(), room)
		switch opaque := b.Bytes()[25] == 2; {
		case !opaque && !errors.Is(err, png8.ErrOther):
			t.Fatalf("one that is not RGB: %v", err)
		case opaque && (err != nil || len(rgb) != 3*w*h):
			t.Fatalf("%d bytes of RGB, %v", len(rgb), err)
		}
		for i := 0; i+3 <= len(rgb); i += 3 {
			if c := got.NRGBAAt(i/3%w, i/3/w); (color.NRGBA{rgb[i], rgb[i+1], rgb[i+2], 255}) != c {
				t.Fatalf("as RGB, pixel %d is %v, not %v", i/3, rgb[i:i+3], c)
			}
		}
		for y := range h {
			for x := range w {
				if want := color.NRGBAModel.Convert(source.At(x, y)); got.NRGBAAt(x, y) != want {
					t.Fatalf("%v at %d,%d, not %v", got.NRGBAAt(x, y), x, y, want)
				}
			}
		}
	})
}

func TestDecodeUsesTheRoomItIsGiven(t *testing.T) {
	data, err := encode(noisy(20, 10, 1, false), nil)
	if err != nil {
		t.Fatal(err)
	}
	room := make([]byte, 0, 20*10*3)
	pix, err := png8.DecodeRGB(data, room)
	if err != nil {
		t.Fatal(err)
	}
	if &pix[0] != &room[:1][0] {
		t.Error("it has allocated pixels of its own")
	}
}

func TestPackAndUnpackUndoEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rgb := rapid.SliceOfN(rapid.Byte(), 0, 90).Draw(t, "rgb")
		rgb = rgb[:len(rgb)/3*3]
		nrgba, again := make([]byte, len(rgb)/3*4), make([]byte, len(rgb))
		png8.Unpack(nrgba, rgb)
		png8.Pack(again, nrgba)
		if !bytes.Equal(rgb, again) {
			t.Fatalf("%v becomes %v, and that %v", rgb, nrgba, again)
		}
		for i := 3; i < len(nrgba); i += 4 {
			if nrgba[i] != 0xff {
				t.Fatalf("not opaque: %v", nrgba)
			}
		}
	})
}

func encoded(tb testing.TB, img image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestDecodeSaysWhatItDoesNotRead(t *testing.T) {
	paletted := image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{color.White, color.Black})
	for name, data := range map[string][]byte{
		"a palette":   encoded(t, paletted),
		"16 bits":     encoded(t, image.NewNRGBA64(image.Rect(0, 0, 4, 4))),
		"no PNG":      []byte("\xff\xd8\xff\xe0 it might be a JPEG, and is long enough"),
		"nothing":     nil,
		"interlacing": interlaced(encoded(t, noisy(4, 4, 1, false))),
	} {
		if _, err := png8.Decode(data); !errors.Is(err, png8.ErrOther) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// interlaced claims it; the sum of a header is not checked before its kind.
func interlaced(data []byte) []byte {
	data[28] = 1
	return data
}

func TestDecodeFindsEveryCutAndEveryFlippedBit(t *testing.T) {
	whole := encoded(t, noisy(16, 16, 3, false))
	for n := 33; n < len(whole); n++ {
		if _, err := png8.Decode(whole[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(whole), err)
		}
	}
	for at := 8 + 25 + 8; at < len(whole)-12; at++ { // the pixels' own chunk
		bad := bytes.Clone(whole)
		bad[at] ^= 0x10
		if _, err := png8.Decode(bad); err == nil {
			t.Fatalf("nothing is said of the bit flipped in byte %d", at)
		}
	}
}

func TestDecodeWantsAsManyRowsAsTheHeaderSays(t *testing.T) {
	for name, tall := range map[string]byte{"fewer": 12, "more": 20} {
		data := encoded(t, noisy(16, 16, 3, false))
		head := bytes.Clone(data[16:29])
		head[7] = tall
		data = append(append(append([]byte{}, data[:8]...), png8.Chunk("IHDR", head)...), data[33:]...)
		if _, err := png8.Decode(data); err == nil {
			t.Errorf("its header says %s rows than there are, and nothing is said of that", name)
		}
	}
}

func TestEncodeRefusesNothing(t *testing.T) {
	if _, err := encode(image.NewNRGBA(image.Rect(0, 0, 0, 4)), nil); err == nil {
		t.Error("a picture without pixels is encoded")
	}
}

// inParts is a picture whose pixels are in as many chunks as said, most of them
// empty.
func inParts(tb testing.TB, img *image.NRGBA, n int) []byte {
	tb.Helper()
	data, err := encode(img, nil) // which has one
	if err != nil {
		tb.Fatal(err)
	}
	at := bytes.Index(data, []byte("IDAT")) - 4
	size := int(binary.BigEndian.Uint32(data[at:]))
	body, rest := data[at+8:at+8+size], data[at+12+size:]
	parts := bytes.Clone(data[:at])
	for i := range n {
		part := body[:min(len(body), i%3)]
		if i == n-1 {
			part = body
		}
		parts, body = append(parts, png8.Chunk("IDAT", part)...), body[len(part):]
	}
	return append(parts, rest...)
}

// Pixels may lie in any number of chunks. Where they are so many that remembering
// them would take more than the picture, it is left to those who need not.
func TestPixelsInManyChunks(t *testing.T) {
	img := noisy(60, 40, 5, false)
	for _, n := range []int{1, 2, 5000} {
		got, err := png8.Decode(inParts(t, img, n))
		if err != nil || !bytes.Equal(got.Pix, img.Pix) {
			t.Errorf("in %d chunks: %v", n, err)
		}
	}
	large := image.NewNRGBA(image.Rect(0, 0, 300, 300))
	for i, r := 0, rand.New(rand.NewPCG(6, 1)); i < len(large.Pix); i++ {
		large.Pix[i] = byte(r.Uint32() | uint32(i%4/3*255)) // opaque, and nothing to compress
	}
	many := inParts(t, large, 1<<17)
	if _, err := png8.Decode(many); !errors.Is(err, png8.ErrOther) {
		t.Errorf("in 131072 chunks: %v", err)
	}
}

// FuzzDecode compares with image/png, on pictures whose sums are set right so
// that what is behind them is reached: what that takes is taken, or left to it.
func FuzzDecode(f *testing.F) {
	f.Add(encoded(f, noisy(5, 4, 1, false)))
	f.Add(encoded(f, noisy(5, 4, 2, true)))
	f.Add(inParts(f, noisy(5, 4, 3, false), 9))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = summed(data)
		c, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil || c.Width > 256 || c.Height > 256 {
			return // the caller has checked the size
		}
		ours, err := png8.Decode(data)
		theirs, theirErr := png.Decode(bytes.NewReader(data))
		if theirErr != nil {
			return // it checks the order of chunks, too
		}
		if errors.Is(err, png8.ErrOther) {
			return
		}
		if err != nil {
			t.Fatalf("it is refused: %v", err)
		}
		for y := range ours.Rect.Dy() {
			for x := range ours.Rect.Dx() {
				if want := color.NRGBAModel.Convert(theirs.At(x, y)); ours.NRGBAAt(x, y) != want {
					t.Fatalf("%v at %d,%d, not %v", ours.NRGBAAt(x, y), x, y, want)
				}
			}
		}
	})
}

// summed is a copy whose chunks have their sums.
func summed(data []byte) []byte {
	data = bytes.Clone(data)
	for at := 8; at+12 <= len(data); {
		n := int(binary.BigEndian.Uint32(data[at:]))
		if n > len(data)-at-12 {
			break
		}
		binary.BigEndian.PutUint32(data[at+8+n:], crc32.ChecksumIEEE(data[at+4:at+8+n]))
		at += n + 12
	}
	return data
}

func encode(img *image.NRGBA, chunks []byte) ([]byte, error) {
	return png8.Encode(img.Rect.Dx(), img.Rect.Dy(), png8.Colours(img), chunks)
}

func BenchmarkEncode(b *testing.B) {
	img := noisy(1365, 1365, 1, false)
	b.SetBytes(int64(len(img.Pix)))
	b.Run("png8", func(b *testing.B) {
		for b.Loop() {
			if _, err := encode(img, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("std", func(b *testing.B) {
		e := png.Encoder{CompressionLevel: png.BestSpeed}
		for b.Loop() {
			if err := e.Encode(io.Discard, img); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data, err := encode(noisy(1365, 1365, 1, false), nil)
	if err != nil {
		b.Fatal(err)
	}
	room := make([]byte, 1365*1365*3)
	b.Run("png8", func(b *testing.B) {
		for b.Loop() {
			if _, err := png8.DecodeRGB(data, room); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("std", func(b *testing.B) {
		for b.Loop() {
			if _, err := png.Decode(bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
