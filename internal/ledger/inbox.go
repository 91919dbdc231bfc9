package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// The inbox holds the bytes of an image between a producer that cannot reach
// storage and the worker that accepts its job. Redis is no place for images, so
// they are few, small and soon gone: accepting a job drops its own.

const (
	// MaxInbox is the largest image that may go through Redis, in bytes.
	MaxInbox = 10 << 20
	// inboxStays is how long a job may wait to be accepted, as long as its task.
	inboxStays = 7 * 24 * time.Hour
)

// inboxKey: string with expiry, the bytes that have this digest. The digest is
// part of the key: a request that will be refused as a conflict must not
// replace the image of the job that it conflicts with.
func inboxKey(id trainset.JobID, sum string) string {
	return "trainset:{" + string(id) + "}:inbox:" + sum
}

// inboxesKey: set with expiry, the digests of the images that were put into a
// job's inbox. Nobody else can name those of requests that were refused.
func inboxesKey(id trainset.JobID) string { return "trainset:{" + string(id) + "}:inboxes" }

// InboxReference is what a request names its image by when the image is in the
// job's inbox. It can name no object of storage, whose keys have no colon.
func InboxReference(id trainset.JobID, sum string) trainset.Reference {
	return trainset.Reference{Key: inboxPrefix + string(id), SHA256: sum}
}

const inboxPrefix = "inbox:"

// SourceField is the field of a request of a kind that names its image.
func SourceField(k trainset.Kind) string {
	if k == trainset.KindStyle {
		return "image"
	}
	return "portrait"
}

// OwnUpload says what is wrong with a request whose image was uploaded for another
// job, as a *trainset.FieldError.
func OwnUpload(field string, id trainset.JobID, ref trainset.Reference) error {
	if strings.HasPrefix(ref.Key, inboxPrefix) && !InInbox(id, ref) {
		return trainset.Invalid(field, "was uploaded for another job", "set user and key first, upload it for the job that they name, and put the reference into the request as it is")
	}
	return nil
}

// InInbox reports whether a reference is one that InboxReference made.
func InInbox(id trainset.JobID, ref trainset.Reference) bool {
	return ref.Key == inboxPrefix+string(id)
}

// InboxImage is the digest of the image that a job's request names in its inbox;
// empty where it names another.
func InboxImage(r plan.Record) string {
	req, err := trainset.DecodeRequest(r.Kind, r.Request)
	if err != nil || !InInbox(r.ID, req.Source()) {
		return ""
	}
	return req.Source().SHA256
}

// PutInbox keeps an image for a job that is about to be enqueued and returns
// its hex SHA-256. It may be repeated, and by several producers at once: equal
// bytes write the same.
func (l *Ledger) PutInbox(ctx context.Context, id trainset.JobID, image []byte) (string, error) {
	if len(image) == 0 || len(image) > MaxInbox {
		return "", fmt.Errorf("ledger: an image of %d bytes for the inbox of job %s: 1 to %d are allowed", len(image), id, MaxInbox)
	}
	sum := digest(image)
	err := l.putPieces(ctx, inboxKey(id, sum), image, inboxStays, func(p redis.Pipeliner) {
		p.SAdd(ctx, inboxesKey(id), sum)
		p.Expire(ctx, inboxesKey(id), inboxStays)
	})
	if err != nil {
		return "", fmt.Errorf("ledger: putting an image into the inbox of job %s: %w", id, err)
	}
	return sum, nil
}

// Inbox reads the image with this digest, or trainset.ErrNotFound: it was
// dropped, expired, or is not whole yet.
func (l *Ledger) Inbox(ctx context.Context, id trainset.JobID, sum string) ([]byte, error) {
	image, err := l.pieces(ctx, inboxKey(id, sum), sum)
	if err != nil {
		return nil, fmt.Errorf("ledger: reading the inbox of job %s: %w", id, err)
	}
	return image, nil
}

// DropInbox removes the image: the job has been accepted, or wants another. It
// may be repeated.
func (l *Ledger) DropInbox(ctx context.Context, id trainset.JobID, sum string) error {
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, inboxKey(id, sum))
		p.SRem(ctx, inboxesKey(id), sum)
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: dropping the inbox of job %s: %w", id, err)
	}
	return nil
}

// inboxKeys names all that may lie in a job's inbox, with a digest that is known
// besides, or none.
func (l *Ledger) inboxKeys(ctx context.Context, id trainset.JobID, known string) ([]string, error) {
	sums, err := l.rdb.SMembers(ctx, inboxesKey(id)).Result()
	if err != nil {
		return nil, fmt.Errorf("ledger: reading what is in the inbox of job %s: %w", id, err)
	}
	if known != "" { // a producer of a version before put it there
		sums = append(sums, known)
	}
	keys := []string{inboxesKey(id)}
	for _, sum := range sums {
		keys = append(keys, inboxKey(id, sum))
	}
	return keys, nil
}
