// Package chaos counts the money. Its test runs a whole deployment on one
// machine, real Redis and real processes, kills and cuts what it can while jobs
// run, and then reads from the simulated provider's own log what was paid for.
//
// It is a test and nothing else: no program may import it.
package chaos
