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
	return vars, nil
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
