package dataset

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
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
		if err != nil || !bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil)) {
			r.Fatalf("the bytes differ, %v", err)
		}
	})
}

func TestZipIsFlatStoredAndComplete(t *testing.T) {
	parts, err := bundle([]entry{{12, []byte("i12"), []byte("c12")}, {3, []byte("i3"), []byte("c3")}})
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Join(parts, nil)
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

// The images are in the zip's parts themselves, not copied, whatever their sizes,
// and the zip is one that the library would have written.
func TestZipCopiesNoImage(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 100, 4000, 4095, 4096, 4097, 9000, 70_000}), 1, 5)
		var all []entry
		var want bytes.Buffer
		w := zip.NewWriter(&want)
		for i, n := range sizes.Draw(r, "sizes") {
			e := entry{i + 1, bytes.Repeat([]byte{byte('a' + i)}, n), bytes.Repeat([]byte{byte('A' + i)}, sizes.Draw(r, "captions")[0])}
			all = append(all, e)
			plainly(r, w, fmt.Sprintf("%03d.png", e.index), e.image)
			plainly(r, w, fmt.Sprintf("%03d.txt", e.index), e.caption)
		}
		if err := w.Close(); err != nil {
			r.Fatal(err)
		}
		parts, err := bundle(all)
		if err != nil || !bytes.Equal(bytes.Join(parts, nil), want.Bytes()) {
			r.Fatalf("it is another zip, %v", err)
		}
		for _, e := range all {
			for _, body := range [][]byte{e.image, e.caption} {
				if len(body) > 0 && !slices.ContainsFunc(parts, func(p []byte) bool { return len(p) > 0 && &p[0] == &body[0] }) {
					r.Fatalf("the %d bytes of %d are a copy", len(body), e.index)
				}
			}
		}
	})
}

func plainly(r *rapid.T, w *zip.Writer, name string, body []byte) {
	h := &zip.FileHeader{Name: name, Method: zip.Store, Modified: zipTime}
	h.SetMode(0o644)
	f, err := w.CreateHeader(h)
	if err == nil {
		_, err = f.Write(body)
	}
	if err != nil {
		r.Fatal(err)
	}
}
