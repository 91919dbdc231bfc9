package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

// Pictures are written and read in pieces, under one key each, and told by their
// digest: whoever finds fewer pieces finds nothing.

// pieceSize bounds one command, in bytes, so that a slow line does not time out.
const pieceSize = 512 << 10

// putPieces writes all of a picture under a key that expires, and names it in the
// set or hash that index writes, in the same steps.
func (l *Ledger) putPieces(ctx context.Context, key string, data []byte, stays time.Duration, index func(redis.Pipeliner)) error {
	for at := 0; at < len(data); at += pieceSize {
		_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			index(p)
			p.SetRange(ctx, key, int64(at), string(data[at:min(at+pieceSize, len(data))]))
			p.Expire(ctx, key, stays)
			return nil
		})
		if err != nil {
			return err //nolint:wrapcheck // callers say of what
		}
	}
	return nil
}

// pieces reads a picture, or trainset.ErrNotFound where not all of what has this
// digest is there.
func (l *Ledger) pieces(ctx context.Context, key, sum string) ([]byte, error) {
	var data []byte
	for piece := pieceSize; piece == pieceSize; {
		at := int64(len(data))
		b, err := l.rdb.GetRange(ctx, key, at, at+pieceSize-1).Bytes()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, fmt.Errorf("at byte %d: %w", at, err)
		}
		piece = len(b)
		data = append(data, b...)
	}
	if digest(data) != sum {
		return nil, trainset.ErrNotFound
	}
	return data, nil
}

// digest is the hex SHA-256 of bytes.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
