package storage_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/actormaker/trainset/internal/storage"
)

// Whoever asks at once, and by whatever path, learns the same.
func TestAStoreHasOneID(t *testing.T) {
	root := filepath.Join(t.TempDir(), "out")
	link := filepath.Join(t.TempDir(), "mounted")
	ids := make([]string, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			var err error
			if ids[i], err = storage.ID(t.Context(), storage.NewDirectory(root)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	again, err := storage.ID(t.Context(), storage.NewDirectory(link))
	for _, id := range append(ids, again) {
		if id == "" || id != ids[0] || err != nil {
			t.Errorf("%v, %v", ids, err)
		}
	}
	if other, err := storage.ID(t.Context(), storage.NewDirectory(t.TempDir())); err != nil || other == again {
		t.Errorf("another has the ID %q, too: %v", other, err)
	}
}

func TestADamagedIDSaysSo(t *testing.T) {
	s := storage.NewDirectory(t.TempDir())
	if err := s.Put(t.Context(), "trainset/storage.json", []byte("{}"), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if id, err := storage.ID(t.Context(), s); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("%q, %v", id, err)
	}
}
