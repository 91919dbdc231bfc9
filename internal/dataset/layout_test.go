package dataset_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

func keys(l dataset.Layout, revision, index, attempt int) []string {
	return []string{
		l.Reference(), l.Plan(), l.Made(image(index), attempt, "png"), l.Receipt(image(index), attempt), l.Rejected(image(index), attempt, "png"),
		l.Train(revision, index), l.Caption(revision, index), l.Zip(revision), l.ContactSheet(revision),
		l.Gallery(revision), l.RevisionManifest(revision), l.Manifest(), l.Unwanted(index, attempt),
	}
}

func image(index int) plan.Subtask { return plan.Subtask{Verb: plan.VerbImage, Index: index} }

func TestKeysOfAStylesParts(t *testing.T) {
	l := dataset.Layout{User: "ann", Kind: trainset.KindStyle, Subject: "ink", Job: "J"}
	for want, s := range map[string]plan.Subtask{
		"grids/002.1.png rejected/grids-002.1.png":                   {Verb: plan.VerbGrid, Index: 2, Ask: plan.Ask{Index: 2}},
		"grids/002.judge.1.png rejected/grids-002.judge.1.png":       {Verb: plan.VerbJudge, Ask: plan.Ask{Grid: 2}},
		"grids/002.enhanced.1.png rejected/grids-002.enhanced.1.png": {Verb: plan.VerbEnhance, Ask: plan.Ask{Grid: 2}},
		"items/002-7.1.png rejected/002-7.1.png":                     {Verb: plan.VerbTile, Index: 13, Ask: plan.Ask{Grid: 2, Tile: 7}},
	} {
		if got := l.Made(s, 1, "png") + " " + l.Rejected(s, 1, "png"); strings.ReplaceAll(got, l.Root()+"/", "") != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestKeysAreWhatTheDesignSays(t *testing.T) {
	l := dataset.Layout{User: "ann", Kind: trainset.KindActor, Subject: "mona", Job: "J"}
	want := strings.Fields(`reference.png job.json items/003.2.png items/003.2.json rejected/003.2.png v1/train/003.png
		v1/train/003.txt v1/dataset.zip v1/contact-sheet.jpg v1/gallery.html v1/manifest.json manifest.json unwanted/003-2.json`)
	for i, key := range keys(l, 1, 3, 2) {
		if key != "ann/actors/mona/J/"+want[i] {
			t.Errorf("got %s, want %s", key, want[i])
		}
	}
	if l.Kind = trainset.KindStyle; l.Root() != "ann/styles/mona/J" {
		t.Errorf("root %s", l.Root())
	}
	if got := dataset.Upload("J"); got != "uploads/J" {
		t.Errorf("upload %s", got)
	}
}

func TestKeysAreValidAndDistinctForAnyIDs(t *testing.T) {
	id := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,63}`)
	rapid.Check(t, func(r *rapid.T) {
		user, subject := id.Draw(r, "user"), id.Draw(r, "subject")
		l := dataset.Layout{User: user, Kind: trainset.KindActor, Subject: subject, Job: trainset.NewJobID(user, trainset.KindActor, subject)}
		n := rapid.IntRange(1, 9999)
		seen := map[string]bool{}
		for _, key := range append(keys(l, n.Draw(r, "revision"), n.Draw(r, "index"), n.Draw(r, "attempt")), dataset.Upload(l.Job)) {
			if err := storage.ValidKey(key); err != nil {
				r.Fatal(err)
			}
			if seen[key] {
				r.Fatalf("%s names two objects", key)
			}
			seen[key] = true
		}
	})
}

func ExampleLayout() {
	l := dataset.Layout{User: "ann", Kind: trainset.KindActor, Subject: "mona", Job: "0f3a"}
	fmt.Println(l.Train(1, 7))
	// Output: ann/actors/mona/0f3a/v1/train/007.png
}
