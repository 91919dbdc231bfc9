// Package storage keeps objects under keys: in a folder of this machine or in an S3 bucket.
//
// It knows bytes, keys and how each kind of store can fail. It must not know what the objects mean: which
// keys exist, what a manifest or an image is, or which job an object belongs to. It is the only package that
// uses the AWS SDK.
package storage

import (
	"context"
	"time"
)

// MaxObject is the largest object a store takes or gives back, in bytes. Objects pass through memory whole,
// so the bound is what keeps a wrong file from taking the process down.
const MaxObject = 256 << 20

// Store keeps objects. All its methods may be called concurrently, by several processes too: nothing is
// ever seen half written, and of two plain Puts of one key the later wins.
//
// Prefer keys that never change their bytes and IfAbsent for them. No key may be a folder of another ("a" and
// "a/b"): a Directory cannot hold both and refuses the second.
//
// Every error but ErrNotFound, ErrExists, ErrChanged, ErrTooLarge, a *trainset.FieldError (a bad key) and the context's
// own is an *OpError. Permanent tells which of them a retry cannot mend.
type Store interface {
	// Put stores body under key, whole or not at all: after it returns nil the object survives a crash.
	// Repeating it with the same bytes is harmless. With IfAbsent one of any number of callers succeeds and the
	// others get ErrExists. An ErrExists can also follow a try of this same call whose reply was lost on
	// the network; a caller to whom it matters compares what is there. With IfVersion only the object of that
	// version is replaced, and else it is ErrChanged, for which the same holds; a server that cannot do it puts
	// the object whatever there is, and a Directory looks right before it does. body is not kept.
	Put(ctx context.Context, key string, body []byte, o PutOptions) error

	// PutParts is Put of a body that lies in several places, one part after the other.
	PutParts(ctx context.Context, key string, parts [][]byte, o PutOptions) error

	// Get returns the whole object, or ErrNotFound, or ErrTooLarge beyond MaxObject.
	Get(ctx context.Context, key string) ([]byte, error)

	// Stat describes the object without reading it, or returns ErrNotFound.
	Stat(ctx context.Context, key string) (Info, error)

	// List describes every object whose key starts with prefix, sorted by key in byte order. The prefix is a
	// string, not a folder: "jobs/1" finds "jobs/10/a" too, "jobs/1/" does not. An empty prefix lists everything.
	// None found is an empty list and no error. Objects whose names are no keys are left out.
	List(ctx context.Context, prefix string) ([]Info, error)

	// Delete removes the objects. One that is missing is no error, so a Delete that failed halfway may be
	// repeated. All keys are validated before the first is removed.
	Delete(ctx context.Context, keys ...string) error

	// Describe says where the objects are, for a person and without secrets: "folder /data/out".
	Describe() string
}

// Linker is the optional power of a store whose objects others can fetch without its credentials.
type Linker interface {
	// Link returns a URL that gives the object to whoever holds it until ttl has passed. It asks nothing
	// of the server: a link to a missing object is made as readily, and answers 404.
	Link(ctx context.Context, key string, ttl time.Duration) (string, error)
}

// Checker is a store that can try itself out before it is relied upon.
type Checker interface {
	// Check writes, reads, lists and deletes a small object of its own, and makes sure that IfAbsent holds.
	// Its error names the step that failed and what to do. It returns within the context's time, the removal of
	// its object included: a server that answered until then may be left with that one.
	Check(ctx context.Context) error
}

// PutOptions are the ways in which a Put may differ.
type PutOptions struct {
	ContentType string // media type, "image/png"; a Directory leaves it to the file's extension
	IfAbsent    bool   // fail with ErrExists when there is an object already
	IfVersion   string // fail with ErrChanged when the object is not, or no longer, of this version
}

// Info describes an object.
type Info struct {
	Key     string
	Size    int64 // bytes
	ModTime time.Time
	Version string // of Stat: another one whenever the object has other bytes
}
