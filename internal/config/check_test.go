package config

import (
	"strings"
	"testing"

	"github.com/actormaker/trainset"
)

// What others judge is reported with all the rest, and once.
func TestChecksAreReportedWithTheRest(t *testing.T) {
	calls := 0
	check := RedisURL(func(url string) error {
		if calls++; strings.HasSuffix(url, ":0") {
			return trainset.Invalid("REDIS_URL", "has a port that is none", "correct it")
		}
		return nil
	})
	for _, tc := range []struct {
		url   string
		calls int
		want  string
	}{
		{"", 0, ""},
		{"redis://h:6379", 1, ""},
		{"redis://h:0", 1, "has a port that is none"},
		{"http://h", 0, "is no URL of a Redis server"},
	} {
		calls = 0
		_, err := Load([]string{"REDIS_URL=" + tc.url, "TRAINSET_RATE_PER_MINUTE=-5"}, "", check)
		if err == nil || calls != tc.calls || !strings.Contains(err.Error(), "TRAINSET_RATE_PER_MINUTE") || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q, asked %d times: %v", tc.url, calls, err)
		}
		if n := strings.Count(err.Error(), "REDIS_URL"); tc.want != "" && n != 1 {
			t.Errorf("%q is reported %d times", tc.url, n)
		}
	}
}
