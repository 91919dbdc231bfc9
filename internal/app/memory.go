package app

import (
	"math"
	"runtime/debug"
)

// memoryLimit is what the collector tries to keep the process below: about what
// is lent out at most, pictures that are decoded and bytes that are held. Almost
// all of that holds no pointers, so collecting it often costs next to nothing.
const memoryLimit = 400 << 20

// boundMemory sets the limit of a process that serves one worker, unless
// GOMEMLIMIT has set another one.
func boundMemory() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memoryLimit)
	}
}
