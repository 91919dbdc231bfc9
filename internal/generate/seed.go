package generate

import (
	"crypto/sha256"
	"encoding/binary"
)

// Seeds of one job lie on a lattice modulo 2^31: from an origin hashed from the
// job's seed, one stride an index and seedSlots strides an attempt. The stride
// is odd, and so steps through all 2^31 values before it repeats one: no two
// pairs of index and attempt share a seed while indexes stay below seedSlots.
// Distinct seeds let an orphaned prediction be told from its siblings.
const (
	seedBits   = 31
	seedMask   = 1<<seedBits - 1
	seedStride = 0x4f1bbcdd // 2^31 over the golden ratio, made odd: neighbours lie far apart
	seedSlots  = 64
)

// Seed returns the seed of an attempt at the index-th image or grid of a job,
// 0 to 2^31-1. Index and attempt count from 1; index is at most 63. The seeds
// of one job are distinct.
func Seed(job int64, index, attempt int) int64 {
	return nextSeed(seedOrigin(job), index, attempt)
}

func nextSeed(from int64, slots, attempt int) int64 {
	steps := int64(slots) + seedSlots*int64(max(attempt, 1)-1)
	return (from + steps%(seedMask+1)*seedStride) & seedMask
}

func seedOrigin(job int64) int64 {
	h := sha256.New()
	h.Write([]byte("trainset seed 1\n"))
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(job)) //nolint:gosec // every bit pattern is welcome
	h.Write(b[:])
	return int64(binary.BigEndian.Uint32(h.Sum(nil)) & seedMask)
}
