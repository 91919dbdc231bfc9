// Package trainset is the public vocabulary of the system: requests, jobs,
// items, manifests, their states, and the errors that describe what is wrong
// with a request.
//
// It is a leaf: it imports the standard library only, does no input or output
// and reads no clock, so that any program may link it at no cost. How a job is
// carried out is none of its business.
package trainset
