package inflate_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	fast "github.com/klauspost/compress/zlib"

	"github.com/actormaker/trainset/internal/inflate"
)

// samples are bytes of every kind that compressors treat differently.
func samples(r *rand.Rand, n int) map[string][]byte {
	random, skewed, runs, far, sparse := make([]byte, n), make([]byte, n), make([]byte, n), make([]byte, n), make([]byte, n)
	for i := range n {
		random[i] = byte(r.Uint32())
		skewed[i] = byte(r.ExpFloat64() * 3) // codes of up to 15 bits
		sparse[i] = byte(r.NormFloat64() * 6)
		if i%7000 < 2500 {
			sparse[i] = 0
		}
		if runs[i] = byte(r.Uint32() % 3); i > 9 && r.Uint32()%16 > 0 {
			runs[i] = runs[i-1-int(r.Uint32()%9)] // matches of every short distance
		}
		if far[i] = random[i]; i >= 1<<15 {
			far[i] = far[i-1<<15] // as far back as they reach
		}
	}
	return map[string][]byte{"random": random, "skewed": skewed, "runs": runs, "far": far, "sparse": sparse, "zeros": make([]byte, n)}
}

// writers are compressors with their levels.
func writers(to io.Writer) map[string]io.WriteCloser {
	all := map[string]io.WriteCloser{}
	for _, level := range []int{zlib.HuffmanOnly, zlib.NoCompression, zlib.BestSpeed, zlib.DefaultCompression} {
		all[fmt.Sprint("zlib ", level)], _ = zlib.NewWriterLevel(to, level) // the levels are known
	}
	for _, level := range []int{fast.BestSpeed, 5, 7} {
		all[fmt.Sprint("klauspost ", level)], _ = fast.NewWriterLevel(to, level)
	}
	return all
}

// compressed is what a compressor that writes to c makes of bytes.
func compressed(c *bytes.Buffer, w io.WriteCloser, data []byte) []byte {
	c.Reset()
	_, _ = w.Write(data) // a buffer takes everything
	_ = w.Close()
	return c.Bytes()
}

// cut divides bytes into parts at random, some of them empty.
func cut(r *rand.Rand, data []byte) [][]byte {
	var parts [][]byte
	for len(data) > 0 {
		n := min(len(data), int(r.ExpFloat64()*float64(1+r.IntN(4000))))
		parts, data = append(parts, data[:n]), data[n:]
	}
	return parts
}

// What any compressor writes is read as it was, in parts of any size, one stream
// after another by the same reader.
func TestReadsWhatCompressorsWrite(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var z inflate.Reader
	for _, n := range []int{0, 1, 300, 70_000, 250_000} {
		for kind, data := range samples(r, n) {
			if n > 100_000 && kind != "far" && kind != "sparse" {
				continue
			}
			var c bytes.Buffer
			for name, w := range writers(&c) {
				c.Reset()
				half := len(data) / 2
				_, _ = w.Write(data[:half])
				if f, ok := w.(interface{ Flush() error }); ok && r.IntN(2) == 0 {
					_ = f.Flush() // a block that holds nothing
				}
				_, _ = w.Write(data[half:])
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				z.Reset(cut(r, c.Bytes()))
				got, err := io.ReadAll(&z)
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%d bytes, %s, by %s: %d bytes, %v", n, kind, name, len(got), err)
				}
			}
		}
	}
}

// standard reads a stream with the standard library.
func standard(data []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// agree compares both readers: what one takes, both take, and as the same bytes.
func agree(t *testing.T, z *inflate.Reader, parts [][]byte) {
	t.Helper()
	data := bytes.Join(parts, nil)
	want, wantErr := standard(data)
	z.Reset(parts)
	got, err := io.ReadAll(z)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%x: %v, the standard library: %v", data, err, wantErr)
	}
	if err == nil && !bytes.Equal(got, want) {
		t.Fatalf("%x: %x, the standard library: %x", data, got, want)
	}
	if err != nil && !errors.Is(err, inflate.ErrDamaged) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("%x: the error is of no kind: %v", data, err)
	}
}

// Streams that were damaged or cut are refused where the standard library does.
func TestRefusesWhatTheStandardLibraryRefuses(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var z inflate.Reader
	for range 40 {
		for _, data := range samples(r, 1+r.IntN(400)) {
			var c bytes.Buffer
			for _, w := range writers(&c) {
				stream := compressed(&c, w, data)
				for range 1 + r.IntN(2) {
					stream[r.IntN(len(stream))] ^= 1 << r.IntN(8)
				}
				agree(t, &z, cut(r, stream[:1+r.IntN(len(stream))]))
				agree(t, &z, cut(r, stream))
			}
		}
	}
}

