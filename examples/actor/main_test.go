package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/examples/running"
	"github.com/actormaker/trainset/internal/redistest"
)

// try runs the program against a system and returns what it printed.
func try(t *testing.T, s *running.System, args ...string) (lines []string, told string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var stdout, stderr strings.Builder
	err = run(ctx, args, s.Getenv, &stdout, &stderr)
	return strings.Fields(stdout.String()), stderr.String(), err
}

func TestAPortraitBecomesAddressesOfImages(t *testing.T) {
	s := running.Start(t)
	args := []string{"-user", "ada", "-id", "zara", "-type", "human", "-sex", "female", "-images", "3", "-files", s.Files}
	byFile, told, err := try(t, s, append(args, "../portrait.png")...)
	if err != nil || len(byFile) != 3 || s.Predictions() != 3 {
		t.Fatalf("%d images of %d predictions: %v\n%s", len(byFile), s.Predictions(), err, told)
	}
	for _, address := range byFile {
		if c := running.Picture(t, address); c.Width <= c.Height {
			t.Errorf("%s has %d x %d pixels", address, c.Width, c.Height)
		}
	}
	if !strings.Contains(told, "job ") || !strings.Contains(told, "succeeded: 3 of 3 images") {
		t.Errorf("it told: %s", told)
	}
	// Again, nothing is bought.
	again, _, err := try(t, s, append(args, "../portrait.png")...)
	if err != nil || strings.Join(again, " ") != strings.Join(byFile, " ") || s.Predictions() != 3 {
		t.Errorf("again: %v after %d predictions: %v", again, s.Predictions(), err)
	}
	// By a URL, and without an address for storage: keys.
	byURL, _, err := try(t, s, "-user", "ada", "-id", "zed", "-type", "robotic", "-images", "1", s.Pictures+"/portrait.png")
	if err != nil || len(byURL) != 1 || !strings.HasPrefix(byURL[0], "ada/actors/zed/") {
		t.Fatalf("%v: %v", byURL, err)
	}
	running.Picture(t, s.Files+"/"+byURL[0])
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	s := running.Start(t)
	_, _, err := try(t, s, "-user", "ada", "-id", "zara", "-type", "ghost", "../portrait.png")
	if field, ok := errors.AsType[*trainset.FieldError](err); !ok || field.Field != "type" {
		t.Errorf("a wrong type: %v", err)
	}
	// Only the worker can know that this is no picture.
	lines, _, err := try(t, s, "-user", "ada", "-id", "zara", "main.go")
	if err == nil || !strings.Contains(err.Error(), "portrait") || len(lines) != 0 {
		t.Errorf("no picture: %v, %v", lines, err)
	}
	if _, _, err := try(t, s, "-user", "ada"); err == nil || s.Predictions() != 0 {
		t.Errorf("no image: %v, %d predictions", err, s.Predictions())
	}
}

func TestAJobThatIsGoneIsNotWaitedFor(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	gone := trainset.NewJobID("ada", trainset.KindActor, "deleted")
	_, err := follow(ctx, client.FromRedis(redistest.Mini(t)), gone, io.Discard)
	if !errors.Is(err, trainset.ErrNotFound) || !strings.Contains(err.Error(), "asks for it again") {
		t.Error(err)
	}
}
