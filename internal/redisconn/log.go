package redisconn

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// silent is go-redis's logger. It writes to standard error in a form of its own,
// many times a second while a server is away, what is returned to whoever asked
// as well: that is where it is told.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(silent{}) } // before any connection: the library reads it unguarded
