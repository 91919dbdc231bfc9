// Package race tells the race detector of whole ranges of memory.
//
// The detector watches every byte that a function reads or writes, which makes
// loops over pixels fifteen times as slow or more. A kernel, a loop of one idea,
// may instead be marked go:norace and say which slices it reads and writes, but
// for tables of its own: the detector then knows as much, at a fraction of the
// time. Without the detector nothing of this is left.
//
// It must not know what the memory is of.
package race
