package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/examples/running"
)

func TestAnExampleOfAStyleBecomesAddressesOfImages(t *testing.T) {
	s := running.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	args := []string{"-user", "ada", "-id", "ink", "-images", "4", "-grids", "1", "-enhance", "none", "-files", s.Files}
	var stdout, stderr strings.Builder
	err := run(ctx, append(args, "../style.png"), s.Getenv, &stdout, &stderr)
	images := strings.Fields(stdout.String())
	if err != nil || len(images) != 4 || s.Predictions() != 2 { // a grid and a judgement
		t.Fatalf("%d images of %d predictions: %v\n%s", len(images), s.Predictions(), err, stderr.String())
	}
	for _, address := range images {
		if c := running.Picture(t, address); c.Width != c.Height {
			t.Errorf("%s has %d x %d pixels", address, c.Width, c.Height)
		}
	}
	if told := stderr.String(); !strings.Contains(told, "tiles fit by openai/gpt-4.1-mini") || !strings.Contains(told, "succeeded; grid 1 done") {
		t.Errorf("it told: %s", told)
	}
	// Again, by the same bytes: nothing is bought.
	var again strings.Builder
	if err := run(ctx, append(args, "../style.png"), s.Getenv, &again, &stderr); err != nil || again.String() != stdout.String() || s.Predictions() != 2 {
		t.Errorf("again: %s after %d predictions: %v", again.String(), s.Predictions(), err)
	}
	// By a URL, to a judge that this system has not: refused before anything is made.
	err = run(ctx, []string{"-user", "ada", "-id", "oil", "-judge", "openai", s.Pictures + "/style.png"}, s.Getenv, &again, &stderr)
	if err == nil || !strings.Contains(err.Error(), "OPENAI_API_KEY") || s.Predictions() != 2 {
		t.Errorf("a judge that is not there: %v, %d predictions", err, s.Predictions())
	}
	err = run(ctx, []string{"-user", "ada", "-id", "ink", "-enhance", "much", "../style.png"}, s.Getenv, &again, &stderr)
	if field, ok := errors.AsType[*trainset.FieldError](err); !ok || field.Field != "enhance" {
		t.Errorf("a wrong enhancement: %v", err)
	}
}
