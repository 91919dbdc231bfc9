// Package storagetest holds what stores are tested with: one suite for all, a decorator that fails on command,
// and a real S3 server. The suite must not know any one kind of store.
package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/storage"
)

// Run holds a store to the promises of storage.Store. open gives an empty one.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, storage.Store)
	}{
		{"GivesBackWhatWasPut", givesBack},
		{"PutsParts", putsParts},
		{"SaysWhatIsMissing", saysMissing},
		{"StatDescribes", statDescribes},
		{"ListsByPrefixInOrder", listsByPrefix},
		{"ListsManyPages", listsMany},
		{"DeletesAndForgets", deletes},
		{"PutIfAbsentHasOneWinner", oneWinner},
		{"PutReplacesTheVersionItSaw", replacesAVersion},
		{"PutReplacesAtOnce", replacesAtOnce},
		{"ManyPutAndDeleteInOneFolder", putsBesideDeletes},
		{"RefusesBadKeys", refusesBadKeys},
		{"RefusesTooLarge", refusesTooLarge},
		{"ObeysTheContext", obeysContext},
		{"BehavesLikeAMap", likeAMap},
		{"Checks", checks},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func put(t *testing.T, s storage.Store, key string, body []byte) {
	t.Helper()
	if err := s.Put(t.Context(), key, body, storage.PutOptions{}); err != nil {
		t.Fatalf("Put %s: %v", key, err)
	}
}

func putsParts(t *testing.T, s storage.Store) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for key, parts := range map[string][][]byte{
		"none": nil, "empty": {nil, {}}, "one": {[]byte("x")}, "several": {[]byte("head"), large, nil, []byte("between"), large[1:], []byte("end")},
	} {
		if err := s.PutParts(t.Context(), key, parts, storage.PutOptions{IfAbsent: true}); err != nil {
			t.Fatalf("PutParts %s: %v", key, err)
		}
		if got, err := s.Get(t.Context(), key); err != nil || !bytes.Equal(got, bytes.Join(parts, nil)) {
			t.Errorf("%s: %d bytes come back, %v", key, len(got), err)
		}
		if err := s.PutParts(t.Context(), key, parts, storage.PutOptions{IfAbsent: true}); !errors.Is(err, storage.ErrExists) {
			t.Errorf("%s again: %v", key, err)
		}
	}
	half := make([]byte, storage.MaxObject/2+1)
	if err := s.PutParts(t.Context(), "huge", [][]byte{half, half}, storage.PutOptions{}); !errors.Is(err, storage.ErrTooLarge) {
		t.Errorf("too large in all: %v", err)
	}
}

func list(t *testing.T, s storage.Store, prefix string) []string {
	t.Helper()
	infos, err := s.List(t.Context(), prefix)
	if err != nil {
		t.Fatalf("List %q: %v", prefix, err)
	}
	keys := []string{}
	for _, info := range infos {
		keys = append(keys, info.Key)
	}
	return keys
}

func givesBack(t *testing.T, s storage.Store) {
	big := bytes.Repeat([]byte("0123456789abcdef\x00\xff"), 1<<18) // 4.5 MiB: an image at its largest
	for key, body := range map[string][]byte{
		"a": []byte("x"), "empty": {}, "u/actors/s_1/9.b-C/items/001.png": []byte("a picture"), "u/big.zip": big,
	} {
		put(t, s, key, body)
		put(t, s, key, body) // the same again is harmless
		got, err := s.Get(t.Context(), key)
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("Get %s gives %d bytes, %v; want the %d that were put", key, len(got), err, len(body))
		}
	}
	body := []byte("before")
	put(t, s, "kept", body)
	copy(body, "after!")
	if got, err := s.Get(t.Context(), "kept"); err != nil || string(got) != "before" {
		t.Errorf("Get gives %q, %v: the store kept the caller's slice", got, err)
	}
}

func saysMissing(t *testing.T, s storage.Store) {
	put(t, s, "jobs/1/a", nil)
	for _, key := range []string{"b", "jobs/1/b", "jobs/2/a", "jobs/1/a/b", "jobs/1", "jobs"} {
		if _, err := s.Get(t.Context(), key); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Get %s: %v, want ErrNotFound", key, err)
		}
		if _, err := s.Stat(t.Context(), key); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Stat %s: %v, want ErrNotFound", key, err)
		}
	}
}

func statDescribes(t *testing.T, s storage.Store) {
	put(t, s, "jobs/1/a", []byte("12345"))
	info, err := s.Stat(t.Context(), "jobs/1/a")
	if err != nil || info.Key != "jobs/1/a" || info.Size != 5 {
		t.Errorf("Stat gives %+v, %v", info, err)
	}
	if age := time.Since(info.ModTime); age < -time.Hour || age > time.Hour {
		t.Errorf("the object was written %v ago", age)
	}
	infos, err := s.List(t.Context(), "")
	if err != nil || len(infos) != 1 || infos[0].Size != 5 || infos[0].ModTime.IsZero() {
		t.Errorf("List gives %+v, %v", infos, err)
	}
}

