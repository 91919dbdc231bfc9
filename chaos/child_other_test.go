//go:build unix && !linux

package chaos

import "syscall"

// dieWithUs can only be asked of Linux; elsewhere the test's clean-up must do.
func dieWithUs() *syscall.SysProcAttr { return nil }
