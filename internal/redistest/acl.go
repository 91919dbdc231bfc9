package redistest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// DocumentedUser is one of the commands by which docs/redis.md makes a user, by
// its place there.
type DocumentedUser int

const (
	UserOfServer  DocumentedUser = iota
	UserInCluster                // what a cluster's user may do beside it
	UserOfSentinel
	documentedUsers
)

// Documented reads a command from docs/redis.md, two folders up: the words after
// redis-cli as the operator's shell gives them to it, with the password replaced.
func Documented(tb testing.TB, u DocumentedUser, password string) []any {
	tb.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "redis.md"))
	if err != nil {
		tb.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), "\\\n", " ")
	found := regexp.MustCompile(`(?m)^    redis-cli (?:-p \d+ )?(ACL SETUSER .*)$`).FindAllStringSubmatch(text, -1)
	if len(found) != int(documentedUsers) {
		tb.Fatalf("docs/redis.md has %d users, want %d", len(found), documentedUsers)
	}
	said, err := exec.CommandContext(tb.Context(), "sh", "-c", `printf '%s\n' `+found[u][1]).Output()
	if err != nil {
		tb.Fatalf("a shell does not take %s: %v", found[u][1], err)
	}
	var words []any
	for _, w := range strings.Fields(string(said)) {
		words = append(words, strings.ReplaceAll(w, "CHANGE-ME", password))
	}
	return words
}

// SetUser gives a server a documented user.
func SetUser(tb testing.TB, admin *redis.Client, u DocumentedUser, password string) {
	tb.Helper()
	words := Documented(tb, u, password)
	if err := admin.Do(tb.Context(), words...).Err(); err != nil {
		tb.Fatalf("%v: %v", words, err)
	}
}

// NothingDenied fails when the server refused anything to anybody.
func NothingDenied(tb testing.TB, admin *redis.Client) {
	tb.Helper()
	entries, err := admin.ACLLog(tb.Context(), 100).Result()
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		if e.Object == "config|get" {
			continue // redisconn.Check asks, and takes a no
		}
		tb.Errorf("%s was denied %s (%s %s)", e.Username, e.Object, e.Reason, e.Context)
	}
}
