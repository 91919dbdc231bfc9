package cli

import (
	"bytes"
	"errors"
	"testing"

	"github.com/actormaker/trainset"
)

func TestSummaryForms(t *testing.T) {
	succeeded := running()
	succeeded.State, succeeded.FinishedAt, succeeded.Simulated = trainset.JobSucceeded, at(13.4), false
	succeeded.Wanted, succeeded.Items = 1, succeeded.Items[:1]
	failed := trainset.Job{
		ID: running().ID, Kind: trainset.KindActor, State: trainset.JobFailed, Subject: "mona", Wanted: 12,
		CreatedAt: epoch(), FinishedAt: at(2), Reason: "the account has no credit left",
	}
	paths := SummaryInfo{
		Folder: "out/local/actors/mona/0f3a/v1/train", Zip: "out/local/actors/mona/0f3a/v1/dataset.zip",
		ContactSheet: "out/c.jpg", Gallery: "out/gallery.html", Manifest: "out/manifest.json",
		Train: "train \\\n  --data out", Resume: "enqueue actor --portrait a.png",
	}
	for name, info := range map[string]SummaryInfo{
		"succeeded": paths.with(succeeded).withoutResume(),
		"partial":   paths.with(ended()),
		"running":   {Job: running(), Resume: "enqueue watch 0f3a"},
		"failed":    {Job: failed},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Summary(&b, info); err != nil {
				t.Fatal(err)
			}
			golden(t, "summary-"+name, b.String())
		})
	}
}

func (s SummaryInfo) with(job trainset.Job) SummaryInfo {
	s.Job = job
	return s
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestSummaryReportsAFailedWrite(t *testing.T) {
	if err := Summary(full{}, SummaryInfo{Job: ended()}); err == nil {
		t.Error("a failed write went unnoticed")
	}
}

func (s SummaryInfo) withoutResume() SummaryInfo {
	s.Resume = ""
	return s
}
