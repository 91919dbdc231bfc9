package imaging

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"

	"github.com/actormaker/trainset/internal/cores"
)

const (
	// mcu is the side of a minimum coded unit (MCU), in pixels: four blocks
	// of luma for one of each colour.
	mcu = 16
	// stripHeight is that of the parts that are encoded by themselves.
	stripHeight = 8 * mcu
	// mostSide is how large a picture of the format may be, in pixels.
	mostSide = 0xffff
)

var errStrips = errors.New("its parts do not fit together")

// encodeJPEG writes a large picture as a JPEG, its parts at the same time: between
// restart markers the format begins anew. The same picture gives the same bytes.
func encodeJPEG(img *image.RGBA, quality int) ([]byte, error) {
	b := img.Rect
	if b.Dy() <= stripHeight || max(b.Dx(), b.Dy()) > mostSide { // the library's to refuse
		return plainJPEG(img, quality)
	}
	parts := make([][]byte, (b.Dy()+stripHeight-1)/stripHeight)
	err := cores.Each(len(parts), func(i int) (err error) {
		strip := image.Rect(b.Min.X, b.Min.Y+i*stripHeight, b.Max.X, b.Min.Y+(i+1)*stripHeight).Intersect(b)
		parts[i], err = plainJPEG(img.SubImage(strip), quality)
		return err
	})
	if err != nil {
		return nil, err
	}
	return joined(parts, b.Size())
}

// between is how many MCUs a strip of a width has.
func between(width int) int { return (width + mcu - 1) / mcu * (stripHeight / mcu) }

func plainJPEG(img image.Image, quality int) ([]byte, error) {
	var to bytes.Buffer
	if err := jpeg.Encode(&to, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encoding a JPEG: %w", err)
	}
	return to.Bytes(), nil
}

// Markers of a JPEG.
const (
	markFrame   = 0xc0 // its size and channels
	markRestart = 0xd0 // the first of eight, which take turns
	markEnd     = 0xd9
	markScan    = 0xda // before the pixels
	markEvery   = 0xdd // says how often restart markers come
)

// joined makes one JPEG of the parts of a picture, from the top: the first one's
// head with the whole size, and the pixels of all.
func joined(parts [][]byte, size image.Point) ([]byte, error) {
	var out bytes.Buffer
	for i, part := range parts {
		head, frame, err := headOf(part)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			out.Write(part[:frame])
			out.Write(binary.BigEndian.AppendUint16([]byte{0xff, markEvery, 0, 4}, uint16(between(size.X)))) //nolint:gosec // half of mostSide
			rest := bytes.Clone(part[frame:head])
			binary.BigEndian.PutUint16(rest[5:], uint16(size.Y)) //nolint:gosec // up to mostSide
			out.Write(rest)
		} else {
			out.Write([]byte{0xff, markRestart + byte((i-1)&7)})
		}
		out.Write(part[head : len(part)-2]) // without the mark of its end
	}
	out.Write([]byte{0xff, markEnd})
	return out.Bytes(), nil
}

// headOf says where a JPEG's pixels begin, and where its frame does.
func headOf(data []byte) (pixels, frame int, err error) {
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		mark, next := data[at+1], at+2+int(binary.BigEndian.Uint16(data[at+2:]))
		switch {
		case mark == markFrame:
			frame = at
		case mark == markScan && frame > 0 && next < len(data):
			return next, frame, nil
		}
		at = next
	}
	return 0, 0, errStrips
}
