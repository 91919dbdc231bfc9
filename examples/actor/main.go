// Command actor is how another Go service asks for an actor's training set: an
// image, a user, an ID, a type and a sex in, the names of the images out. It
// uses the public packages only, trainset and client, and is made to be copied.
//
//	REDIS_URL=redis://127.0.0.1:6379/0 go run ./examples/actor -user ada -id zara -sex female portrait.png
//
// The image is a file or a URL. The job runs on the system's workers; this
// program only asks, follows it, and prints one line for each image: its key in
// the system's storage, or its address where -files says at which address that
// storage can be read. The same command again finds the same job and buys
// nothing; interrupted, it leaves the job running.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "actor:", err)
		os.Exit(1)
	}
}

// run is the whole program; its test calls it.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var req trainset.ActorRequest
	flags := flag.NewFlagSet("actor", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&req.User, "user", "", "who owns the job and its data set")
	flags.StringVar(&req.Actor, "id", "", "the actor's ID")
	flags.Func("type", "human, creature, robotic, anthropomorphic or mythical", func(s string) error { req.Type = trainset.ActorType(s); return nil })
	flags.Func("sex", "male or female", func(s string) error { req.Sex = trainset.Sex(s); return nil })
	flags.IntVar(&req.Images, "images", trainset.DefaultActorImages, "how many images")
	files := flags.String("files", "", "address at which the system's storage can be read")
	if err := flags.Parse(args); err != nil {
		return err //nolint:wrapcheck // says which flag
	}
	if flags.NArg() != 1 {
		return errors.New("give one image, a file or a URL")
	}

	c, err := client.New(getenv("REDIS_URL"))
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing is under way any more

	if err := refer(ctx, c, &req, flags.Arg(0)); err != nil {
		return err
	}
	job, err := c.EnqueueActor(ctx, req)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stderr, "job %s\n", job.ID)
	if job, err = follow(ctx, c, job.ID, stderr); err != nil {
		return err
	}
	return report(stdout, job, *files)
}

// refer puts the image into the request. A file's bytes are handed over through
// Redis; a program that shares the system's storage would name a key instead.
// The job's ID follows from the idempotency key, which is here a digest of all
// that was asked, so that asking again finds the same job.
func refer(ctx context.Context, c *client.Client, req *trainset.ActorRequest, image string) error {
	if strings.HasPrefix(image, "https://") || strings.HasPrefix(image, "http://") {
		req.Portrait.URL = image
		req.Key = trainset.DefaultKey(*req)
		return nil
	}
	data, err := os.ReadFile(image)
	if err != nil {
		return err //nolint:wrapcheck // names the file
	}
	sum := sha256.Sum256(data)
	req.Portrait.SHA256 = hex.EncodeToString(sum[:])
	req.Key = trainset.DefaultKey(*req)
	req.Portrait, err = c.Upload(ctx, req.JobID(), data)
	return err
}

// follow tells of the job's progress until it has ended.
func follow(ctx context.Context, c *client.Client, id trainset.JobID, stderr io.Writer) (trainset.Job, error) {
	said := ""
	for job, err := range c.Watch(ctx, id) {
		if errors.Is(err, trainset.ErrNotFound) {
			return job, fmt.Errorf("job %s was deleted, or Redis lost it; the same command asks for it again: %w", id, err)
		}
		if err != nil {
			_, _ = fmt.Fprintln(stderr, "still waiting:", err) // Redis may come back
			continue
		}
		if now := fmt.Sprintf("%s: %d of %d images", job.State, job.Succeeded(), len(job.Items)); now != said {
			said = now
			_, _ = fmt.Fprintln(stderr, now)
		}
		if job.State.Ended() {
			return job, nil
		}
	}
	return trainset.Job{}, fmt.Errorf("waiting for job %s: %w", id, context.Cause(ctx))
}

// report prints the images of a set, and fails where there is none or too few.
func report(stdout io.Writer, job trainset.Job, files string) error {
	for _, it := range job.Items {
		key := job.ImageKey(it)
		if key == "" {
			continue
		}
		if files != "" {
			key = strings.TrimSuffix(files, "/") + "/" + key
		}
		if _, err := fmt.Fprintln(stdout, key); err != nil {
			return err //nolint:wrapcheck // the reader has gone
		}
	}
	if job.State != trainset.JobSucceeded {
		return fmt.Errorf("job %s is %s: %s", job.ID, job.State, job.Reason)
	}
	return nil
}