func TestTruncatedIsSaidSo(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var z inflate.Reader
	for kind, data := range samples(r, 3000) {
		var c bytes.Buffer
		for name, w := range writers(&c) {
			stream := compressed(&c, w, data)
			n := r.IntN(len(stream))
			z.Reset(cut(r, stream[:n]))
			if _, err := io.ReadAll(&z); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%s by %s, %d of %d bytes: %v", kind, name, n, len(stream), err)
			}
			if _, err := z.Read(make([]byte, 1)); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("read again: %v", err)
			}
		}
	}
}

// bits writes a stream bit by bit.
type bits struct {
	b []byte
	n int
}

func (w *bits) put(v uint64, n int) {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

// symbol writes a code, whose first bit is its highest.
func (w *bits) symbol(code uint64, n int) {
	for i := n - 1; i >= 0; i-- {
		w.put(code>>i&1, 1)
	}
}

// Matches of the greatest length, at every place across the edge of what is
// decoded at once, near and far.
func TestMatchesAcrossTheEdge(t *testing.T) {
	var z inflate.Reader
	spans := map[uint64][3]uint64{1: {0, 0, 0}, 7: {5, 1, 0}, 9: {6, 2, 0}, 300: {16, 7, 43}} // code, more bits, their number
	for distance, span := range spans {
		for literals := distance; literals < distance+258; literals += 29 {
			w := &bits{}
			w.put(0x9c78, 16)
			w.put(1, 1)
			w.put(1, 2)
			for i := range literals {
				w.symbol(0x30+i%100, 8)
			}
			for range 1200 { // of 258 bytes, more than twice as much as is decoded at once
				w.symbol(0xc5, 8)
				w.symbol(span[0], 5)
				w.put(span[2], int(span[1]))
			}
			w.put(0, 7)
			want, _ := standard(w.b) // which has no sum yet
			if len(want) != int(literals)+1200*258 {
				t.Fatalf("the standard library reads %d bytes", len(want))
			}
			w.b = binary.BigEndian.AppendUint32(w.b, adler(want))
			agree(t, &z, [][]byte{w.b})
		}
	}
}

// A stream that holds nothing, in as many blocks as its length allows, takes a
// multiple of what it takes the standard library: a core is not held for minutes
// by somebody's picture.
func TestEmptyBlocksAreCheap(t *testing.T) {
	fixed := &bits{}
	fixed.put(0x9c78, 16)
	for range 400_000 {
		fixed.put(2, 3)
		fixed.put(0, 7)
	}
	begun := time.Now()
	_, wantErr := standard(fixed.b)
	theirs := time.Since(begun)
	begun = time.Now()
	var z inflate.Reader
	z.Reset([][]byte{fixed.b})
	_, err := io.ReadAll(&z)
	if ours := time.Since(begun); ours > 40*theirs {
		t.Errorf("%v, the standard library %v", ours, theirs)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(wantErr, io.ErrUnexpectedEOF) {
		t.Error(err, wantErr)
	}
}

// Codes at the edge of the format, which no compressor here writes.
func TestOddCodes(t *testing.T) {
	head := func(kind uint64) *bits {
		w := &bits{}
		w.put(0x9c78, 16)
		w.put(1, 1)
		w.put(kind, 2)
		return w
	}
	// Lengths of codes in a code of 1 bit for 0, and 2 for 1 and 18.
	dynamic := func(words, spans uint64, lengths func(*bits)) *bits {
		w := head(2)
		w.put(words-257, 5)
		w.put(spans-1, 5)
		w.put(14, 4)
		for _, n := range []uint64{0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2} {
			w.put(n, 3)
		}
		lengths(w)
		return w
	}
	zero := func(w *bits) { w.put(0, 1) }
	one := func(w *bits) { w.put(1, 2) }
	zeros := func(w *bits, n uint64) { w.put(3, 2); w.put(n-11, 7) }
	empty := func(w *bits) { // the sum of no bytes
		w.n = (w.n + 7) &^ 7
		w.b = binary.BigEndian.AppendUint32(w.b, 1)
	}
	ended := func(tail func(*bits)) func(*bits) { // only the end has a code, then come distances
		return func(w *bits) {
			zeros(w, 138)
			zeros(w, 118)
			one(w)
			tail(w)
			w.put(0, 1)
		}
	}
	cases := map[string]*bits{
		"no distances":      dynamic(257, 1, ended(zero)),
		"one distance":      dynamic(257, 1, ended(one)),
		"a code of nothing": dynamic(257, 1, func(w *bits) { zeros(w, 138); zeros(w, 120) }),
		"too many lengths":  dynamic(257, 1, func(w *bits) { zeros(w, 138); zeros(w, 121) }),
		"three codes of 1 bit": dynamic(257, 1, func(w *bits) {
			one(w)
			one(w)
			zeros(w, 138)
			zeros(w, 116)
			one(w)
			zero(w)
		}),
		"the other code of one": dynamic(257, 1, func(w *bits) { zeros(w, 138); zeros(w, 118); one(w); zero(w); w.put(1, 1) }),
		"many words":            dynamic(287, 1, func(*bits) {}),
		"many distances":        dynamic(286, 31, func(*bits) {}),
		"a block of no kind":    head(3),
		"fixed, nothing":        head(1),
	}
	cases["fixed, nothing"].put(0, 7)
	symbol := func(code uint64, n int) func(*bits) { return func(w *bits) { w.symbol(code, n) } }
	preset := &bits{b: []byte{0x78, 0x20}, n: 16} // names a dictionary, which nobody has
	preset.put(1, 1)
	preset.put(1, 2)
	preset.put(0, 7)
	cases["a dictionary"] = preset
	literal, length3, length286 := symbol(0x30+'a', 8), symbol(1, 7), symbol(0xc6, 8)
	for name, codes := range map[string][]func(*bits){
		"fixed, before the first byte": {length3, symbol(0, 5)},
		"fixed, distance 30":           {literal, length3, symbol(30, 5)},
		"fixed, distance 31":           {literal, length3, symbol(31, 5)},
		"fixed, symbol 286":            {literal, length286},
		"fixed, too far by one":        {literal, length3, symbol(1, 5)},
	} {
		w := head(1)
		for _, c := range codes {
			c(w)
		}
		w.put(0, 7)
		cases[name] = w
	}
	var z inflate.Reader
	read := 0
	for name, w := range cases {
		t.Run(name, func(t *testing.T) {
			empty(w)
			agree(t, &z, [][]byte{w.b})
			if _, err := standard(w.b); err == nil {
				read++
			}
		})
	}
	if read < 3 {
		t.Errorf("%d of the cases can be read: they do not test what they should", read)
	}
}

func FuzzAgreesWithTheStandardLibrary(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, data := range samples(r, 200) {
		var c bytes.Buffer
		for _, w := range writers(&c) {
			f.Add(bytes.Clone(compressed(&c, w, data)), uint64(1))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		var z inflate.Reader
		agree(t, &z, cut(rand.New(rand.NewPCG(seed, 1)), data))
		if len(data) < 6 {
			return
		}
		// With the sum that belongs to it, mutations are read to the end.
		want, _ := standard(data)
		if n := len(data) - 4; want != nil {
			fixed := bytes.Clone(data)
			binary.BigEndian.PutUint32(fixed[n:], adler(want))
			agree(t, &z, [][]byte{fixed})
		}
	})
}

func adler(b []byte) uint32 {
	lo, hi := uint32(1), uint32(0)
	for _, v := range b {
		lo = (lo + uint32(v)) % 65521
		hi = (hi + lo) % 65521
	}
	return hi<<16 | lo
}

// BenchmarkInflate reads what the rows of a photograph come to, beside the
// libraries, of two levels of compression.
func BenchmarkInflate(b *testing.B) {
	data := samples(rand.New(rand.NewPCG(1, 2)), 16<<20)["sparse"]
	out := make([]byte, len(data))
	for _, level := range []int{1, 6} {
		var c bytes.Buffer
		w, _ := fast.NewWriterLevel(&c, level)
		_, _ = w.Write(data)
		_ = w.Close()
		for name, open := range map[string]func() io.Reader{
			"own": func() io.Reader {
				var z inflate.Reader
				z.Reset([][]byte{c.Bytes()})
				return &z
			},
			"klauspost": func() io.Reader { z, _ := fast.NewReader(bytes.NewReader(c.Bytes())); return z },
			"std":       func() io.Reader { z, _ := zlib.NewReader(bytes.NewReader(c.Bytes())); return z },
		} {
			b.Run(fmt.Sprintf("%s-level-%d", name, level), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					if _, err := io.ReadFull(open(), out); err != nil {
						b.Fatal(err)
					}
				}
				if !bytes.Equal(out, data) {
					b.Fatal("it reads other bytes")
				}
			})
		}
	}
}
