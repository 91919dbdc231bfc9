package imaging

import (
	"bytes"
	"fmt"
)

const (
	exifPrefix = "Exif\x00\x00"
	iccPrefix  = "ICC_PROFILE\x00"
)

// jpegHeader walks the segments up to the first scan.
func jpegHeader(data []byte) (header, error) {
	var h header
	var parts iccParts
	for at := 2; ; {
		marker, body, next := jpegSegment(data, at)
		switch {
		case next == 0:
			return h, ErrTruncated
		case marker == 0:
			return h, fmt.Errorf("%w: no segment begins at byte %d", ErrDamaged, at)
		case marker == 0xda || marker == 0xd9: // a scan; or the end, without one
			h.profile = parts.join()
			return h, nil
		case isFrame(marker):
			if len(body) < 6 {
				return h, fmt.Errorf("%w: its frame has %d bytes", ErrDamaged, len(body))
			}
			h.height, h.width = int(be16(body[1:])), int(be16(body[3:]))
		case marker == 0xe1 && bytes.HasPrefix(body, []byte(exifPrefix)):
			if h.orientation == 0 {
				h.orientation = exifOrientation(body[len(exifPrefix):])
			}
		case marker == 0xe2 && bytes.HasPrefix(body, []byte(iccPrefix)):
			parts.add(body[len(iccPrefix):])
		}
		at = next
	}
}

// jpegSegment reads the segment at a place. Next is 0 where data ends first,
// marker is 0 where there is no segment.
func jpegSegment(data []byte, at int) (marker byte, body []byte, next int) {
	if at >= len(data) {
		return 0, nil, 0
	}
	if data[at] != 0xff {
		return 0, nil, at
	}
	for at < len(data) && data[at] == 0xff { // any number of fill bytes
		at++
	}
	if at >= len(data) {
		return 0, nil, 0
	}
	marker = data[at]
	at++
	if marker == 0x01 || marker >= 0xd0 && marker <= 0xd9 { // these stand alone
		return marker, nil, at
	}
	if at+2 > len(data) {
		return marker, nil, 0
	}
	n := int(be16(data[at:]))
	if n < 2 {
		return 0, nil, at
	}
	if at+n > len(data) {
		return marker, nil, 0
	}
	return marker, data[at+2 : at+n], at + n
}

// isFrame tells start-of-frame markers from the tables that share their range.
func isFrame(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
}

// iccParts joins a profile that is spread over segments, each numbered.
type iccParts struct {
	total int
	parts [256][]byte
}

func (p *iccParts) add(b []byte) {
	if len(b) < 2 {
		return
	}
	p.total = max(p.total, int(b[1]))
	p.parts[b[0]] = b[2:]
}

// join returns nil unless every part is there.
func (p *iccParts) join() []byte {
	var all []byte
	for i := 1; i <= p.total; i++ {
		if p.parts[i] == nil {
			return nil
		}
		all = append(all, p.parts[i]...)
	}
	return all
}
