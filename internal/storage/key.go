package storage

import (
	"fmt"
	"strings"

	"github.com/actormaker/trainset"
)

const (
	maxKey     = 512 // bytes; S3 takes 1024 and the operator's prefix comes on top
	maxSegment = 200 // bytes; file systems take 255, and some servers add a suffix of their own
)

// ValidKey says what is wrong with a key, as a *trainset.FieldError. A key is relative and slash separated;
// each segment matches [A-Za-z0-9][A-Za-z0-9._-]*, so it needs no escaping in a path, a URL or a shell, cannot
// climb out of its folder and is never a hidden file.
func ValidKey(key string) error { return validKey("key", key) }

func validKey(field, key string) error {
	if key == "" {
		return trainset.Invalid(field, "is empty", "give a name such as jobs/1/manifest.json")
	}
	if len(key) > maxKey {
		return trainset.Invalid(field, fmt.Sprintf("has %d bytes", len(key)), fmt.Sprintf("use at most %d", maxKey))
	}
	for segment := range strings.SplitSeq(key, "/") {
		if !validSegment(segment) {
			return trainset.Invalid(field, fmt.Sprintf("%q has the segment %q", key, segment),
				"separate segments by single slashes; start each with a letter or digit and use only letters, digits, dot, "+
					fmt.Sprintf("underscore and hyphen, at most %d", maxSegment))
		}
	}
	return nil
}

// validPrefix accepts what a valid key can start with, up to any of its segments or characters.
func validPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	return validKey("prefix", strings.TrimSuffix(prefix, "/"))
}

func validKeys(keys []string) error {
	for _, key := range keys {
		if err := ValidKey(key); err != nil {
			return err
		}
	}
	return nil
}

func validSegment(s string) bool {
	if s == "" || len(s) > maxSegment || !alphanumeric(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !alphanumeric(s[i]) && !strings.ContainsRune("._-", rune(s[i])) {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
