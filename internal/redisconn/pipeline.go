package redisconn

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"
)

// Exec sends the commands of a pipeline, each of which has its own answer. A server
// that refuses the connection, as one does that has too many, has seen none of them,
// and go-redis tells none of them so: each gets that error here.
func Exec(ctx context.Context, p redis.Pipeliner) {
	sent, err := p.Exec(ctx)
	if err == nil || slices.ContainsFunc(sent, func(c redis.Cmder) bool { return c.Err() != nil }) {
		return
	}
	for _, c := range sent {
		c.SetErr(err)
	}
}
