package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/actormaker/trainset"
)

// Exit codes of both commands.
const (
	ExitSucceeded   = 0
	ExitFailed      = 1
	ExitInput       = 2
	ExitPartial     = 3
	ExitCanceled    = 4
	ExitInterrupted = 130 // 128 + SIGINT, as shells report it
)

// ExitMeaning is one row of the table of exit codes.
type ExitMeaning struct {
	Code    int
	Name    string
	Meaning string
}

// ExitCodes lists every exit code, for help and documentation.
func ExitCodes() []ExitMeaning {
	return []ExitMeaning{
		{ExitSucceeded, "succeeded", "all that was asked for was done"},
		{ExitFailed, "failed", "the job or the command failed; the reason is printed"},
		{ExitInput, "input", "a flag, a file or a setting is wrong; nothing was spent"},
		{ExitPartial, "partial", "there is a data set with fewer images than asked for; each reason is printed"},
		{ExitCanceled, "canceled", "the job was canceled"},
		{ExitInterrupted, "interrupted", "stopped by Ctrl-C or SIGTERM; repeating the command resumes the job"},
	}
}

// WriteExitCodes prints the table of exit codes.
func WriteExitCodes(w io.Writer) error {
	t := Table{Columns: []Column{{Title: "exit", Right: true}, {Title: "state"}, {Title: "meaning"}}}
	for _, e := range ExitCodes() {
		t.Add(strconv.Itoa(e.Code), e.Name, e.Meaning)
	}
	return t.Write(w)
}

// ExitCodesLine names exit codes in a line, for the help of one command.
func ExitCodesLine(codes []ExitMeaning) string {
	parts := make([]string, len(codes))
	for i, e := range codes {
		parts[i] = fmt.Sprintf("%d %s", e.Code, e.Name)
	}
	return "Exit codes: " + strings.Join(parts, ", ") + "."
}

// ExitError ends a command with a code of its own choice.
type ExitError struct {
	Code int
	// Err is printed; nil when the command has said all there is to say.
	Err error
}

// Error implements error.
func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns the error that is printed.
func (e *ExitError) Unwrap() error { return e.Err }

// ExitCode maps an error to its exit code: the code of an *ExitError inside;
// else ExitInput for a *trainset.FieldError or a *trainset.ConflictError
// inside; else ExitInterrupted for context.Canceled, which is how a signal
// arrives; else ExitFailed.
func ExitCode(err error) int {
	var (
		exit     *ExitError
		field    *trainset.FieldError
		conflict *trainset.ConflictError
	)
	switch {
	case err == nil:
		return ExitSucceeded
	case errors.As(err, &exit):
		return exit.Code
	case errors.As(err, &field), errors.As(err, &conflict):
		return ExitInput
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitFailed
}

// ForState maps how a job ended to the exit code. A job that has not ended was
// submitted or shown, and that succeeded.
func ForState(s trainset.JobState) int {
	switch s {
	case trainset.JobSucceeded, trainset.JobQueued, trainset.JobRunning:
		return ExitSucceeded
	case trainset.JobPartial:
		return ExitPartial
	case trainset.JobCanceled:
		return ExitCanceled
	case trainset.JobFailed:
		return ExitFailed
	}
	return ExitFailed
}
