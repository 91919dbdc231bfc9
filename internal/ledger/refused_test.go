package ledger_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/redistest"
)

// A server that refuses the connection is the reason, whatever was asked.
func TestARefusedConnectionIsTheReason(t *testing.T) {
	node := redistest.Start(t, "requirepass new")
	rdb := redis.NewClient(&redis.Options{Addr: node.Addr, Password: "old"})
	t.Cleanup(func() { _ = rdb.Close() })
	l := ledger.New(rdb, ledger.Options{})
	if _, err := l.Load(t.Context(), inboxJob); !redis.HasErrorPrefix(err, "WRONGPASS") {
		t.Errorf("reading a job: %v", err)
	}
	lot := plan.Lot{Record: plan.Record{ID: inboxJob}, Steps: []plan.Step{{Verb: plan.VerbAccept}}}
	if _, err := l.Requeue(t.Context(), lot); !redis.HasErrorPrefix(err, "WRONGPASS") {
		t.Errorf("requeueing: %v", err)
	}
}
