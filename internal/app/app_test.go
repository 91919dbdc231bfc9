package app_test

import (
	"testing"

	"github.com/actormaker/trainset/internal/app"
)

// worker pause --spending stops those who have the same account, so that one
// provider must not have several.
func TestAnAccountIsTheSameHoweverItsURLIsWritten(t *testing.T) {
	want := app.Account("token", "")
	for _, base := range []string{
		"https://api.replicate.com/v1", "https://api.replicate.com/v1/", "https://API.replicate.com/v1", "HTTPS://api.replicate.com:443/v1//",
	} {
		if got := app.Account("token", base); got != want {
			t.Errorf("%s is another account than no URL", base)
		}
	}
	for what, other := range map[string]string{
		"token": app.Account("another", ""), "host": app.Account("token", "https://replicate.example/v1"),
		"version": app.Account("token", "https://api.replicate.com/v2"), "port": app.Account("token", "https://api.replicate.com:8443/v1"),
	} {
		if other == want {
			t.Errorf("another %s is the same account", what)
		}
	}
}
