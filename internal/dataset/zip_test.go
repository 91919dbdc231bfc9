package dataset

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func entries(n int) []entry {
	all := make([]entry, n)
	for i := range all {
		all[i] = entry{i + 1, fmt.Appendf(nil, "image %d", i+1), fmt.Appendf(nil, "caption %d", i+1)}
	}
	return all
}

func TestZipIsTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		all := entries(rapid.IntRange(1, 48).Draw(r, "n"))
		want, err := bundle(all)
		if err != nil {
			r.Fatal(err)
		}
		got, err := bundle(rapid.Permutation(all).Draw(r, "shuffled"))
		if err != nil || !bytes.Equal(got, want) {
			r.Fatalf("the bytes differ, %v", err)
		}
	})
}

func TestZipIsFlatStoredAndComplete(t *testing.T) {
	body, err := bundle([]entry{{12, []byte("i12"), []byte("c12")}, {3, []byte("i3"), []byte("c3")}})
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.Name+" "+string(b))
		if f.Method != zip.Store || !f.Modified.Equal(zipTime) || !f.Mode().IsRegular() {
			t.Errorf("%s: method %d, time %s, mode %s", f.Name, f.Method, f.Modified, f.Mode())
		}
	}
	if diff := cmp.Diff([]string{"003.png i3", "003.txt c3", "012.png i12", "012.txt c12"}, got); diff != "" {
		t.Error(diff)
	}
}
