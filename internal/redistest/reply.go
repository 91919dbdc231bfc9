package redistest

import (
	"context"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// Replies is a hook of a client that measures what commands return.
type Replies struct{ most atomic.Int64 }

// Most is how many elements a reply had at most.
func (r *Replies) Most() int { return int(r.most.Load()) }

// DialHook leaves dialling alone.
func (r *Replies) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook measures a command's reply.
func (r *Replies) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		r.measure(cmd)
		return err
	}
}

// ProcessPipelineHook measures each reply by itself: between them Redis answers others.
func (r *Replies) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			r.measure(cmd)
		}
		return err
	}
}

func (r *Replies) measure(cmd redis.Cmder) {
	n := 0
	switch c := cmd.(type) {
	case *redis.StringSliceCmd:
		n = len(c.Val())
	case *redis.ZSliceCmd:
		n = len(c.Val())
	case *redis.ScanCmd: // members with their scores
		page, _ := c.Val()
		n = len(page) / 2
	}
	for most := r.most.Load(); int64(n) > most && !r.most.CompareAndSwap(most, int64(n)); {
		most = r.most.Load()
	}
}
