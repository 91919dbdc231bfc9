package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// What was bought and cannot be stored is salvaged: the provider keeps an output for
// an hour, storage may be away for longer. Redis is no place for pictures, but it is
// there for every worker. It takes them as long as half of its memory is free, for
// it has to journal what is bought as well.

// salvageStays is how long storage may be away, as long as a task waits.
const salvageStays = 7 * 24 * time.Hour

// ErrNoRoom is that Redis has too little memory left to salvage anything.
var ErrNoRoom = errors.New("more than half of the memory of Redis is in use")

func salvagesKey(id trainset.JobID) string { return "trainset:{" + string(id) + "}:salvaged" } // hash with expiry: salvageName -> hex SHA-256

// salvageName tells an attempt from one of the same name, of a job that was deleted
// and came again.
func salvageName(a plan.Attempt) string { return a.ID + ":" + a.PredictionID }

// salvageKey: string with expiry, what an attempt has bought.
func salvageKey(id trainset.JobID, name string) string { return salvagesKey(id) + ":" + name }

// roomScript asks the server that has a key whether it has room. One that does not
// say what memory there is refuses by itself what it cannot hold.
// KEYS: a key. ARGV: bytes.
// Returns 1, or 0 where these would not leave half of the memory free.
var roomScript = redis.NewScript(`
local info = redis.pcall('INFO', 'memory')
if type(info) ~= 'string' then return 1 end
local most = tonumber(info:match('maxmemory:(%d+)') or 0)
if most == 0 then most = tonumber(info:match('total_system_memory:(%d+)') or 0) end
local used = tonumber(info:match('used_memory:(%d+)') or 0)
if most > 0 and used + ARGV[1] > most / 2 then return 0 end
return 1
`)

// Salvage keeps what an attempt has bought until it can be stored, or fails with
// ErrNoRoom. It may be repeated.
func (l *Ledger) Salvage(ctx context.Context, a plan.Attempt, output []byte) error {
	key, name := salvageKey(a.Job, salvageName(a)), salvageName(a)
	l.salvaging.Lock() // one at a time: each must see what the one before has used
	defer l.salvaging.Unlock()
	room, err := roomScript.Run(ctx, l.rdb, []string{key}, len(output)).Int()
	if err == nil && room == 0 {
		err = ErrNoRoom
	}
	if err == nil {
		sum := digest(output)
		err = l.putPieces(ctx, key, output, salvageStays, func(p redis.Pipeliner) {
			p.HSet(ctx, salvagesKey(a.Job), name, sum)
			p.Expire(ctx, salvagesKey(a.Job), salvageStays)
		})
	}
	if err != nil {
		return fmt.Errorf("ledger: salvaging what %s of job %s has bought: %w", a.ID, a.Job, err)
	}
	return nil
}

// Salvaged reads what Salvage has kept of an attempt, or trainset.ErrNotFound.
func (l *Ledger) Salvaged(ctx context.Context, a plan.Attempt) ([]byte, error) {
	sum, err := l.rdb.HGet(ctx, salvagesKey(a.Job), salvageName(a)).Result()
	if errors.Is(err, redis.Nil) {
		err = trainset.ErrNotFound
	}
	var output []byte
	if err == nil {
		output, err = l.pieces(ctx, salvageKey(a.Job, salvageName(a)), sum)
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: reading what was salvaged of %s of job %s: %w", a.ID, a.Job, err)
	}
	return output, nil
}

// DropSalvaged removes what was salvaged of an attempt: it is stored. It may be
// repeated.
func (l *Ledger) DropSalvaged(ctx context.Context, a plan.Attempt) error {
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, salvageKey(a.Job, salvageName(a)))
		p.HDel(ctx, salvagesKey(a.Job), salvageName(a))
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: dropping what was salvaged of %s of job %s: %w", a.ID, a.Job, err)
	}
	return nil
}

// salvageKeys names all that was salvaged of a job.
func (l *Ledger) salvageKeys(ctx context.Context, id trainset.JobID) ([]string, error) {
	names, err := l.rdb.HKeys(ctx, salvagesKey(id)).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: reading what was salvaged of job %s: %w", id, err)
	}
	keys := []string{salvagesKey(id)}
	for _, name := range names {
		keys = append(keys, salvageKey(id, name))
	}
	return keys, nil
}
