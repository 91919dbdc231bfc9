//go:build !linux

package app

import "syscall"

// childAttributes keeps a terminal's Ctrl-C from reaching the child before the
// parent has stopped. Without the kernel's help a child may outlive a killed
// parent; the next command ends it.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
