package trainset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"regexp"
)

// JobID names a job. It is a UUID (version 8) derived from who asks, for what
// kind of job, under which idempotency key: the same three always name the
// same job, on any machine.
type JobID string

// NewJobID derives the ID. Each part is framed by its length, so that no two
// different triples share one.
func NewJobID(user string, kind Kind, key string) JobID {
	h := sha256.New()
	for _, part := range []string{user, string(kind), key} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	var u [16]byte
	copy(u[:], h.Sum(nil))
	u[6] = u[6]&0x0f | 0x80 // version 8: the application's own
	u[8] = u[8]&0x3f | 0x80 // RFC 9562 variant
	return JobID(fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16]))
}

var (
	jobIDPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	idPattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// ParseJobID checks that s has the form of a job ID.
func ParseJobID(s string) (JobID, error) {
	if !jobIDPattern.MatchString(s) {
		return "", Invalid("job", fmt.Sprintf("%.200q is no job ID", s), "copy it as enqueue or worker jobs printed it")
	}
	return JobID(s), nil
}

// ValidID reports whether s may name a user or a subject: one to 64 letters,
// digits, dots, underscores or hyphens, the first a letter or digit.
func ValidID(s string) bool { return idPattern.MatchString(s) }
