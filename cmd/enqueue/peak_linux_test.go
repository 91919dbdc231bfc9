package main

import (
	"os"
	"syscall"
)

// peak is the largest resident memory of an ended process, in MB.
func peak(s *os.ProcessState) float64 {
	u, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return float64(u.Maxrss) / 1000 // in kB here
}