func listsByPrefix(t *testing.T, s storage.Store) {
	all := []string{"jobs.json", "jobs/1/a", "jobs/1/b/c", "jobs/10/a", "jobs/1a", "jobs0", "other"} // in byte order
	for _, key := range all {
		put(t, s, key, nil)
	}
	for prefix, want := range map[string][]string{
		"":           all,
		"jobs":       all[:6],
		"jobs/":      all[1:5],
		"jobs/1":     all[1:5],
		"jobs/1/":    all[1:3],
		"jobs/1/b":   all[2:3],
		"jobs/1/b/c": all[2:3],
		"jobs/1/a/":  {},
		"jobs/1/a/b": {},
		"jobs/2/":    {},
		"o":          all[6:],
		"x/y/z":      {},
	} {
		if diff := cmp.Diff(want, list(t, s, prefix)); diff != "" {
			t.Errorf("List %q (-want +got):\n%s", prefix, diff)
		}
	}
}

// listsMany needs several answers of an S3 server, which gives at most 1000 keys in one.
func listsMany(t *testing.T, s storage.Store) {
	const objects, writers = 1050, 16
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := w; i < objects; i += writers {
				if err := s.Put(t.Context(), fmt.Sprintf("many/%04d", i), nil, storage.PutOptions{}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	keys := list(t, s, "many/")
	if len(keys) != objects {
		t.Fatalf("List gives %d objects, want %d", len(keys), objects)
	}
	if first, last := keys[0], keys[objects-1]; first != "many/0000" || last != "many/1049" {
		t.Errorf("from %s to %s", first, last)
	}
	if err := s.Delete(t.Context(), keys...); err != nil {
		t.Errorf("deleting all: %v", err)
	}
	if left := list(t, s, ""); len(left) != 0 {
		t.Errorf("%d objects survived their Delete, the first %s", len(left), left[0])
	}
}

func deletes(t *testing.T, s storage.Store) {
	for _, key := range []string{"jobs/1/a", "jobs/1/b", "jobs/1/c"} {
		put(t, s, key, []byte("old"))
	}
	for range 2 { // repeating it is no error
		if err := s.Delete(t.Context(), "jobs/1/a", "jobs/1/never", "jobs/1/b"); err != nil {
			t.Errorf("Delete: %v", err)
		}
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	if diff := cmp.Diff([]string{"jobs/1/c"}, list(t, s, "")); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if err := s.Put(t.Context(), "jobs/1/a", []byte("new"), storage.PutOptions{IfAbsent: true}); err != nil {
		t.Errorf("Put of a deleted key: %v", err)
	}
}

// Of two who saw the same version, whoever comes second replaces nothing.
func replacesAVersion(t *testing.T, s storage.Store) {
	const key = "jobs/1/current"
	over := func(version, body string) error {
		return s.Put(t.Context(), key, []byte(body), storage.PutOptions{IfVersion: version})
	}
	version := func() string {
		info, err := s.Stat(t.Context(), key)
		if err != nil || info.Version == "" {
			t.Fatalf("Stat: version %q, %v", info.Version, err)
		}
		return info.Version
	}
	put(t, s, key, []byte("first"))
	seen := version()
	if err := over(seen, "second"); err != nil {
		t.Fatal(err)
	}
	if err := over(seen, "late"); !errors.Is(err, storage.ErrChanged) || !storage.Permanent(err) {
		t.Errorf("Put over what is replaced: %v, want ErrChanged", err)
	}
	if err := over(version(), "third"); err != nil {
		t.Error(err)
	}
	if got, err := s.Get(t.Context(), key); err != nil || string(got) != "third" {
		t.Errorf("the object is %q, %v", got, err)
	}
	seen = version()
	if err := s.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if err := over(seen, "late"); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("Put over what is deleted: %v, want ErrChanged", err)
	}
	if _, err := s.Stat(t.Context(), key); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("afterwards there is one: %v", err)
	}
}

func oneWinner(t *testing.T, s storage.Store) {
	const racers = 16
	start := make(chan struct{})
	var won atomic.Int64
	var group sync.WaitGroup
	winner := make(chan string, racers)
	for i := range racers {
		group.Go(func() {
			<-start
			body := fmt.Sprintf("racer %d", i)
			err := s.Put(t.Context(), "jobs/1/once", []byte(body), storage.PutOptions{IfAbsent: true})
			switch {
			case err == nil:
				won.Add(1)
				winner <- body
			case !errors.Is(err, storage.ErrExists):
				t.Errorf("racer %d: %v, want ErrExists", i, err)
			}
		})
	}
	close(start)
	group.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d of %d won", won.Load(), racers)
	}
	if got, err := s.Get(t.Context(), "jobs/1/once"); err != nil || string(got) != <-winner {
		t.Errorf("the object is %q, %v; want the winner's", got, err)
	}
	put(t, s, "jobs/1/once", []byte("later"))
	if got, err := s.Get(t.Context(), "jobs/1/once"); err != nil || string(got) != "later" {
		t.Errorf("after a plain Put the object is %q, %v", got, err)
	}
}

