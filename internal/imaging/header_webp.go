package imaging

import (
	"bytes"
	"fmt"
)

// webpHeader walks the chunks of the RIFF container.
func webpHeader(data []byte) (header, error) {
	var h header
	if size := int(le32(data[4:])); size > len(data)-8 {
		h.short = true
	}
	for at := 12; at+8 <= len(data); {
		kind, n := string(data[at:at+4]), int(le32(data[at+4:]))
		body := data[at+8 : min(at+8+n, len(data))]
		if err := h.webpChunk(kind, body); err != nil {
			return h, err
		}
		at += 8 + n + n&1
	}
	if h.width == 0 {
		return h, ErrTruncated
	}
	return h, nil
}

func (h *header) webpChunk(kind string, body []byte) error {
	switch kind {
	case "VP8X":
		if len(body) < 10 {
			return ErrTruncated
		}
		h.animated = body[0]&0x02 != 0
		h.width, h.height = 1+int(le32(body[3:])>>8), 1+int(le32(body[6:])>>8)
	case "ANIM", "ANMF":
		h.animated = true
	case "VP8 ":
		if len(body) < 10 {
			return ErrTruncated
		}
		if string(body[3:6]) != "\x9d\x01\x2a" {
			return fmt.Errorf("%w: it has no key frame", ErrDamaged)
		}
		h.canvas(int(body[6])|int(body[7]&0x3f)<<8, int(body[8])|int(body[9]&0x3f)<<8)
	case "VP8L":
		if len(body) < 5 {
			return ErrTruncated
		}
		bits := le32(body[1:])
		h.canvas(1+int(bits&0x3fff), 1+int(bits>>14&0x3fff))
	case "ICCP":
		h.profile = body
	case "EXIF":
		h.orientation = exifOrientation(bytes.TrimPrefix(body, []byte(exifPrefix)))
	}
	return nil
}

// canvas takes the size of the bitstream. Where a VP8X chunk says another, the
// larger counts: the limits must hold for whatever the decoder believes.
func (h *header) canvas(w, ht int) {
	h.width, h.height = max(h.width, w), max(h.height, ht)
}
