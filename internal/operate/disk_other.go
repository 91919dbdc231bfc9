//go:build !linux && !darwin && !freebsd

package operate

import "errors"

func free(string) (uint64, error) {
	return 0, errors.New("the free space cannot be read on this system")
}