// replacesAtOnce lets readers look while the object is replaced by others of other sizes.
func replacesAtOnce(t *testing.T, s storage.Store) {
	version := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i%26)}, 1000+i*3000) }
	put(t, s, "manifest.json", version(0))
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				body, err := s.Get(t.Context(), "manifest.json")
				if err != nil {
					t.Errorf("a reader got %v", err)
					return
				}
				if i := (len(body) - 1000) / 3000; !bytes.Equal(body, version(i)) {
					t.Errorf("a reader got %d bytes that were never put", len(body))
					return
				}
			}
		})
	}
	for i := range 25 {
		put(t, s, "manifest.json", version(i))
	}
	close(done)
	group.Wait()
}

// putsBesideDeletes makes a folder's last object vanish while another is being put into it.
func putsBesideDeletes(t *testing.T, s storage.Store) {
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			key := fmt.Sprintf("shared/folder/%d", w)
			for range 25 {
				if err := s.Put(t.Context(), key, []byte("x"), storage.PutOptions{IfAbsent: true}); err != nil {
					t.Errorf("Put: %v", err)
				}
				if _, err := s.List(t.Context(), "shared/"); err != nil {
					t.Errorf("List: %v", err)
				}
				if err := s.Delete(t.Context(), key); err != nil {
					t.Errorf("Delete: %v", err)
				}
			}
		})
	}
	group.Wait()
	if left := list(t, s, ""); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func refusesBadKeys(t *testing.T, s storage.Store) {
	put(t, s, "good", nil)
	for _, key := range []string{
		"", "/", "/etc/passwd", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.put-x", "-flag", "_a",
		"a b", "a\\b", "a\x00b", "a\nb", "é", "a/b?c", "a:b", "~", strings.Repeat("a", 250), strings.Repeat("a/", 300) + "a",
	} {
		_, getErr := s.Get(t.Context(), key)
		_, statErr := s.Stat(t.Context(), key)
		for op, err := range map[string]error{
			"Put":    s.Put(t.Context(), key, nil, storage.PutOptions{}),
			"parts":  s.PutParts(t.Context(), key, nil, storage.PutOptions{}),
			"Get":    getErr,
			"Stat":   statErr,
			"Delete": s.Delete(t.Context(), "good", key),
		} {
			var field *trainset.FieldError
			if !errors.As(err, &field) || field.Remedy == "" {
				t.Errorf("%s %q: %v, want a FieldError with a remedy", op, key, err)
			}
		}
	}
	for _, prefix := range []string{"/", "../", "a//", ".", "a/.hidden", " "} {
		if _, err := s.List(t.Context(), prefix); err == nil {
			t.Errorf("List %q was accepted", prefix)
		}
	}
	if diff := cmp.Diff([]string{"good"}, list(t, s, "")); diff != "" {
		t.Errorf("afterwards there are (-want +got):\n%s", diff)
	}
}

func refusesTooLarge(t *testing.T, s storage.Store) {
	err := s.Put(t.Context(), "huge", make([]byte, storage.MaxObject+1), storage.PutOptions{})
	if !errors.Is(err, storage.ErrTooLarge) {
		t.Errorf("Put: %v, want ErrTooLarge", err)
	}
	if left := list(t, s, ""); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func obeysContext(t *testing.T, s storage.Store) {
	put(t, s, "a", []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, getErr := s.Get(ctx, "a")
	_, statErr := s.Stat(ctx, "a")
	_, listErr := s.List(ctx, "")
	for op, err := range map[string]error{
		"Put":    s.Put(ctx, "b", nil, storage.PutOptions{}),
		"Get":    getErr,
		"Stat":   statErr,
		"List":   listErr,
		"Delete": s.Delete(ctx, "a"),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", op, err)
		}
	}
	if diff := cmp.Diff([]string{"a"}, list(t, s, "")); diff != "" {
		t.Errorf("afterwards there are (-want +got):\n%s", diff)
	}
}

func checks(t *testing.T, s storage.Store) {
	put(t, s, "a", nil)
	if c, ok := s.(storage.Checker); ok {
		if err := c.Check(t.Context()); err != nil {
			t.Errorf("Check: %v", err)
		}
	}
	if s.Describe() == "" {
		t.Error("Describe says nothing")
	}
	if diff := cmp.Diff([]string{"a"}, list(t, s, "")); diff != "" {
		t.Errorf("afterwards there are (-want +got):\n%s", diff)
	}
}
