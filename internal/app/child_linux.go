package app

import "syscall"

// childAttributes has the kernel end the child with its parent, and keeps a
// terminal's Ctrl-C from reaching it before the parent has stopped.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
