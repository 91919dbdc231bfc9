package plan

import (
	"math/bits"
	"strconv"
)

// NearDuplicate is in how many bits of 64 two difference hashes may differ where
// their pictures teach a trainer the same thing twice.
const NearDuplicate = 8

// toldPerBit is how many bits the shapes of two pictures must set for each that
// differs: all pictures of a small figure on an even ground have the ground's bits in
// common, and those tell nothing.
const toldPerBit = 3

// Near is in how many bits two difference hashes differ, and whether that is near
// enough to be the same picture: at most most, and no great part of what the two
// tell beyond an even ground.
func Near(a, b uint64, most int) (differ int, near bool) {
	differ = bits.OnesCount64(a ^ b)
	told := min(bits.OnesCount64(a|b), bits.OnesCount64(^(a & b)))
	return differ, differ <= most && toldPerBit*differ <= told
}

// ParseHash reads a difference hash, 16 hexadecimal digits; false where it is none.
func ParseHash(text string) (uint64, bool) {
	h, err := strconv.ParseUint(text, 16, 64)
	return h, err == nil
}

// Near reports whether one of the reference's difference hashes is as near as the
// function Near wants, and in how many bits the nearest of those differs.
func (r Reference) Near(hash uint64, most int) (differ int, near bool) {
	for _, text := range r.DHashes {
		h, ok := ParseHash(text)
		if d, is := Near(hash, h, most); ok && is && (!near || d < differ) {
			differ, near = d, true
		}
	}
	return differ, near
}
