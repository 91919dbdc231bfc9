package imaging

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
)

// pngHeader walks all chunks: the animation and orientation may be anywhere
// before the end, and the last chunk tells that nothing is missing.
func pngHeader(data []byte) (header, error) {
	var h header
	for at := 8; ; {
		if at+12 > len(data) {
			h.short = true
			return h, pngFirst(h, at)
		}
		n, kind := int(be32(data[at:])), string(data[at+4:at+8])
		if n > len(data)-at-12 {
			h.short = true
			return h, pngFirst(h, at)
		}
		body := data[at+8 : at+8+n]
		switch {
		case at == 8 && (kind != "IHDR" || n != 13):
			return h, fmt.Errorf("%w: it does not begin with a header", ErrDamaged)
		case at == 8:
			h.width, h.height = int(be32(body)), int(be32(body[4:]))
		case kind == "IEND":
			return h, nil
		default:
			h.pngChunk(kind, body)
		}
		at += n + 12
	}
}

// pngFirst tells a picture whose later part is missing, which has a size that
// can be checked, from one that ends within its header.
func pngFirst(h header, at int) error {
	if at == 8 || h.width == 0 {
		return ErrTruncated
	}
	return nil
}

func (h *header) pngChunk(kind string, body []byte) {
	switch kind {
	case "acTL":
		h.animated = len(body) >= 4 && be32(body) > 1
	case "eXIf":
		h.orientation = exifOrientation(bytes.TrimPrefix(body, []byte(exifPrefix)))
	case "iCCP":
		if !h.profiled { // unpacking costs time, so only one is
			h.profile, h.profiled = pngProfile(body), true
		}
	}
}

// pngProfile unpacks a profile: a name, a method byte, then a zlib stream. What
// is longer than any profile is dropped.
func pngProfile(body []byte) []byte {
	name := bytes.IndexByte(body, 0)
	if name < 0 || len(body) < name+2 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(body[name+2:]))
	if err != nil {
		return nil
	}
	defer z.Close() //nolint:errcheck // it only reads memory
	p, err := io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err != nil || len(p) > maxProfile {
		return nil
	}
	return p
}
