package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset"
)

func TestExitCodeOfErrors(t *testing.T) {
	field := trainset.Invalid("portrait", "is missing", "give one")
	for name, tc := range map[string]struct {
		err  error
		want int
	}{
		"none":                {nil, 0},
		"any":                 {errors.New("boom"), 1},
		"not found":           {trainset.ErrNotFound, 1},
		"deadline":            {context.DeadlineExceeded, 1},
		"field":               {field, 2},
		"field, wrapped":      {fmt.Errorf("read: %w", errors.Join(errors.New("boom"), field)), 2},
		"field, interrupted":  {errors.Join(context.Canceled, field), 2},
		"key already taken":   {fmt.Errorf("enqueue: %w", &trainset.ConflictError{Key: "k"}), 2},
		"interrupted":         {fmt.Errorf("watch: %w", context.Canceled), 130},
		"own code":            {&ExitError{Code: ExitPartial}, 3},
		"own code, wrapped":   {fmt.Errorf("run: %w", &ExitError{Code: ExitCanceled, Err: errors.New("x")}), 4},
		"own code over field": {&ExitError{Code: ExitFailed, Err: field}, 1},
	} {
		if got := ExitCode(tc.err); got != tc.want {
			t.Errorf("%s: exit %d, want %d", name, got, tc.want)
		}
	}
}

func TestForStateOfEveryState(t *testing.T) {
	for state, want := range map[trainset.JobState]int{
		trainset.JobQueued: 0, trainset.JobRunning: 0, trainset.JobSucceeded: 0, trainset.JobFailed: 1,
		trainset.JobPartial: 3, trainset.JobCanceled: 4, "unheard of": 1,
	} {
		if got := ForState(state); got != want {
			t.Errorf("%s: exit %d, want %d", state, got, want)
		}
	}
}

func TestExitCodesAreTabulated(t *testing.T) {
	var b bytes.Buffer
	if err := WriteExitCodes(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "exit-codes", b.String())
}

func TestPrintErrorGivesEachItsLine(t *testing.T) {
	portrait := trainset.Invalid("portrait", "is 100 x 80 px", "give one of at least 256 px on each side")
	sex := trainset.Invalid("sex", "\"x\" is unknown", "")
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		err  error
		want []string
	}{
		"none":       {nil, nil},
		"one":        {boom, []string{"error: boom"}},
		"joined":     {errors.Join(portrait, errors.Join(sex, boom)), []string{"error: " + portrait.Error(), "error: " + sex.Error(), "error: boom"}},
		"wrapped":    {fmt.Errorf("enqueue: %w", errors.Join(boom, sex)), []string{"error: enqueue: boom", "error: " + sex.Error()}},
		"one wrap":   {fmt.Errorf("enqueue: %w", boom), []string{"error: enqueue: boom"}},
		"two causes": {fmt.Errorf("%w after %w", boom, sex), []string{"error: boom after " + sex.Error()}},
		"said":       {&ExitError{Code: ExitPartial}, nil},
		"own code":   {&ExitError{Code: ExitPartial, Err: errors.Join(sex, boom)}, []string{"error: " + sex.Error(), "error: boom"}},
		"control":    {errors.New("bad\x1b[2J\r\nname\u202e"), []string{"error: bad [2J name"}},
	} {
		var b bytes.Buffer
		PrintError(&b, tc.err)
		var got []string
		if b.Len() > 0 {
			got = strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
