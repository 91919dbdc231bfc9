package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/storage/storagetest"
)

func writeFile(tb testing.TB, name string, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// aSet is a small data set in a folder.
func aSet(t *testing.T) (*storage.Directory, dataset.Layout, trainset.Manifest) {
	t.Helper()
	store := storage.NewDirectory(t.TempDir())
	l, m := putSet(t, store)
	return store, l, m
}

// putSet stores a small data set.
func putSet(t *testing.T, store storage.Store) (dataset.Layout, trainset.Manifest) {
	t.Helper()
	l := dataset.Layout{User: "ada", Kind: trainset.KindActor, Subject: "zara", Job: trainset.NewJobID("ada", trainset.KindActor, "k")}
	put := func(file, text string) string {
		if err := store.Put(t.Context(), l.Root()+"/"+file, []byte(text), storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		return digest([]byte(text))
	}
	m := trainset.Manifest{JobID: l.Job, Folder: l.Root(), Revision: 1, Reference: trainset.SetReference{File: "reference.png", SHA256: put("reference.png", "reference")}}
	m.Items = []trainset.SetItem{
		{Index: 1, File: "v1/train/001.png", SHA256: put("v1/train/001.png", "one"), Caption: &trainset.SetCaption{Text: "a caption", File: "v1/train/001.txt"}},
		{Index: 2, State: trainset.ItemFailed},
	}
	put("v1/train/001.txt", "a caption")
	m.Files.Zip = &trainset.SetFile{File: "v1/dataset.zip", SHA256: put("v1/dataset.zip", "zip")}
	putManifest(t, store, l, m)
	return l, m
}

func putManifest(t *testing.T, store storage.Store, l dataset.Layout, m trainset.Manifest) {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), l.Manifest(), b, storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestAFetchThatFailedGoesOn(t *testing.T) {
	for n := 1; n <= 5; n++ { // the manifest and four files
		store, l, _ := aSet(t)
		broken := storagetest.NewFaulty(store)
		to := storage.NewDirectory(t.TempDir())
		lost := errors.New("the line broke")
		broken.FailGet(n, lost)
		if _, err := fetchSet(t.Context(), broken, to, l); !errors.Is(err, lost) {
			t.Fatalf("read %d failed, and the fetch with %v", n, err)
		}
		if _, err := to.Stat(t.Context(), manifestFile); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("a set that is not whole has its manifest: %v", err)
		}
		r, err := fetchSet(t.Context(), store, to, l)
		if err != nil || r.Fetched+r.There != 5 {
			t.Fatalf("%+v, %v", r, err)
		}
		got, err := to.Get(t.Context(), "v1/train/001.txt")
		if err != nil || !bytes.Equal(got, []byte("a caption")) {
			t.Errorf("caption %q, %v", got, err)
		}
	}
}

// A manifest cannot make a fetch write outside its folder.
func TestAFetchStaysInItsFolder(t *testing.T) {
	for _, file := range []string{"../../evil.png", "/etc/evil.png", ".hidden", "v1/../../evil.png"} {
		for name, spoil := range map[string]func(*trainset.Manifest){
			"an image":   func(m *trainset.Manifest) { m.Items[0].File = file },
			"an attempt": func(m *trainset.Manifest) { m.Items[0].Attempts = []trainset.SetAttempt{{File: file}} },
			"a gallery":  func(m *trainset.Manifest) { m.Files.Gallery.File = file },
		} {
			store, l, m := aSet(t)
			m.Files.Gallery = m.Files.Zip
			spoil(&m)
			putManifest(t, store, l, m)
			parent := t.TempDir()
			if _, err := fetchSet(t.Context(), store, storage.NewDirectory(filepath.Join(parent, "in", "to")), l); err == nil {
				t.Errorf("%s %s was fetched", name, file)
			}
			if found, err := filepath.Glob(filepath.Join(parent, "evil*")); err != nil || len(found) > 0 {
				t.Errorf("%s %s was written: %v %v", name, file, found, err)
			}
		}
	}
}

func TestLayoutsAreReadOffKeys(t *testing.T) {
	for _, kind := range []trainset.Kind{trainset.KindActor, trainset.KindStyle} {
		l := dataset.Layout{User: "ada", Kind: kind, Subject: "zara", Job: trainset.NewJobID("ada", kind, "k")}
		for _, key := range []string{l.Plan(), l.Manifest()} {
			if got, ok := layoutAt(key); !ok || got != l {
				t.Errorf("%s: %+v, %v", key, got, ok)
			}
		}
		for _, key := range []string{l.Reference(), l.RevisionManifest(1), "uploads/" + string(l.Job), "a/b/c/d/manifest.json"} {
			if got, ok := layoutAt(key); ok {
				t.Errorf("%s: %+v", key, got)
			}
		}
	}
}
