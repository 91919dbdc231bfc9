package chaos

import "syscall"

// dieWithUs has the kernel kill a child whose parent has died.
func dieWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
