//go:build race

package race

import (
	"runtime"
	"unsafe"
)

// Reads says that the caller reads any part of s.
func Reads[T any](s []T) {
	if n := bytes(s); n > 0 {
		runtime.RaceReadRange(unsafe.Pointer(unsafe.SliceData(s)), n)
	}
}

// Writes says that the caller writes any part of s.
func Writes[T any](s []T) {
	if n := bytes(s); n > 0 {
		runtime.RaceWriteRange(unsafe.Pointer(unsafe.SliceData(s)), n)
	}
}

func bytes[T any](s []T) int {
	var one T
	return len(s) * int(unsafe.Sizeof(one)) //nolint:gosec // the size of a type
}
