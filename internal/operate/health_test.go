package operate

import (
	"slices"
	"testing"
)

// Who listens everywhere is asked on the loopback, of IPv4 first.
func TestAWorkerIsAskedOnThisHost(t *testing.T) {
	for listen, want := range map[string][]string{
		":8080": {"127.0.0.1:8080", "[::1]:8080"}, "[::]:8080": {"127.0.0.1:8080", "[::1]:8080"}, "0.0.0.0:8080": {"127.0.0.1:8080"},
		"localhost:81": {"localhost:81"}, "10.0.0.7:8080": {"10.0.0.7:8080"}, "[::1]:8080": {"[::1]:8080"},
	} {
		if got, err := answering(listen); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is asked at %v, %v", listen, got, err)
		}
	}
}
