// Package png8 is a fast path for the PNG pictures that go through the system
// by the hundred: 8 bits a channel, not interlaced, without a palette. It writes
// them several times as fast as image/png, which tries five filters on every row,
// and reads them about twice as fast, straight into the layout that the
// rest works on.
//
// It must not know what a picture is for. What is not of this kind it leaves to
// image/png: Decode says ErrOther.
package png8

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"

	"github.com/actormaker/trainset/internal/deflate"
	"github.com/actormaker/trainset/internal/inflate"
	"github.com/actormaker/trainset/internal/pages"
	"github.com/actormaker/trainset/internal/race"
)

const signature = "\x89PNG\r\n\x1a\n"

var (
	// ErrOther says that a picture is no PNG, or one of a kind that is not read here.
	ErrOther = errors.New("no PNG of 8 bits a channel")
	// ErrDamaged says that a picture does not follow the format.
	ErrDamaged = errors.New("it does not follow the format")
)

// Colour types of PNG, by the bytes of a pixel.
var channels = map[byte]int{colourGrey: 1, colourRGB: 3, colourRGBA: 4}

const (
	colourGrey = 0
	colourRGB  = 2
	colourRGBA = 6
)

// Filters of a row.
const (
	filterNone = iota
	filterSub
	filterUp
	filterAverage
	filterPaeth
)

// writers are reused: each has tables of a quarter of a megabyte.
var writers = sync.Pool{New: func() any { return new(deflate.Writer) }}

// searchers write pictures in grey, every byte of which is there three times, in
// little more than half the bytes: they look for what was there before. They are
// reused: each has tables of more than a megabyte.
var searchers = sync.Pool{New: func() any {
	w, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed) // the level is known to exist
	return w
}}

// Rows gives the colours of row y, three bytes a pixel. They stay as they are
// until the next row but one is asked for. Any row may be asked for.
type Rows func(y int) []byte

// Colours are the rows of an opaque picture.
func Colours(img *image.NRGBA) Rows {
	w := img.Rect.Dx()
	lines := [2][]byte{make([]byte, 3*w), make([]byte, 3*w)}
	return func(y int) []byte {
		Pack(lines[y%2], img.Pix[y*img.Stride:][:4*w])
		return lines[y%2]
	}
}

// Encode writes an opaque picture of a size in pixels as 8-bit RGB. The chunks,
// whole ones with their sums, come right after the header. The same picture gives
// the same bytes.
//
// Every row is the difference from the one above it, which costs next to nothing
// and compresses photographs and drawings about as well as choosing would.
func Encode(w, h int, rows Rows, chunks []byte) ([]byte, error) {
	if w <= 0 || h <= 0 {
		return nil, fmt.Errorf("encoding a PNG of %d x %d pixels", w, h)
	}
	pixels, _ := drafts.Get().(*[]byte)
	defer drafts.Put(pixels)
	*pixels = append((*pixels)[:0], "IDAT"...)
	if grey(w, h, rows) {
		if err := search(pixels, w, h, rows); err != nil {
			return nil, fmt.Errorf("compressing a PNG: %w", err)
		}
	} else {
		write(pixels, w, h, rows)
	}
	data := make([]byte, 0, len(*pixels)+len(chunks)+64)
	data = append(data, signature...)
	data = append(data, Chunk("IHDR", header(w, h))...)
	data = append(data, chunks...)
	data = binary.BigEndian.AppendUint32(data, uint32(len(*pixels)-4)) //nolint:gosec // far below 4 GB
	data = append(data, *pixels...)
	data = binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(*pixels))
	return append(data, Chunk("IEND", nil)...), nil
}

// drafts are where pixels are compressed to, before it is known how many bytes
// that gives.
var drafts = sync.Pool{New: func() any { return new([]byte) }}

func header(w, h int) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(w)) //nolint:gosec // sides of pictures
	head = binary.BigEndian.AppendUint32(head, uint32(h)) //nolint:gosec // sides of pictures
	return append(head, 8, colourRGB, 0, 0, 0)            // bits, colours; the one compression, filter set and order
}

