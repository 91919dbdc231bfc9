// Package pages makes the large buffers of the system: decoded pictures
// and downloads. The kernel hands memory out page by page, at the first touch,
// which costs more than what is then done with the memory; in pages of 2 MB it
// costs a twentieth.
//
// It must not know what a buffer is for.
package pages

import (
	"math/bits"
	"sync"
)

// Large is the size in bytes from which a buffer has large pages in it.
const Large = 2 << 20

// Make returns a buffer of n zero bytes. It is ordinary memory of the garbage
// collector's; where it is large and the system can, its pages are.
func Make(n int) []byte {
	b := make([]byte, n)
	if n >= Large {
		advise(b)
	}
	return b
}

// Ready is Make whose pages are there: nobody waits for them later.
func Ready(n int) []byte {
	b := Make(n)
	for at := 0; at < n; at += least {
		b[at] = 0
	}
	return b
}

// least is the least size of a page that any system has.
const least = 4096

// kept are buffers that were given back, by the bits of their lengths: those that
// are asked for again have the same.
var kept [bits.UintSize + 1]sync.Pool

// Borrow returns a buffer of n bytes for a moment, with whatever is in it. Call
// giveBack when nobody looks at it any more.
func Borrow(n int) (b []byte, giveBack func()) {
	pool := &kept[bits.Len(uint(max(n, 0)))]
	held, _ := pool.Get().(*[]byte)
	if held == nil || cap(*held) < n {
		made := Make(n)
		held = &made
	}
	return (*held)[:n], func() { pool.Put(held) }
}
