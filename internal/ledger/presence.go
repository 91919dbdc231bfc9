package ledger

import (
	"context"
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

// Absent returns those of the workers that no connection shows to be there. They
// may have died, or be about to connect anew.
func (l *Ledger) Absent(ctx context.Context, workers []string) ([]string, error) {
	rdb := l.rdb // a cluster counts listeners node by node
	if c, is := l.rdb.(*redis.ClusterClient); is {
		var err error
		if rdb, err = c.MasterForKey(ctx, presenceTag); err != nil {
			return nil, fmt.Errorf("ledger: looking for workers: %w", err)
		}
	}
	channels := make([]string, len(workers))
	for i, w := range workers {
		channels[i] = presenceChannel(w)
	}
	listening, err := rdb.PubSubNumSub(ctx, channels...).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: looking for workers: %w", err)
	}
	var absent []string
	for i, w := range workers {
		if listening[channels[i]] == 0 {
			absent = append(absent, w)
		}
	}
	return absent, nil
}
