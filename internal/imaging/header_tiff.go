package imaging

import (
	"encoding/binary"
	"fmt"
)

const (
	tagWidth       = 0x0100
	tagHeight      = 0x0101
	tagOrientation = 0x0112
	tagProfile     = 0x8773
)

// tiffHeader reads the first directory. Later ones are further pages or
// thumbnails, which are not looked at.
func tiffHeader(data []byte) (header, error) {
	var h header
	d, err := readDirectory(data)
	if err != nil {
		return h, err
	}
	h.width, h.height = d.number(tagWidth), d.number(tagHeight)
	h.orientation = orientation(d.number(tagOrientation))
	h.profile = d.bytes(tagProfile)
	return h, nil
}

// exifOrientation reads the orientation from EXIF data, which is a TIFF
// directory; 0 where it says none.
func exifOrientation(data []byte) int {
	d, err := readDirectory(data)
	if err != nil {
		return 0
	}
	return orientation(d.number(tagOrientation))
}

func orientation(n int) int {
	if n < 1 || n > 8 {
		return 0
	}
	return n
}

// directory is the first directory of a TIFF file, its entries not copied.
type directory struct {
	data    []byte
	order   binary.ByteOrder
	entries []byte
}

const entrySize = 12

func readDirectory(data []byte) (directory, error) {
	d := directory{data: data, order: binary.LittleEndian}
	if len(data) < 8 {
		return d, ErrTruncated
	}
	switch string(data[:2]) {
	case "II":
	case "MM":
		d.order = binary.BigEndian
	default:
		return d, fmt.Errorf("%w: it has no byte order", ErrDamaged)
	}
	at := uint64(d.order.Uint32(data[4:]))
	if at+2 > uint64(len(data)) {
		return d, ErrTruncated
	}
	n := uint64(d.order.Uint16(data[at:]))
	if at+2+n*entrySize > uint64(len(data)) {
		return d, ErrTruncated
	}
	d.entries = data[at+2 : at+2+n*entrySize]
	return d, nil
}

func (d directory) entry(tag uint16) []byte {
	for e := d.entries; len(e) >= entrySize; e = e[entrySize:] {
		if d.order.Uint16(e) == tag {
			return e[:entrySize]
		}
	}
	return nil
}

// number reads an entry of one small number; 0 where there is none.
func (d directory) number(tag uint16) int {
	e := d.entry(tag)
	if e == nil || d.order.Uint32(e[4:]) != 1 {
		return 0
	}
	switch d.order.Uint16(e[2:]) {
	case 1:
		return int(e[8])
	case 3:
		return int(d.order.Uint16(e[8:]))
	case 4:
		return int(min(d.order.Uint32(e[8:]), 1<<31-1))
	}
	return 0
}

// bytes reads an entry of bytes that lie elsewhere in the file.
func (d directory) bytes(tag uint16) []byte {
	e := d.entry(tag)
	if e == nil {
		return nil
	}
	n, at := uint64(d.order.Uint32(e[4:])), uint64(d.order.Uint32(e[8:]))
	if n <= 4 || at+n > uint64(len(d.data)) {
		return nil
	}
	return d.data[at : at+n]
}