// Chunk is a chunk of a kind of four letters: its length, kind, body and sum.
func Chunk(kind string, body []byte) []byte {
	c := binary.BigEndian.AppendUint32(make([]byte, 0, len(body)+12), uint32(len(body))) //nolint:gosec // bodies are short
	c = append(append(c, kind...), body...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

// grey says whether some rows all over a picture have no colour.
func grey(w, h int, rows Rows) bool {
	const looked = 8
	for i := range min(h, looked) {
		row := rows(i * h / min(h, looked))
		for x := range w {
			if px := row[3*x : 3*x+3]; px[0] != px[1] || px[1] != px[2] {
				return false
			}
		}
	}
	return true
}

// write appends the rows of a picture, compressed.
func write(to *[]byte, w, h int, rows Rows) {
	z, _ := writers.Get().(*deflate.Writer)
	defer writers.Put(z)
	z.Reset(*to)
	_ = filtered(z, w, h, rows) // it has no errors
	*to = z.Close()
}

// search appends them as write does, but looks for what was there before.
func search(to *[]byte, w, h int, rows Rows) error {
	z, _ := searchers.Get().(*zlib.Writer)
	defer searchers.Put(z)
	b := bytes.NewBuffer(*to)
	z.Reset(b)
	if err := filtered(z, w, h, rows); err != nil {
		return err
	}
	err := z.Close()
	*to = b.Bytes()
	return err //nolint:wrapcheck // Encode says what it was about
}

// filtered writes the rows of a picture, each as the difference from the one above.
func filtered(z io.Writer, w, h int, rows Rows) error {
	above, line := make([]byte, 3*w), make([]byte, 1+3*w)
	line[0] = filterUp
	for y := range h {
		row := rows(y)
		difference(line[1:], row, above)
		if _, err := z.Write(line); err != nil {
			return err //nolint:wrapcheck // Encode says what it was about
		}
		above = row
	}
	return nil
}

// Pack drops the alpha of a row.
//
//go:norace
func Pack(rgb, nrgba []byte) {
	race.Reads(nrgba)
	race.Writes(rgb)
	for len(rgb) >= 4 && len(nrgba) >= 4 { // the fourth is written over by the next pixel
		binary.LittleEndian.PutUint32(rgb, binary.LittleEndian.Uint32(nrgba))
		rgb, nrgba = rgb[3:], nrgba[4:]
	}
	copy(rgb, nrgba[:min(3, len(nrgba))])
}

// Eight bytes are added, or taken from each other, at once: without their top
// bits no sum carries into the next byte, and those follow by themselves.
const (
	tops = 0x8080808080808080
	rest = ^uint64(tops)
)

//go:norace
func difference(dst, row, above []byte) {
	race.Reads(row)
	race.Reads(above)
	race.Writes(dst)
	for len(row) >= 8 && len(above) >= 8 && len(dst) >= 8 {
		a, b := binary.LittleEndian.Uint64(row), binary.LittleEndian.Uint64(above)
		binary.LittleEndian.PutUint64(dst, (a|tops)-(b&rest)^(a^b^tops)&tops)
		dst, row, above = dst[8:], row[8:], above[8:]
	}
	for i, v := range row {
		dst[i] = v - above[i]
	}
}

// addTo adds to each byte of a row the one above it.
//
//go:norace
func addTo(row, above []byte) {
	race.Reads(above)
	race.Writes(row)
	for len(row) >= 8 && len(above) >= 8 {
		a, b := binary.LittleEndian.Uint64(row), binary.LittleEndian.Uint64(above)
		binary.LittleEndian.PutUint64(row, (a&rest)+(b&rest)^(a^b)&tops)
		row, above = row[8:], above[8:]
	}
	for i, v := range above {
		row[i] += v
	}
}

// readers are reused for their windows.
var readers = sync.Pool{New: func() any { return new(inflate.Reader) }}

// Decode reads a picture, its alpha straight. The caller has checked the size.
//
// Errors match ErrOther, ErrDamaged or io.ErrUnexpectedEOF.
func Decode(data []byte) (*image.NRGBA, error) {
	head, err := read(data)
	if err != nil {
		return nil, err
	}
	img := &image.NRGBA{Pix: pages.Make(4 * head.w * head.h), Stride: 4 * head.w, Rect: image.Rect(0, 0, head.w, head.h)}
	size := head.w * head.channels
	lines := [2][]byte{make([]byte, size), make([]byte, size)}
	err = eachRow(head, func(y int) []byte { return lines[y%2] }, func(y int, row []byte) {
		unpack(img.Pix[y*img.Stride:][:img.Stride], row, head.channels)
	})
	if err != nil {
		return nil, err
	}
	return img, nil
}

// DecodeRGB is Decode for pictures without alpha that are kept as they are: three
// bytes a pixel, rows without gaps. They go to room, which grows where it is too
// small or nil. Other pictures are ErrOther.
func DecodeRGB(data, room []byte) ([]byte, error) {
	head, err := read(data)
	if err != nil {
		return nil, err
	}
	size := head.w * head.channels
	if head.channels != channels[colourRGB] {
		return nil, ErrOther
	}
	if cap(room) < size*head.h {
		room = pages.Make(size * head.h)
	}
	pix := room[:size*head.h]
	err = eachRow(head, func(y int) []byte { return pix[y*size:][:size] }, func(int, []byte) {})
	if err != nil {
		return nil, err
	}
	return pix, nil
}

// head is what a PNG says of itself, and where its pixels are.
type head struct {
	w, h     int
	channels int
	parts    [][]byte // of the zlib stream
}

// mostParts is how many chunks of pixels a picture may have here: those of 8 kB
// that libraries write are fewer in any that is not too large.
const mostParts = 1 << 16

// read walks the chunks up to the end.
func read(data []byte) (head, error) {
	var h head
	if len(data) < 33 || string(data[:8]) != signature || string(data[12:16]) != "IHDR" {
		return h, ErrOther
	}
	for at := 8; ; {
		if at+12 > len(data) {
			return h, io.ErrUnexpectedEOF
		}
		n, kind := int(binary.BigEndian.Uint32(data[at:])), string(data[at+4:at+8])
		if n > len(data)-at-12 {
			return h, io.ErrUnexpectedEOF
		}
		body := data[at+8 : at+8+n]
		switch kind {
		case "IHDR":
			if n != 13 || at != 8 {
				return h, fmt.Errorf("%w: its header has %d bytes", ErrDamaged, n)
			}
			h.w, h.h = int(binary.BigEndian.Uint32(body)), int(binary.BigEndian.Uint32(body[4:]))
			h.channels = channels[body[9]]
			if body[8] != 8 || h.channels == 0 || body[10] != 0 || body[11] != 0 || body[12] != 0 || h.w <= 0 || h.h <= 0 || h.w > 1<<24/h.channels {
				return h, ErrOther
			}
		case "tRNS", "PLTE":
			return h, ErrOther
		case "IDAT":
			if len(h.parts) == mostParts {
				return h, ErrOther // image/png needs no memory for them
			}
			if n > 0 {
				h.parts = append(h.parts, body)
			}
		}
		if crc32.ChecksumIEEE(data[at+4:at+8+n]) != binary.BigEndian.Uint32(data[at+8+n:]) {
			return h, fmt.Errorf("%w: the sum of its %q chunk is another", ErrDamaged, kind)
		}
		if kind == "IEND" {
			return h, nil
		}
		at += n + 12
	}
}

// eachRow reads row after row to where to says, as long as the next one needs it,
// and shows it to each once its filter is undone.
func eachRow(h head, to func(y int) []byte, each func(y int, row []byte)) error {
	z, _ := readers.Get().(*inflate.Reader)
	z.Reset(h.parts)
	defer func() {
		z.Reset(nil) // the reader outlives the data
		readers.Put(z)
	}()
	above, filter := make([]byte, h.w*h.channels), make([]byte, 1)
	for y := range h.h {
		row := to(y)
		if _, err := io.ReadFull(z, filter); err != nil {
			return explain(err)
		}
		if _, err := io.ReadFull(z, row); err != nil {
			return explain(err)
		}
		if err := restore(filter[0], row, above, h.channels); err != nil {
			return err
		}
		each(y, row)
		above = row
	}
	switch _, err := io.ReadFull(z, filter); { // the sum is checked at the end
	case err == nil:
		return fmt.Errorf("%w: it has more pixels than it says", ErrDamaged)
	case !errors.Is(err, io.EOF):
		return explain(err)
	}
	return nil
}

func explain(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// restore undoes a row's filter.
//
//go:norace
func restore(filter byte, row, above []byte, n int) error {
	race.Reads(above)
	race.Writes(row)
	above = above[:len(row)]
	switch filter {
	case filterNone:
	case filterSub:
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
	case filterUp:
		addTo(row, above)
	case filterAverage:
		for i := range min(n, len(row)) {
			row[i] += above[i] / 2
		}
		for i := n; i < len(row); i++ {
			row[i] += byte((uint(row[i-n]) + uint(above[i])) / 2) //nolint:gosec // a mean of bytes
		}
	case filterPaeth:
		paeth(row, above, n)
	default:
		return fmt.Errorf("%w: a row has the filter %d", ErrDamaged, filter)
	}
	return nil
}

// paeth adds to each byte whichever of those left of it, above it and between is
// nearest to left + above - between.
//
//go:norace
func paeth(row, above []byte, n int) {
	for c := range min(n, len(row)) {
		var left, corner int
		for i := c; i < len(row); i += n {
			up := int(above[i])
			toLeft, toUp := up-corner, left-corner
			toCorner := magnitude(toLeft + toUp)
			toLeft, toUp = magnitude(toLeft), magnitude(toUp)
			nearest := corner // written so that no branch is needed, which would be guessed wrong
			if toUp <= toCorner {
				nearest = up
			}
			if toLeft <= min(toUp, toCorner) {
				nearest = left
			}
			left = (int(row[i]) + nearest) & 0xff
			row[i] = byte(left)
			corner = up
		}
	}
}

func magnitude(v int) int { return max(v, -v) }

// Unpack gives a row opaque alpha.
//
//go:norace
func Unpack(nrgba, rgb []byte) {
	race.Reads(rgb)
	race.Writes(nrgba)
	const alpha = 0xff << 24
	for len(rgb) >= 4 && len(nrgba) >= 4 { // the fourth is the next pixel's first
		binary.LittleEndian.PutUint32(nrgba, binary.LittleEndian.Uint32(rgb)|alpha)
		rgb, nrgba = rgb[3:], nrgba[4:]
	}
	if len(rgb) == 3 && len(nrgba) == 4 {
		nrgba[0], nrgba[1], nrgba[2], nrgba[3] = rgb[0], rgb[1], rgb[2], 0xff
	}
}

// unpack makes a row of any channels one of four.
func unpack(nrgba, row []byte, channels int) {
	switch channels {
	case 4:
		copy(nrgba, row)
	case 3:
		Unpack(nrgba, row)
	case 1:
		for i, v := range row {
			px := nrgba[4*i : 4*i+4]
			px[0], px[1], px[2], px[3] = v, v, v, 0xff
		}
	}
}
