// Package adler sums up bytes as zlib streams want it (Adler-32, RFC 1950), eight
// at once: reading and writing large pictures is quick enough for the sum to count.
//
// It must not know what the bytes are.
package adler

import (
	"encoding/binary"

	"github.com/actormaker/trainset/internal/race"
)

// Sum is that of the bytes so far. That of none is Empty.
type Sum struct{ a, b uint32 }

// Empty is the sum of no bytes.
var Empty = Sum{a: 1}

const (
	modulus = 65521
	// most is how many bytes are added before a remainder must be taken.
	most = 5552 / stride * stride
	// stride is how many bytes are added in lanes of 16 bits: of two words more, the
	// sums of sums would carry.
	stride = 15 * 8
)

// Value is the sum as streams have it.
func (s Sum) Value() uint32 { return s.b<<16 | s.a }

// Add sums up more bytes.
//
//go:norace
func (s *Sum) Add(p []byte) {
	race.Reads(p)
	a, b := s.a, s.b
	for len(p) > 0 {
		part := p[:min(len(p), most)]
		p = p[len(part):]
		for len(part) >= stride {
			plain, weighed := lanes((*[stride]byte)(part))
			b += stride*a + weighed
			a += plain
			part = part[stride:]
		}
		for _, v := range part {
			a += uint32(v)
			b += a
		}
		a, b = a%modulus, b%modulus
	}
	s.a, s.b = a, b
}

// lanes adds up bytes, and the same with each as often as there are bytes from it
// to the end.
//
//go:norace
func lanes(p *[stride]byte) (plain, weighed uint32) {
	const low = 0x00ff00ff00ff00ff
	var even, odd, before uint64 // sums of the first and of the second of two bytes; of both, over words
	for i := 0; i < stride; i += 8 {
		v := binary.LittleEndian.Uint64(p[i : i+8])
		before += even + odd
		even += v & low
		odd += v >> 8 & low
	}
	// A byte counts 8 for each word after its own, and within its own for what
	// follows: 8, 6, 4, 2 for the even, and one less for the odd.
	const half, each, falling = 0x0000ffff0000ffff, 0x0001000100010001, 0x0004000300020001
	wide := before&half + before>>16&half
	weighed = 8*uint32(wide&0xffffffff+wide>>32) + 2*uint32(even*falling>>48+odd*falling>>48) - uint32(odd*each>>48) //nolint:gosec // far below
	return uint32((even + odd) * each >> 48), weighed
}
