package cli

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with testdata/NAME.txt.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s differs (rewrite with -update):\n%s", path, diff)
	}
}

func epoch() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func at(seconds float64) *time.Time {
	t := epoch().Add(time.Duration(seconds * float64(time.Second)))
	return &t
}

// running is a job in mid-flight, with an item in each condition.
func running() trainset.Job {
	return trainset.Job{
		ID: "0f3a1b2c-0000-8000-8000-000000000001", Kind: trainset.KindActor, State: trainset.JobRunning,
		User: "local", Subject: "mona", Trigger: "mnlx", Simulated: true, Wanted: 7, CreatedAt: epoch(), StartedAt: at(1),
		Cost: trainset.Cost{Estimated: trainset.USD(0.28), Actual: trainset.USD(0.12)},
		Items: []trainset.Item{
			{Index: 1, State: trainset.ItemSucceeded, Phase: trainset.PhaseDone, Scene: "harbour-dawn", Medium: trainset.MediumPhoto, Attempts: 1, StartedAt: at(1), SettledAt: at(5.2)},
			{Index: 2, State: trainset.ItemRunning, Phase: trainset.PhaseStoring, Scene: "library-ladder", Medium: trainset.MediumPhoto, Attempts: 1, StartedAt: at(1)},
			{Index: 3, State: trainset.ItemRunning, Phase: trainset.PhasePredicting, Scene: "woodcut-alley", Medium: trainset.MediumBW, Attempts: 1, StartedAt: at(2)},
			{Index: 4, State: trainset.ItemRunning, Phase: trainset.PhaseWaiting, Scene: "charcoal-market", Medium: trainset.MediumBW, Attempts: 2, StartedAt: at(2), Reason: "the provider was\x1b[2J\nnot available"},
			{Index: 5, State: trainset.ItemPending, Phase: trainset.PhaseWaiting, Scene: "manga-rooftop", Medium: trainset.MediumBW},
			{Index: 6, State: trainset.ItemFailed, Scene: "gouache-orchard", Medium: trainset.MediumColour, Attempts: 3, StartedAt: at(1), SettledAt: at(9), Reason: "moderated: the provider's filter refused the prompt and its milder form"},
			{Index: 7, State: trainset.ItemRejected, Medium: trainset.MediumColour, Attempts: 5, StartedAt: at(1), SettledAt: at(9.5)},
		},
	}
}

// ended is the same job when it is over.
func ended() trainset.Job {
	job := running()
	job.State, job.FinishedAt, job.Reason = trainset.JobPartial, at(84), "2 of 7 images are missing"
	for i := range job.Items {
		if it := &job.Items[i]; !it.State.Settled() {
			it.State, it.Phase, it.Reason, it.SettledAt = trainset.ItemSucceeded, trainset.PhaseDone, "", at(80)
		}
	}
	return job
}
