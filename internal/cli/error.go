package cli

import (
	"errors"
	"io"
	"strings"

	"github.com/actormaker/trainset"
)

// PrintError writes "error: " and the message, a line for each of joined
// errors. It writes nothing for nil and for an *ExitError without an error of
// its own. Control characters are not passed on to the terminal.
func PrintError(w io.Writer, err error) {
	for _, line := range errorLines(err) {
		_, _ = io.WriteString(w, "error: "+Clean(line)+"\n")
	}
}

func errorLines(err error) []string {
	if err == nil || silent(err) {
		return nil
	}
	children, prefix := joined(err)
	if children == nil {
		return []string{err.Error()}
	}
	var lines []string
	for _, child := range children {
		for _, line := range errorLines(child) {
			lines = append(lines, lead(prefix, child)+line)
		}
	}
	return lines
}

// joined returns the errors that errors.Join put side by side in err, and the
// words wrapped around them; nil when err is a single error.
func joined(err error) (children []error, prefix string) {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		multi, ok := inner.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		children = multi.Unwrap()
		prefix, found := strings.CutSuffix(err.Error(), inner.Error())
		if !found || inner.Error() != errors.Join(children...).Error() {
			return nil, "" // an error of several causes in one sentence
		}
		return children, prefix
	}
	return nil, ""
}

// lead drops the wrapping words before a field error: its line starts with the
// field, which is what the user looks for.
func lead(prefix string, child error) string {
	var field *trainset.FieldError
	if errors.As(child, &field) {
		return ""
	}
	return prefix
}

func silent(err error) bool {
	var exit *ExitError
	return errors.As(err, &exit) && exit.Err == nil
}
