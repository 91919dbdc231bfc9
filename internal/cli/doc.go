// Package cli is what both commands share on a terminal: exit codes, how
// errors are printed, the live progress of a job, tables, and the words at a
// job's end.
//
// It draws what it is given. It knows no queue, no ledger, no storage and no
// configuration, and reads no clock but the one it is handed.
package cli
