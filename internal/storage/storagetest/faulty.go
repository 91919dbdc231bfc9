package storagetest

import (
	"context"
	"sync"

	"github.com/actormaker/trainset/internal/storage"
)

// Faulty passes everything on to a real store, and fails on command. It may be used concurrently.
type Faulty struct {
	storage.Store

	mu   sync.Mutex
	puts faults
	gets faults
}

// NewFaulty decorates a store. Nothing fails before it is told to.
func NewFaulty(s storage.Store) *Faulty { return &Faulty{Store: s} }

// FailPut makes the n-th Put counted from now, 1 being the next, fail with err before it reaches the store.
func (f *Faulty) FailPut(n int, err error) { f.set(&f.puts, n, fault{err: err}) }

// LosePut makes the n-th Put counted from now reach the store and then fail with err, as when the reply is
// lost or the process dies before it reads it.
func (f *Faulty) LosePut(n int, err error) { f.set(&f.puts, n, fault{err: err, after: true}) }

// FailGet makes the n-th Get counted from now fail with err.
func (f *Faulty) FailGet(n int, err error) { f.set(&f.gets, n, fault{err: err}) }

// Puts counts the calls of Put so far, failed ones too.
func (f *Faulty) Puts() int { return f.count(&f.puts) }

// Gets counts the calls of Get so far, failed ones too.
func (f *Faulty) Gets() int { return f.count(&f.gets) }

// Put is the store's, or the fault that was set for this call.
func (f *Faulty) Put(ctx context.Context, key string, body []byte, o storage.PutOptions) error {
	return f.PutParts(ctx, key, [][]byte{body}, o)
}

// PutParts is the store's, or the fault that was set for this call of Put.
func (f *Faulty) PutParts(ctx context.Context, key string, parts [][]byte, o storage.PutOptions) error {
	due := f.next(&f.puts)
	if due.err != nil && !due.after {
		return due.err
	}
	if err := f.Store.PutParts(ctx, key, parts, o); err != nil {
		return err
	}
	return due.err
}

// Get is the store's, or the fault that was set for this call.
func (f *Faulty) Get(ctx context.Context, key string) ([]byte, error) {
	if due := f.next(&f.gets); due.err != nil {
		return nil, due.err
	}
	return f.Store.Get(ctx, key)
}

type fault struct {
	err   error
	after bool
}

// faults counts the calls of one method, with what is to happen at which.
type faults struct {
	calls int
	due   map[int]fault
}

func (f *Faulty) set(s *faults, n int, what fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.due == nil {
		s.due = make(map[int]fault)
	}
	s.due[s.calls+n] = what
}

func (f *Faulty) next(s *faults) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.calls++
	return s.due[s.calls]
}

func (f *Faulty) count(s *faults) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return s.calls
}
