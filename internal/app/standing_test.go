package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actormaker/trainset/internal/storage"
)

// refusing refuses to store anything, with an error.
type refusing struct {
	storage.Store
	err error
}

func (r refusing) Put(context.Context, string, []byte, storage.PutOptions) error { return r.err }

func (r refusing) PutParts(context.Context, string, [][]byte, storage.PutOptions) error {
	return r.err
}

// A bucket is tried out once a minute, and at once when something could not be stored.
func TestWhatCannotBeStoredVoidsAGoodResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, ctx := 0, t.Context()
		errFull := errors.New("full")
		var answer error
		store := &noting{}
		s := &standing{failed: &store.failed, holds: time.Minute, try: func(context.Context) error { tries++; return answer }}
		want := func(n int, err error) {
			t.Helper()
			if got := s.Check(ctx); !errors.Is(got, err) || tries != n {
				t.Errorf("%v after %d tries, want %v after %d", got, tries, err, n)
			}
		}
		want(1, nil)
		for _, harmless := range []error{nil, storage.ErrExists, context.Canceled} {
			store.Store = refusing{err: harmless}
			_ = store.Put(ctx, "k", nil, storage.PutOptions{})
			want(1, nil)
		}
		answer, store.Store = errFull, refusing{err: errFull}
		_ = store.PutParts(ctx, "k", nil, storage.PutOptions{})
		want(2, errFull)
		want(3, errFull)
		answer = nil
		want(4, nil)
		want(4, nil)
		_ = store.Put(ctx, "k", nil, storage.PutOptions{})
		want(5, nil)
		time.Sleep(time.Minute) //nolint:forbidigo // of a synctest bubble
		want(6, nil)
	})
}
