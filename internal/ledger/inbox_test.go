package ledger_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
)

const inboxJob trainset.JobID = "00000000-0000-8000-8000-000000000001"

func TestInboxGivesBackWhatWasPut(t *testing.T) {
	redistest.Each(t, func(t *testing.T, rdb *redis.Client) {
		l := ledger.New(rdb, ledger.Options{})
		for _, size := range []int{1, 512<<10 - 1, 512 << 10, 512<<10 + 1, 3 << 20} {
			image := bytes.Repeat([]byte{byte(size), 1, 0}, size/3+1)[:size]
			sum, err := l.PutInbox(t.Context(), inboxJob, image)
			if err != nil {
				t.Fatal(err)
			}
			got, err := l.Inbox(t.Context(), inboxJob, sum)
			if err != nil || !bytes.Equal(got, image) {
				t.Errorf("%d bytes came back of %d: %v", len(got), size, err)
			}
		}
		for _, key := range rdb.Keys(t.Context(), "*").Val() {
			if ttl := rdb.TTL(t.Context(), key).Val(); ttl <= 0 {
				t.Errorf("%s never expires", key)
			}
		}
	})
}

// Two requests that compete for one job do not spoil each other's image.
func TestInboxKeepsImagesApart(t *testing.T) {
	l := ledger.New(redistest.Mini(t), ledger.Options{})
	first, err := l.PutInbox(t.Context(), inboxJob, []byte("first"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.PutInbox(t.Context(), inboxJob, []byte("second")); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Inbox(t.Context(), inboxJob, first); err != nil || string(got) != "first" {
		t.Errorf("read %q: %v", got, err)
	}
}

// A producer that died halfway has put nothing.
func TestInboxHidesWhatIsNotWhole(t *testing.T) {
	rdb := redistest.Mini(t)
	l := ledger.New(rdb, ledger.Options{})
	sum, err := l.PutInbox(t.Context(), inboxJob, []byte("a whole image"))
	if err != nil {
		t.Fatal(err)
	}
	key := rdb.Keys(t.Context(), "*").Val()[0]
	if err := rdb.Set(t.Context(), key, "a whole", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Inbox(t.Context(), inboxJob, sum); !errors.Is(err, trainset.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

func TestInboxIsBounded(t *testing.T) {
	l := ledger.New(redistest.Mini(t), ledger.Options{})
	for _, image := range [][]byte{nil, make([]byte, ledger.MaxInbox+1)} {
		if _, err := l.PutInbox(t.Context(), inboxJob, image); err == nil {
			t.Errorf("%d bytes were taken", len(image))
		}
	}
}
