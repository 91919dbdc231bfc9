package tasks

import (
	"errors"
	"fmt"
	"net/url"
	"syscall"
	"testing"

	"github.com/actormaker/trainset/internal/replicate"
	"github.com/actormaker/trainset/internal/storage"
)

// What a task waits for is said with a remedy, and without the address of an object.
func TestAnOutageIsSaidInShort(t *testing.T) {
	refused := &url.Error{Op: "Put", URL: "http://s3.test/files/a.png?X-Amz-Signature=secret", Err: syscall.ECONNREFUSED}
	for want, err := range map[string]error{
		"storage (bucket files at s3.test) fails: put: connection refused; see its server and its settings":        &storage.OpError{Op: "put", Key: "a.png", Store: "bucket files at s3.test", Err: refused},
		"storage (folder /out) fails: put: no space left on device; free some space":                               &storage.OpError{Op: "put", Store: "folder /out", Remedy: "free some space", Err: syscall.ENOSPC},
		"the provider fails; see its status page, and REPLICATE_BASE_URL if it is yours":                           &replicate.Error{Class: replicate.ClassTransient, Op: "upload"},
		"the provider fails (status 502): Bad Gateway; see its status page, and REPLICATE_BASE_URL if it is yours": &replicate.Error{Class: replicate.ClassAmbiguous, Op: "create", Status: 502, Detail: "Bad\nGateway"},
		"the provider does not accept the token (status 401); check REPLICATE_API_TOKEN of the workers":            &replicate.Error{Class: replicate.ClassAuth, Op: "upload", Status: 401},
		"the provider takes no more calls for now (status 429); if that lasts, lower TRAINSET_RATE_PER_MINUTE":     &replicate.Error{Class: replicate.ClassThrottled, Op: "create", Status: 429, Detail: "resets in ~7s"},
		"": errors.New("something else"),
	} {
		if why, is := outage(fmt.Errorf("storing: %w", err)); why != want || is != (want != "") {
			t.Errorf("%q, not %q", why, want)
		}
	}
}
