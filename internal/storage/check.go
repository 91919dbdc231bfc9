package storage

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// checkFolder holds the probes, each with a name of its own, so that many processes may check at once.
const checkFolder = "trainset-check"

// The time for the removal of the probe after a failure: so much of what the context gives, which the steps do not
// get, and never more than a quarter; or so much where it sets no end.
const (
	checkCleanupRoom = 400 * time.Millisecond
	checkCleanupPart = 4
	checkCleanup     = 5 * time.Second
)

var (
	errUnequal  = errors.New("other bytes came back than were written; look for a proxy or gateway that changes bodies")
	errReplaced = errors.New("a second put with IfAbsent replaced the object; use a store that honours If-None-Match: " +
		"without it two workers can overwrite each other's images")
	errUnlisted = errors.New("the object just written is not listed; use a store whose listings are consistent")
	errUndead   = errors.New("the deleted object is still there; allow deleting, and switch off object locks on this prefix")
)

// check runs every operation the system relies on against one small object, and removes it whatever happens.
func check(ctx context.Context, s Store) error {
	key := checkFolder + "/" + rand.Text()
	trying, stop := leavingRoom(ctx)
	defer stop()
	for i, steps := range checkStages {
		err := together(trying, s, key, steps)
		if err == nil {
			continue
		}
		if i > 0 || mayBeThere(err) {
			tidyUp(ctx, s, key)
		}
		return fmt.Errorf("checking %s: %w", s.Describe(), err)
	}
	return nil
}

// together takes steps at once and returns the error of the first in their order.
func together(ctx context.Context, s Store, key string, steps []checkStep) error {
	failed := make([]error, len(steps))
	var all sync.WaitGroup
	for i, step := range steps {
		all.Go(func() {
			if err := step.try(ctx, s, key); err != nil {
				failed[i] = fmt.Errorf("%s: %w", step.name, err)
			}
		})
	}
	all.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// leavingRoom ends before the context does, by what a clean-up needs.
func leavingRoom(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(checkCleanupRoom, time.Until(end)/checkCleanupPart)))
}

// tidyUp removes the probe in the time that is left, though the context may have been canceled. Its error is not
// told: the step's is.
func tidyUp(ctx context.Context, s Store, key string) {
	end, ok := ctx.Deadline()
	if !ok {
		end = time.Now().Add(checkCleanup)
	}
	after, stop := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer stop()
	_ = s.Delete(after, key)
}

// mayBeThere reports whether a put that failed like this may have stored the object all the same. It has not where
// the server refused it, nor can it be removed where the last try did not reach one.
func mayBeThere(err error) bool {
	if failure, ok := errors.AsType[*OpError](err); ok && failure.Permanent {
		return false
	}
	connecting, ok := errors.AsType[*net.OpError](err)
	return !ok || connecting.Op != "dial"
}

var checkBody = []byte("trainset was here\n")

type checkStep struct {
	name string
	try  func(ctx context.Context, s Store, key string) error
}

// checkStages are taken one after the other, their steps at once: a start has little time, and a gateway may be slow.
var checkStages = [][]checkStep{
	{{"write", putProbe}},
	{{"read", checkRead}, {"conditional put", checkConditional}, {"list", checkList}},
	{{"delete", checkDelete}},
}

func putProbe(ctx context.Context, s Store, key string) error {
	return s.Put(ctx, key, checkBody, PutOptions{ContentType: "text/plain", IfAbsent: true})
}

func checkConditional(ctx context.Context, s Store, key string) error {
	err := putProbe(ctx, s, key)
	if err == nil {
		return errReplaced
	}
	return ignore(err, ErrExists)
}

func checkRead(ctx context.Context, s Store, key string) error {
	body, err := s.Get(ctx, key)
	if err == nil && !bytes.Equal(body, checkBody) {
		return errUnequal
	}
	return err
}

func checkList(ctx context.Context, s Store, key string) error {
	infos, err := s.List(ctx, key)
	if err == nil && len(infos) != 1 {
		return errUnlisted
	}
	return err
}

func checkDelete(ctx context.Context, s Store, key string) error {
	if err := s.Delete(ctx, key); err != nil {
		return err
	}
	_, err := s.Stat(ctx, key)
	if err == nil {
		return errUndead
	}
	return ignore(err, ErrNotFound)
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
