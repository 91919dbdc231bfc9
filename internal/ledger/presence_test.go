package ledger_test

import (
	"context"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
)

// A worker is there as long as its connection is, and nobody else is.
func TestWorkersAreAbsentOnceTheyLeave(t *testing.T) {
	redistest.Everywhere(t, presence)
}

func presence(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	l := ledger.New(rdb, ledger.Options{})
	if absent, err := l.Absent(t.Context(), "me", []string{"one"}); err == nil {
		t.Errorf("to one who is not there itself, %v are absent", absent)
	}
	absent := func() []string {
		workers, err := l.Absent(t.Context(), "me", []string{"one", "two", "never"})
		if err != nil {
			return []string{err.Error()}
		}
		return workers
	}
	leave := map[string]context.CancelFunc{}
	left := make(chan struct{}, 3)
	for _, w := range []string{"one", "two", "me"} {
		ctx, cancel := context.WithCancel(t.Context())
		leave[w] = cancel
		go func() { l.Attend(ctx, w); left <- struct{}{} }()
	}
	redistest.Await(t, "both are there", func() bool { return slices.Equal(absent(), []string{"never"}) })
	leave["two"]()
	<-left
	redistest.Await(t, "one has left", func() bool { return slices.Equal(absent(), []string{"two", "never"}) })
	leave["one"]()
	leave["me"]()
	<-left
	<-left
}
