package app_test

import (
	"testing"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/storage"
)

// worker pause --spending stops those who have the same account, so that one
// provider must not have several.
func TestAnAccountIsTheSameHoweverItsURLIsWritten(t *testing.T) {
	const want = "eecbe8b9f8021c23" // as it was before URLs were compared: a pause outlives the upgrade
	for _, base := range []string{
		"", "https://api.replicate.com/v1", "https://api.replicate.com/v1/", "https://API.replicate.com/v1", "HTTPS://api.replicate.com:443/v1//",
	} {
		if got := app.Account("token", base); got != want {
			t.Errorf("%q is another account than no URL was: %s", base, got)
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

// The simulated provider has another port at each start.
func TestAPauseReachesWhoeverSimulates(t *testing.T) {
	cfg := config.Default()
	cfg.Provider.Simulate = true
	cfg.Provider.Token = config.NewSecret("whatever")
	rdb := redistest.Any(t)
	gate := limit.New(rdb, app.AccountOf(cfg), limit.Options{})
	t.Cleanup(gate.Close)
	if err := gate.Open(t.Context(), "operator", "the bill", "resume"); err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"http://127.0.0.1:4001/v1", "http://127.0.0.1:4002/v1"} {
		for simulated, blocked := range map[bool]bool{true: true, false: false} {
			w, err := app.NewWorker(rdb, storage.NewDirectory(t.TempDir()), app.Options{Token: "simulated", BaseURL: base, Simulated: simulated, Log: zerolog.Nop()})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Blocked(t.Context()); (err != nil) != blocked {
				t.Errorf("at %s, simulated %t: %v", base, simulated, err)
			}
			w.Stop()
		}
	}
}
