package main

import (
	"io"
	"strings"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/redistest"
)

// Operators see what there is, are told why nothing is written, and can make room.
func TestVerbsOnAFullRedis(t *testing.T) {
	node := redistest.Start(t)
	rdb, ctx := node.Client(t), t.Context()
	job, err := client.FromRedis(rdb).EnqueueActor(ctx, trainset.ActorRequest{
		Options: trainset.Options{User: "u", Key: "k"}, Actor: "a", Portrait: trainset.Reference{URL: "https://example.org/p.png"},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := ledger.New(rdb, ledger.Options{})
	ended, _, err := l.Create(ctx, trainset.ActorRequest{
		Options: trainset.Options{User: "u", Key: "ended"}, Actor: "a", Portrait: trainset.Reference{URL: "https://example.org/p.png"},
	}.WithDefaults())
	if err == nil {
		err = l.Finish(ctx, ended.ID, ledger.Ending{State: trainset.JobFailed, Reason: "why"})
	}
	if err != nil {
		t.Fatal(err)
	}
	rdb.HSet(ctx, "trainset:workers", "silent", 1)
	if err := rdb.ConfigSet(ctx, "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"job", string(job.ID)}, cli.ExitSucceeded, "queued"},
		{[]string{"jobs"}, cli.ExitSucceeded, "queued"},
		{[]string{"queues"}, cli.ExitSucceeded, "1 silent: Redis takes no writes"},
		{[]string{"cancel", string(job.ID)}, cli.ExitFailed, "raise its maxmemory"},
		{[]string{"delete", string(job.ID), "--yes"}, cli.ExitInput, "has not ended"},
		{[]string{"delete", string(ended.ID), "--yes"}, cli.ExitSucceeded, "1  record in the ledger"},
		{[]string{"doctor"}, cli.ExitFailed, "raise its maxmemory"},
	} {
		var out strings.Builder
		err := run(ctx, c.args, []string{"REDIS_URL=redis://" + node.Addr, "TRAINSET_SIMULATE=true", "TRAINSET_HTTP_LISTEN=", "TRAINSET_OUT=" + t.TempDir()}, &out, io.Discard)
		if err != nil {
			out.WriteString(err.Error())
		}
		if cli.ExitCode(err) != c.code || !strings.Contains(out.String(), c.said) {
			t.Errorf("%v: exit code %d, %s", c.args, cli.ExitCode(err), out.String())
		}
	}
}
