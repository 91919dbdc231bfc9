package ledger_test

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
)

// What was superseded is known for as long as the queue may list it, and is
// forgotten then.
func TestSupersededTasksAreNotCurrent(t *testing.T) {
	redistest.Everywhere(t, func(t *testing.T, rdb redis.UniversalClient) {
		t.Helper()
		start := time.Unix(1_800_000_000, 0) // when one set of minutes begins
		now := start
		l := ledger.New(rdb, ledger.Options{Now: func() time.Time { return now }})
		for _, c := range []struct {
			after     time.Duration
			supersede []string
			current   []string
		}{
			{0, nil, []string{"a", "b", "c"}},
			{0, []string{"a"}, []string{"b", "c"}},
			{4 * time.Minute, []string{"b"}, []string{"c"}},
			{5 * time.Minute, []string{"c"}, nil},
			{10*time.Minute - time.Second, nil, nil},
			{10 * time.Minute, nil, []string{"a", "b"}},
			{15 * time.Minute, nil, []string{"a", "b", "c"}},
		} {
			now = start.Add(c.after)
			if err := l.Supersede(t.Context(), c.supersede); err != nil {
				t.Fatal(err)
			}
			if got, err := l.Current(t.Context(), []string{"a", "b", "c"}); err != nil || !slices.Equal(got, c.current) {
				t.Errorf("after %s there are %v, not %v; %v", c.after, got, c.current, err)
			}
		}
		if left, err := l.Current(t.Context(), nil); err != nil || len(left) > 0 {
			t.Errorf("of no tasks there are %v, %v", left, err)
		}
	})
}
