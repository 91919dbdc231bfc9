package storage

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// checkFolder holds the probes, each with a name of its own, so that many processes may check at once.
const checkFolder = "trainset-check"

// checkCleanup bounds the removal of the probe after a failure.
const checkCleanup = 10 * time.Second

var (
	errUnequal  = errors.New("other bytes came back than were written; look for a proxy or gateway that changes bodies")
	errReplaced = errors.New("a second put with IfAbsent replaced the object; use a store that honours If-None-Match: " +
		"without it two workers can overwrite each other's images")
	errUnlisted = errors.New("the object just written is not listed; use a store whose listings are consistent")
	errUndead   = errors.New("the deleted object is still there; allow deleting, and switch off object locks on this prefix")
)

// check runs every operation the system relies on against one small object, and removes it whatever happens.
func check(ctx context.Context, s Store) (err error) {
	key := checkFolder + "/" + rand.Text()
	defer func() {
		if err != nil {
			after, stop := context.WithTimeout(context.WithoutCancel(ctx), checkCleanup)
			defer stop()
			_ = s.Delete(after, key) // the first error is the one to tell
		}
	}()
	for _, step := range checkSteps {
		if err := step.try(ctx, s, key); err != nil {
			return fmt.Errorf("checking %s: %s: %w", s.Describe(), step.name, err)
		}
	}
	return nil
}

var checkBody = []byte("trainset was here\n")

var checkSteps = []struct {
	name string
	try  func(context.Context, Store, string) error
}{
	{"write", func(ctx context.Context, s Store, key string) error {
		return s.Put(ctx, key, checkBody, PutOptions{ContentType: "text/plain", IfAbsent: true})
	}},
	{"read", checkRead},
	{"conditional put", func(ctx context.Context, s Store, key string) error {
		err := s.Put(ctx, key, checkBody, PutOptions{ContentType: "text/plain", IfAbsent: true})
		if err == nil {
			return errReplaced
		}
		return ignore(err, ErrExists)
	}},
	{"list", checkList},
	{"delete", checkDelete},
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
