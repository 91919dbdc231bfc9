package deflate_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/draw"
	_ "image/jpeg" // a photograph's
	_ "image/png"  // the others'
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	fast "github.com/klauspost/compress/zlib"
	xdraw "golang.org/x/image/draw"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset/internal/deflate"
	"github.com/actormaker/trainset/internal/generate"
	"github.com/actormaker/trainset/internal/inflate"
	"github.com/actormaker/trainset/internal/replicate/fake/picture"
)

// block is how many bytes have codes of their own.
const block = 1<<16 - 1

// samples are bytes of every kind that is treated differently.
func samples(r *rand.Rand, n int) map[string][]byte {
	kinds := map[string][]byte{"zeros": make([]byte, n)}
	for _, kind := range []string{"random", "small", "large", "mixed", "pixels", "runs", "skewed"} {
		b := make([]byte, n)
		for i := range b {
			switch kind {
			case "random":
				b[i] = byte(r.Uint32())
			case "small":
				b[i] = byte(r.NormFloat64() * 4)
			case "large":
				b[i] = byte(r.NormFloat64() * 30)
			case "mixed":
				if b[i] = byte(r.NormFloat64() * 6); i%7000 < 2500 {
					b[i] = 0
				}
			case "pixels":
				if b[i] = byte(r.Uint32()); i >= 3 && i/900%3 > 0 {
					b[i] = b[i-3]
				}
			case "runs":
				if b[i] = byte(r.Uint32() % 3); i > 9 && r.Uint32()%16 > 0 {
					b[i] = b[i-1-int(r.Uint32()%9)]
				}
			case "skewed":
				b[i] = byte(r.ExpFloat64() * 3)
			}
		}
		kinds[kind] = b
	}
	return kinds
}

// compressed is what a writer makes of bytes that come in parts of at most a size,
// or at once where that is 0.
func compressed(w *deflate.Writer, data []byte, r *rand.Rand, size int) []byte {
	w.Reset(nil)
	for rest := data; len(rest) > 0; {
		n := len(rest)
		if size > 0 {
			n = min(n, r.IntN(size+1))
		}
		_, _ = w.Write(rest[:n]) // it has no errors
		rest = rest[n:]
	}
	return w.Close()
}

// check reads a stream with both readers, and holds it against the bytes and the
// most it may take.
func check(tb rapid.TB, data, stream []byte) {
	tb.Helper()
	z, err := zlib.NewReader(bytes.NewReader(stream))
	if err != nil {
		tb.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, data) {
		tb.Fatalf("the standard library reads %d bytes of %d, %v", len(got), len(data), err)
	}
	var own inflate.Reader
	own.Reset([][]byte{stream})
	if got, err := io.ReadAll(&own); err != nil || !bytes.Equal(got, data) {
		tb.Fatalf("inflate reads %d bytes of %d, %v", len(got), len(data), err)
	}
	if most := len(data) + 6 + 5*max(1, (len(data)+block-1)/block); len(stream) > most {
		tb.Fatalf("%d bytes become %d, more than %d", len(data), len(stream), most)
	}
}

// Whatever is written is read as it was, and is the same however it came, by a
// writer that has written others before.
func TestWhatIsWrittenIsReadByAnyone(t *testing.T) {
	var w deflate.Writer
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(0, 3000), rapid.IntRange(block-9, block+9)).Draw(t, "n")
		data := samples(r, n)[rapid.SampledFrom([]string{"zeros", "random", "small", "large", "mixed", "pixels", "runs", "skewed"}).Draw(t, "kind")]
		if rapid.Bool().Draw(t, "arbitrary") {
			data = rapid.SliceOfN(rapid.Byte(), 0, 500).Draw(t, "data")
		}
		stream := compressed(&w, data, r, rapid.IntRange(0, 5000).Draw(t, "size"))
		check(t, data, stream)
		if again := compressed(&w, data, nil, 0); !bytes.Equal(again, stream) {
			t.Fatal("written at once it has other bytes")
		}
	})
}

