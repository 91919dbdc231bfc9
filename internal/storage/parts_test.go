package storage

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestJoinedPartsReadAsOne(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 20), 0, 6).Draw(r, "parts")
		want := bytes.Join(parts, nil)
		if length(parts) != int64(len(want)) {
			r.Fatalf("%d bytes, want %d", length(parts), len(want))
		}
		if err := iotest.TestReader(io.NewSectionReader(joined(parts), 0, length(parts)), want); err != nil {
			r.Fatal(err)
		}
	})
}
