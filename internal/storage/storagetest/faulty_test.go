package storagetest_test

import (
	"errors"
	"testing"

	"github.com/actormaker/trainset/internal/storage"
	"github.com/actormaker/trainset/internal/storage/storagetest"
)

func TestFaultyFailsTheCallsItWasToldTo(t *testing.T) {
	full := errors.New("the disk is full")
	f := storagetest.NewFaulty(storage.NewDirectory(t.TempDir()))
	f.FailPut(2, full)
	f.LosePut(3, full)
	f.FailGet(1, full)
	for i, c := range []struct {
		key    string
		failed bool
		stored bool
	}{{"a", false, true}, {"b", true, false}, {"c", true, true}, {"d", false, true}} {
		err := f.Put(t.Context(), c.key, nil, storage.PutOptions{})
		if errors.Is(err, full) != c.failed {
			t.Errorf("Put %d: %v", i+1, err)
		}
		if _, err := f.Stat(t.Context(), c.key); (err == nil) != c.stored {
			t.Errorf("after Put %d: %v", i+1, err)
		}
	}
	if _, err := f.Get(t.Context(), "a"); !errors.Is(err, full) {
		t.Errorf("Get 1: %v", err)
	}
	if _, err := f.Get(t.Context(), "a"); err != nil {
		t.Errorf("Get 2: %v", err)
	}
	if f.Puts() != 4 || f.Gets() != 2 {
		t.Errorf("counted %d puts and %d gets", f.Puts(), f.Gets())
	}
}