// Blocks of every kind follow each other, at every length about where they end.
func TestBlocksAtTheirBoundary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var w deflate.Writer
	for kind, data := range samples(r, 3*block+8) {
		for _, n := range []int{0, 1, 2, 3, 7, 8, 11, block - 1, block, block + 1, block + 3, 2 * block, 2*block + 8, len(data)} {
			t.Run(fmt.Sprint(kind, " ", n), func(t *testing.T) { check(t, data[:n], compressed(&w, data[:n], r, 70_000)) })
		}
	}
	var all []byte
	for _, data := range samples(r, block) {
		all = append(all, data...)
	}
	check(t, all, compressed(&w, all, nil, 0))
}

// Where matches save about as much as codes cost, every bit counts: what is longer
// than the bytes themselves is left as it is.
func TestMatchesAmongNoiseAreCountedToTheBit(t *testing.T) {
	var w deflate.Writer
	for n := range 3000 {
		r := rand.New(rand.NewPCG(uint64(n), 3))
		data := samples(r, 4000)["random"]
		for i := range n % 60 {
			at := 20 + i*66
			for k := range 8 + r.IntN(3) {
				data[at+k] = data[at+k-3]
			}
		}
		check(t, data, compressed(&w, data, nil, 0))
	}
}

// Repeats of every length, also those that are cut into matches, from every place.
func TestRepeats(t *testing.T) {
	var w deflate.Writer
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 560 {
		var data []byte
		for range 20 {
			for range 1 + r.IntN(30) {
				data = append(data, byte(r.Uint32()))
			}
			for range n {
				data = append(data, data[max(0, len(data)-3)])
			}
		}
		check(t, data, compressed(&w, data, nil, 0))
	}
}

// Frequencies that would give codes of far more bits than there may be.
func TestCodesAtTheLimit(t *testing.T) {
	var data []byte
	for i := range 256 {
		data = append(data, byte(i))
	}
	for i, a, b := 0, 1, 1; len(data)+b <= block; i, a, b = i+1, b, a+b {
		data = append(data, bytes.Repeat([]byte{byte(i * 11)}, b)...)
	}
	r := rand.New(rand.NewPCG(5, 6))
	r.Shuffle(len(data), func(i, j int) { data[i], data[j] = data[j], data[i] })
	var w deflate.Writer
	check(t, data, compressed(&w, data, nil, 0))
}

