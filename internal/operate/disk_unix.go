//go:build linux || darwin || freebsd

package operate

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// free returns how many bytes this user may still write where a folder is, or
// where the nearest folder above it is.
func free(folder string) (uint64, error) {
	at, err := filepath.Abs(folder)
	if err != nil {
		return 0, fmt.Errorf("reading the free space: %w", err)
	}
	for {
		var s syscall.Statfs_t
		err := syscall.Statfs(at, &s)
		if err == nil {
			return uint64(s.Bavail) * uint64(s.Bsize), nil //nolint:gosec,unconvert // neither is negative; their types differ between systems
		}
		above := filepath.Dir(at)
		if !errors.Is(err, fs.ErrNotExist) || above == at {
			return 0, fmt.Errorf("reading the free space at %s: %w", at, err)
		}
		at = above
	}
}
