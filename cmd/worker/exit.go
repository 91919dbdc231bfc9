package main

import (
	"strconv"
	"strings"

	"github.com/actormaker/trainset/internal/cli"
)

// long is the help of the whole command, with its exit codes.
func long() string {
	var b strings.Builder
	b.WriteString("Worker serves the queues of a deployed system, and is what its operators work with: every command\n" +
		"but run and fake-replicate reads or changes the system that REDIS_URL and the settings of storage name.\n" +
		"A job is named by its ID, or the first 8 characters or more of it.\n\n")
	t := cli.Table{Columns: []cli.Column{{Title: "exit", Right: true}, {Title: "meaning"}}}
	for _, e := range exitCodes {
		t.Add(strconv.Itoa(e.Code), e.Meaning)
	}
	_ = t.Write(&b) // a strings.Builder takes everything
	return strings.TrimSuffix(b.String(), "\n")
}

var exitCodes = []cli.ExitMeaning{
	{Code: cli.ExitSucceeded, Name: "done", Meaning: "done"},
	{Code: cli.ExitFailed, Name: "failed, or something was found", Meaning: "it failed, and the reason is printed; audit found something, a check of doctor failed, the worker that health asks is not as it should be"},
	{Code: cli.ExitInput, Name: "wrong input, nothing was changed", Meaning: "an argument, a flag or a setting is wrong, or the job is not in a state for it; nothing was changed"},
	{Code: cli.ExitInterrupted, Name: "interrupted", Meaning: "stopped by Ctrl-C or SIGTERM; only run and jobs --watch end with 0 then"},
}
