package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/joho/godotenv"

	"github.com/actormaker/trainset"
)

// readDotenv reads the variables of a .env file; a missing one has none.
func readDotenv(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, trainset.Invalid(path, "cannot be read: "+reason(err), "make it readable, or remove it")
	}
	vars, err := godotenv.UnmarshalBytes(text)
	if err != nil {
		return nil, trainset.Invalid(path, fmt.Sprintf("line %d is malformed", brokenLine(string(text))),
			"write NAME=value on each line, and quote values that hold spaces or #")
	}
	return vars, noDollars(path, string(text))
}

// noDollars refuses a $ in our variables outside single quotes. The parser, and
// docker compose, would put another variable there, or nothing; systemd and docker
// --env-file take it as it is.
func noDollars(path, text string) error {
	escaped := strings.ReplaceAll(text, "$", mark+`\$`)
	vars, err := godotenv.Unmarshal(escaped)
	if err != nil {
		return nil //nolint:nilerr // it can be read as it is, and that alone was asked
	}
	var found []error
	for _, v := range Variables() {
		if bareDollar(vars[v.Name]) {
			found = append(found, trainset.Invalid(path, fmt.Sprintf("line %d: the $ in %s is read otherwise by other programs", dollarLine(escaped, v.Name), v.Name),
				"write it as %24 in a URL, or put the value into single quotes"))
		}
	}
	return errors.Join(found...)
}

// mark is put before every $ with a backslash, and stands in no text.
const mark = "\x00"

// bareDollar tells a $ that stood outside single quotes: in them alone the parser
// keeps the backslash between the mark and it, whatever stands before the mark.
func bareDollar(value string) bool { return strings.Contains(value, mark+"$") }

// dollarLine numbers the line, from 1, at whose end the variable's value is one
// with such a $.
func dollarLine(escaped, name string) int {
	lines := strings.SplitAfter(escaped, "\n")
	for n := range lines {
		vars, err := godotenv.Unmarshal(strings.Join(lines[:n+1], ""))
		if err == nil && bareDollar(vars[name]) {
			return n + 1
		}
	}
	return len(lines)
}

// reason drops the path, which the error's field names already.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// brokenLine numbers the first line from 1 that the parser cannot get past. The
// parser's own message is of no use: it quotes the file, and with it secrets.
func brokenLine(text string) int {
	lines := strings.SplitAfter(text, "\n")
	for n := len(lines) - 1; n > 0; n-- {
		if _, err := godotenv.Unmarshal(strings.Join(lines[:n], "")); err == nil {
			return n + 1
		}
	}
	return 1
}
