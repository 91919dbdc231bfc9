package storage

import "io"

// joined reads parts of a body as one.
type joined [][]byte

// ReadAt implements io.ReaderAt.
func (j joined) ReadAt(p []byte, from int64) (n int, err error) {
	for _, part := range j {
		if from >= int64(len(part)) {
			from -= int64(len(part))
			continue
		}
		n += copy(p[n:], part[from:])
		if from = 0; n == len(p) {
			return n, nil
		}
	}
	return n, io.EOF
}

// writeAll writes the parts one after the other.
func writeAll(to io.Writer, parts [][]byte) error {
	for _, part := range parts {
		if _, err := to.Write(part); err != nil {
			return err //nolint:wrapcheck // its caller says what it was writing
		}
	}
	return nil
}

// length of a body in bytes.
func length(parts [][]byte) (n int64) {
	for _, part := range parts {
		n += int64(len(part))
	}
	return n
}
