package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// presenceChannel is one that a worker listens to as long as it is connected, and
// where nothing is ever said. In a cluster all of them are one node's.
func presenceChannel(worker string) string { return presenceTag + worker }

const presenceTag = "trainset:{workers}:"

// Attend keeps a connection to Redis by which the others see that this worker is
// there, until the context ends. Nothing has to be sent for them to see that it is
// not: when a process dies, its connections close.
func (l *Ledger) Attend(ctx context.Context, worker string) {
	sub := l.rdb.Subscribe(ctx, presenceChannel(worker))
	defer sub.Close() //nolint:errcheck // nothing is lost with it
	sub.Channel()     // listens, and connects anew when the connection breaks
	<-ctx.Done()
}

// errUnseen says that connections prove nothing here.
var errUnseen = errors.New("not even this worker's own connection is seen")

// Absent returns those of the workers that no connection shows to be there. They
// may have died, or be about to connect anew. It is an error when the observer,
// which attends, is not seen either: Redis may not let it listen, or has moved.
func (l *Ledger) Absent(ctx context.Context, observer string, workers []string) ([]string, error) {
	rdb := l.rdb // a cluster counts listeners node by node
	if c, is := l.rdb.(*redis.ClusterClient); is {
		var err error
		if rdb, err = c.MasterForKey(ctx, presenceTag); err != nil {
			return nil, fmt.Errorf("ledger: looking for workers: %w", err)
		}
	}
	channels := []string{presenceChannel(observer)}
	for _, w := range workers {
		channels = append(channels, presenceChannel(w))
	}
	listening, err := rdb.PubSubNumSub(ctx, channels...).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: looking for workers: %w", err)
	}
	if listening[channels[0]] == 0 {
		return nil, fmt.Errorf("ledger: looking for workers: %w", errUnseen)
	}
	var absent []string
	for _, w := range workers {
		if listening[presenceChannel(w)] == 0 {
			absent = append(absent, w)
		}
	}
	return absent, nil
}
