package pages

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// advise asks for large pages in those that lie within a buffer. It changes
// nothing about what is in them, and where the system has none, nothing at all.
func advise(b []byte) {
	page := uintptr(os.Getpagesize())
	start := uintptr(unsafe.Pointer(unsafe.SliceData(b))) //nolint:gosec // only where it lies, for what the kernel wants aligned
	skip := int((page - start%page) % page)
	whole := (len(b) - skip) &^ (int(page) - 1)
	if whole <= 0 {
		return
	}
	_ = unix.Madvise(b[skip:skip+whole], unix.MADV_HUGEPAGE) // a hint: a kernel without large pages refuses it
}
