package imaging

// gifHeader walks the blocks to count frames.
func gifHeader(data []byte) (header, error) {
	var h header
	if len(data) < 13 {
		return h, ErrTruncated
	}
	h.width, h.height = int(data[6])|int(data[7])<<8, int(data[8])|int(data[9])<<8
	frames, at := 0, 13+gifTable(data[10])
	for at < len(data) {
		switch data[at] {
		case 0x3b: // the end
			h.animated = frames > 1
			return h, nil
		case 0x2c: // a frame
			frames++
			if at+10 > len(data) {
				h.short = true
				return h, nil
			}
			at = gifBlocks(data, at+11+gifTable(data[at+9]))
		default: // an extension
			at = gifBlocks(data, at+2)
		}
	}
	h.animated, h.short = frames > 1, true
	return h, nil
}

// gifTable is the size of the colour table that flags announce.
func gifTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// gifBlocks skips data blocks up to the empty one that ends them.
func gifBlocks(data []byte, at int) int {
	for at < len(data) && data[at] != 0 {
		at += 1 + int(data[at])
	}
	return at + 1
}
