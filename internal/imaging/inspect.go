package imaging

import (
	"bytes"
	"fmt"
)

// Names of the formats that are read, as Info has them.
const (
	FormatJPEG = "jpeg"
	FormatPNG  = "png"
	FormatWebP = "webp"
	FormatTIFF = "tiff"
	FormatGIF  = "gif"
)

// Info is what a picture's header says.
type Info struct {
	Format        string // one of the Format constants
	Width, Height int    // px, upright: as Decode will return it
}

// Inspect reads a picture's header and checks it against the limits; it
// allocates nothing for pixels. Its errors are those of Decode.
func Inspect(data []byte, l Limits) (Info, error) {
	h, err := inspect(data, l)
	if err != nil {
		return Info{}, err
	}
	w, ht := h.upright()
	return Info{Format: h.format, Width: w, Height: ht}, nil
}

// header is what is needed of a picture before it is decoded.
type header struct {
	format        string
	width, height int
	orientation   int    // EXIF's, 1 to 8; 0 where there is none
	profile       []byte // ICC; may be nil
	profiled      bool   // there was one, useful or not
	animated      bool
	short         bool // the container says that bytes are missing
}

func (h header) upright() (w, ht int) {
	if h.orientation >= 5 && h.orientation <= 8 {
		return h.height, h.width
	}
	return h.width, h.height
}

func inspect(data []byte, l Limits) (header, error) {
	if len(data) == 0 {
		return header{}, ErrEmpty
	}
	if len(data) > l.MaxBytes {
		return header{}, &TooLargeError{Bytes: len(data), Limits: l}
	}
	format := sniff(data)
	read, ok := readers[format]
	if !ok {
		return header{}, &FormatError{Format: format}
	}
	h, err := guarded(read, data)
	h.format = format
	switch {
	case err != nil:
		return h, err
	case h.width <= 0 || h.height <= 0:
		return h, fmt.Errorf("%w: it is %d x %d pixels", ErrDamaged, h.width, h.height)
	case h.width > l.MaxPixels/h.height:
		return h, &TooLargeError{Bytes: len(data), Width: h.width, Height: h.height, Limits: l}
	case max(h.width, h.height) > maxSide:
		return h, fmt.Errorf("%w: it is %d x %d pixels, a line", ErrDamaged, h.width, h.height)
	case h.animated:
		return h, ErrAnimated
	case h.short:
		return h, ErrTruncated
	}
	return h, nil
}

// maxSide is more than any picture has, and as much as sums of pixels have room for.
const maxSide = 1 << 24

// guarded reads a header.
func guarded(read func([]byte) (header, error), data []byte) (h header, err error) {
	defer harmless(&err)
	return read(data)
}

// harmless, deferred, makes an error of a panic: should a reader or a decoder
// panic at hostile bytes, to it they are damaged, and the process of many jobs
// goes on.
func harmless(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrDamaged, p)
	}
}

var readers = map[string]func([]byte) (header, error){
	FormatJPEG: jpegHeader, FormatPNG: pngHeader, FormatWebP: webpHeader, FormatTIFF: tiffHeader, FormatGIF: gifHeader,
}

// magics are beginnings that tell a format; those in capitals are only named.
var magics = []struct{ format, magic string }{
	{FormatJPEG, "\xff\xd8\xff"},
	{FormatPNG, "\x89PNG\r\n\x1a\n"},
	{FormatTIFF, "II*\x00"},
	{FormatTIFF, "MM\x00*"},
	{FormatGIF, "GIF87a"},
	{FormatGIF, "GIF89a"},
	{"BMP", "BM"},
	{"JPEG XL", "\xff\x0a"},
	{"JPEG XL", "\x00\x00\x00\x0cJXL \r\n\x87\n"},
	{"JPEG 2000", "\x00\x00\x00\x0cjP  \r\n\x87\n"},
	{"PSD", "8BPS"},
	{"PDF", "%PDF-"},
	{"SVG", "<svg"},
}

// sniff names the format by the first bytes; it never trusts a name.
func sniff(data []byte) string {
	if len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP" {
		return FormatWebP
	}
	if len(data) >= 12 && string(data[4:8]) == "ftyp" {
		return ftyp(data)
	}
	for _, m := range magics {
		if bytes.HasPrefix(data, []byte(m.magic)) {
			return m.format
		}
	}
	if head := data[:min(len(data), 512)]; bytes.HasPrefix(head, []byte("<?xml")) && bytes.Contains(head, []byte("<svg")) {
		return "SVG"
	}
	return ""
}

// ftyp tells the relatives of MPEG-4 apart by their brands: the major one, and
// for the general brand mif1 those it is compatible with.
func ftyp(data []byte) string {
	size := min(int(be32(data)), len(data), 256)
	for at := 8; at+4 <= size || at == 8; at += 4 {
		switch string(data[at : at+4]) {
		case "avif", "avis":
			return "AVIF"
		case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs":
			return "HEIC"
		}
	}
	switch string(data[8:12]) {
	case "mif1", "msf1":
		return "HEIC"
	}
	return "a film or another MPEG-4 file"
}

func be16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

func be32(b []byte) uint32 { return uint32(be16(b))<<16 | uint32(be16(b[2:])) }

func le32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
