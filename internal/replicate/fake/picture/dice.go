package picture

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// random is a repeatable source of choices.
type random struct{ *rand.Rand }

// dice gives the same throws for the same purpose, words and seed, and unrelated
// ones when any of them differs.
func dice(purpose, words string, seed int64) random {
	var b []byte
	b = binary.LittleEndian.AppendUint64(b, uint64(len(purpose)))
	b = append(append(b, purpose...), words...)
	b = binary.LittleEndian.AppendUint64(b, uint64(seed)) //nolint:gosec // only the bits count
	sum := sha256.Sum256(b)
	return random{rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])))}
}

// in is evenly spread between a and b.
func (d random) in(a, b float64) float64 { return a + (b-a)*d.Float64() }

// sign is -1 or 1.
func (d random) sign() float64 { return float64(2*d.IntN(2) - 1) }

// chance is true with probability p.
func (d random) chance(p float64) bool { return d.Float64() < p }

// of picks one.
func of[T any](d random, from ...T) T { return from[d.IntN(len(from))] }
