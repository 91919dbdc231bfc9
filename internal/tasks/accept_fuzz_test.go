package tasks

import (
	"context"
	"errors"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/queue"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/storage"
)

// noStore is storage that cannot be reached.
type noStore struct{ storage.Store }

var errNoStore = errors.New("storage is down")

func (noStore) Get(context.Context, string) ([]byte, error) { return nil, errNoStore }

// FuzzAccept looks for requests that panic the handler, that are repeated
// although they will never be right, or dropped although they may be.
func FuzzAccept(f *testing.F) {
	f.Add([]byte(`{"version":1,"user":"ada","key":"k","actor":"zara","portrait":{"url":"https://example.org/p.png"}}`))
	f.Add([]byte(`{"version":1,"user":"ada","key":"k","actor":"zara","portrait":{"key":"uploads/x"},"max_cost_usd":0.000001}`))
	f.Add([]byte(`{"version":1,"user":"ada","key":"","actor":"zara","portrait":{}}`))
	f.Add([]byte(`{"version":1,"user":"a}b","key":"k","actor":"zara","portrait":{"url":"ftp://x"}}`))
	f.Add([]byte("{"))
	rdb := redistest.Mini(f)
	h := New(ledger.New(rdb, ledger.Options{}), noStore{}, nil, nil, queue.New(rdb, nil), Options{Owner: "me", Log: zerolog.Nop()})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if err := rdb.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		req, wrong := trainset.DecodeRequest(trainset.KindActor, payload)
		for range 2 { // the queue may deliver it again
			err := h.accept(trainset.KindActor)(t.Context(), asynq.NewTask(trainset.TaskActorGenerate, payload))
			if wrong != nil {
				if !errors.Is(err, asynq.SkipRetry) {
					t.Fatalf("it would be repeated: %v", err)
				}
				return
			}
			if !errors.Is(err, errNoStore) || errors.Is(err, asynq.SkipRetry) {
				t.Fatalf("it would not be repeated: %v", err)
			}
			if r, err := h.ledger.Load(t.Context(), req.JobID()); err != nil || r.Fingerprint != req.Fingerprint() || r.State.Ended() {
				t.Fatalf("recorded as %+v, %v", r, err)
			}
		}
	})
}