func TestWritingAllocatesNothing(t *testing.T) {
	data := samples(rand.New(rand.NewPCG(7, 8)), 2*block)["mixed"]
	w, out := new(deflate.Writer), make([]byte, 0, len(data)+64)
	if n := testing.AllocsPerRun(20, func() {
		w.Reset(out)
		_, _ = w.Write(data)
		_ = w.Close()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestStreamsAreAppended(t *testing.T) {
	var w deflate.Writer
	w.Reset([]byte("IDAT"))
	_, _ = w.Write([]byte("abc"))
	got := w.Close()
	if !bytes.HasPrefix(got, []byte("IDAT")) {
		t.Fatalf("%q", got)
	}
	check(t, []byte("abc"), got[4:])
}

func FuzzWriter(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, data := range samples(r, 300) {
		f.Add(data, uint16(100), uint16(0))
	}
	f.Add([]byte{}, uint16(1), uint16(0))
	f.Add([]byte("one block and a bit"), uint16(9), uint16(3449))
	f.Fuzz(func(t *testing.T, data []byte, size, times uint16) {
		if n := int(times); n > 0 && len(data)*n < 4*block { // so that there are blocks
			data = bytes.Repeat(data, n)
		}
		var w deflate.Writer
		stream := compressed(&w, data, rand.New(rand.NewPCG(1, 1)), int(size))
		check(t, data, stream)
		if !bytes.Equal(stream, compressed(&w, data, nil, 0)) {
			t.Fatal("written at once it has other bytes")
		}
	})
}

// photographs are real pictures, kept outside the repository.
const photographs = "../../../shared/images"

func photograph(tb testing.TB, name string) (image.Image, []byte) {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(photographs, name))
	if err != nil {
		tb.Skipf("the real photographs are not here: %v", err)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	return img, data
}

// rows is part of a picture as a PNG's rows: each the difference from the one above.
func rows(img image.Image, part image.Rectangle) []byte {
	w, h := part.Dx(), part.Dy()
	n := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(n, n.Rect, img, part.Min, draw.Src)
	out := make([]byte, 0, h*(1+3*w))
	for y := range h {
		out = append(out, 2)
		for x := range w {
			for c := range 3 {
				v := n.Pix[y*n.Stride+4*x+c]
				if y > 0 {
					v -= n.Pix[(y-1)*n.Stride+4*x+c]
				}
				out = append(out, v)
			}
		}
	}
	return out
}

// enlarged is the middle of a photograph at four times its size.
func enlarged(img image.Image) []byte {
	b := img.Bounds()
	big := image.NewNRGBA(image.Rect(0, 0, 4*b.Dx(), 4*b.Dy()))
	xdraw.CatmullRom.Scale(big, big.Rect, img, b, xdraw.Src, nil)
	at := image.Pt(big.Rect.Dx()/2-600, big.Rect.Dy()/2-600)
	return rows(big, image.Rectangle{at, at.Add(image.Pt(1200, 1200))})
}

// drawn is some tiles of a grid that the simulated provider draws and enlarges.
func drawn(tb testing.TB, reference []byte) map[string][]byte {
	tb.Helper()
	grid, err := picture.Draw(picture.Request{Model: "google/nano-banana", Prompt: generate.GridPrompt(generate.Grid(3, 0)), Seed: 7, Images: [][]byte{reference}, Aspect: "1:1"})
	if err != nil {
		tb.Fatal(err)
	}
	large, err := picture.Draw(picture.Request{Model: "topazlabs/image-upscale", Images: [][]byte{grid.Data}, Factor: 4, Format: "png"})
	if err != nil {
		tb.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(large.Data))
	if err != nil {
		tb.Fatal(err)
	}
	tiles, w := map[string][]byte{}, img.Bounds().Dx()/3
	for _, i := range []int{1, 3, 5, 7} {
		tiles[fmt.Sprint("drawn-", i)] = rows(img, image.Rect(i%3*w, i/3*w, i%3*w+w, i/3*w+w))
	}
	return tiles
}

// BenchmarkDeflate compresses rows beside the libraries; size is that of the stream
// as a share of the one that klauspost's BestSpeed makes.
func BenchmarkDeflate(b *testing.B) {
	var reference []byte
	data := map[string][]byte{}
	for _, name := range []string{"astronaut.png", "chelsea.png", "coffee.png", "hubble.jpg"} {
		img, file := photograph(b, name)
		if reference == nil {
			reference = file
		}
		data["plain-"+name] = rows(img, img.Bounds())
		data["enlarged-"+name] = enlarged(img)
	}
	for name, tile := range drawn(b, reference) {
		data[name] = tile
	}
	var c bytes.Buffer
	speed, _ := fast.NewWriterLevel(&c, fast.BestSpeed)
	huffman, _ := fast.NewWriterLevel(&c, fast.HuffmanOnly)
	std, _ := zlib.NewWriterLevel(&c, zlib.BestSpeed) // the levels are known
	library := func(w interface {
		io.WriteCloser
		Reset(to io.Writer)
	},
	) func([]byte) int {
		return func(data []byte) int {
			c.Reset()
			w.Reset(&c)
			_, _ = w.Write(data) // a buffer takes everything
			_ = w.Close()
			return c.Len()
		}
	}
	own, out := new(deflate.Writer), []byte(nil)
	writers := map[string]func([]byte) int{
		"klauspost": library(speed), "klauspost-huffman": library(huffman), "std": library(std),
		"own": func(data []byte) int {
			own.Reset(out[:0])
			_, _ = own.Write(data)
			out = own.Close()
			return len(out)
		},
	}
	for name, data := range data {
		least := writers["klauspost"](data)
		for _, writer := range []string{"own", "klauspost", "klauspost-huffman", "std"} {
			b.Run(name+"/"+writer, func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				size := 0
				for b.Loop() {
					size = writers[writer](data)
				}
				b.ReportMetric(float64(size)/float64(least), "size")
			})
		}
	}
}
