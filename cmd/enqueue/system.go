package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/client"
	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/storage"
)

// system is where a person asks about jobs: the ledger of a deployed system,
// or of the command that works on the output folder now, and what storage has.
type system struct {
	setup

	store   storage.Store
	client  *client.Client // nil where no command works on the folder
	address string         // of the client's Redis
}

// verb is a command about one job.
type verb struct {
	runFlags

	environ []string
}

func (v *verb) command(use, short string, run func(ctx context.Context, sys *system, id trainset.JobID) error) *cobra.Command {
	cmd := &cobra.Command{
		Use: use + " JOB", Short: short,
		Args:              oneArgument("job", "give a job's ID, or its first 8 characters or more"),
		ValidArgsFunction: completeJobs(v.environ),
		RunE: func(cmd *cobra.Command, args []string) error {
			sys, err := v.open(cmd)
			if err != nil {
				return err
			}
			defer sys.close()
			id, err := sys.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return run(cmd.Context(), sys, id)
		},
	}
	cmd.Flags().BoolVar(&v.json, "json", false, "print the result as one JSON object")
	return cmd
}

// folderFlag lets the output folder be named, which fetch uses the name of for
// something else.
func (v *verb) folderFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&v.out, "out", "", "root folder of the data sets (default TRAINSET_OUT, else out)")
}

func (v *verb) open(cmd *cobra.Command) (*system, error) {
	s, err := v.load(cmd, v.environ)
	if err != nil {
		return nil, err
	}
	store, err := app.OpenStorage(cmd.Context(), s.config)
	if err != nil {
		return nil, err
	}
	sys := &system{setup: s, store: store}
	if s.deployed() {
		sys.address = s.config.Redis.URL.Reveal()
		sys.client, err = client.New(sys.address)
	} else {
		sys.client, sys.address, err = s.neighbour(cmd.Context())
	}
	return sys, err
}

func (s *system) close() {
	if s.client != nil {
		_ = s.client.Close() // the command ends
	}
}

// neighbour is a client of the command that works on the output folder now, and
// where that answers, or nil when there is none.
func (s setup) neighbour(ctx context.Context) (*client.Client, string, error) {
	socket, err := os.ReadFile(socketFile(s.config))
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("looking for a command that works here: %w", err)
	}
	at := url.URL{Scheme: "unix", Path: string(socket)}
	c, err := client.New(at.String())
	if err != nil {
		return nil, "", nil // what is written there is no address: nobody can be asked
	}
	asking, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, err := c.Recent(asking, "", 1); err != nil { // it has ended, and left its socket's name
		_ = c.Close() // it was never open
		return nil, "", ctx.Err()
	}
	return c, at.String(), nil
}

const leastPrefix = 8

var prefixPattern = regexp.MustCompile(`^[0-9a-f-]+$`)

// find returns the one job that a person means by an ID or its beginning.
func (s *system) find(ctx context.Context, text string) (trainset.JobID, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if id, err := trainset.ParseJobID(text); err == nil {
		return id, nil
	}
	if len(text) < leastPrefix || !prefixPattern.MatchString(text) {
		return "", trainset.Invalid("job", fmt.Sprintf("%q is no job ID", text), fmt.Sprintf("give the ID, or at least its first %d characters", leastPrefix))
	}
	ids, err := s.startingWith(ctx, text)
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", s.unknown(text)
	case len(ids) > 1:
		return "", trainset.Invalid("job", fmt.Sprintf("%q is the beginning of %d jobs", text, len(ids)),
			"give more of it: "+strings.Join(names(ids[:min(len(ids), 5)]...), ", "))
	}
	return ids[0], nil
}

// startingWith asks the ledger, and storage when the ledger knows of none.
func (s *system) startingWith(ctx context.Context, prefix string) ([]trainset.JobID, error) {
	if s.client != nil {
		asking, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		ids, err := s.client.Find(asking, prefix)
		if err != nil {
			return nil, noAnswer(err)
		}
		if len(ids) > 0 {
			return ids, nil
		}
	}
	stored, err := s.stored(ctx, prefix)
	return slices.Sorted(maps.Keys(stored)), err
}

func (s *system) unknown(job string) error {
	nobody := s.store.Describe() + " has no"
	if s.client != nil {
		nobody = "the ledger and " + s.store.Describe() + " have no"
	}
	return trainset.Invalid("job", fmt.Sprintf("%s job %s", nobody, job), "copy the ID as enqueue printed it; is REDIS_URL or TRAINSET_OUT of another system?")
}

// stored finds the folders of jobs in storage by the beginning of their IDs.
func (s *system) stored(ctx context.Context, prefix string) (map[trainset.JobID]dataset.Layout, error) {
	objects, err := s.store.List(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("looking for the job in storage: %w", err)
	}
	found := map[trainset.JobID]dataset.Layout{}
	for _, o := range objects {
		if l, ok := layoutAt(o.Key); ok && strings.HasPrefix(string(l.Job), prefix) {
			found[l.Job] = l
		}
	}
	return found, nil
}

// layoutAt reads a layout off the key of a job's plan or manifest.
func layoutAt(key string) (dataset.Layout, bool) {
	part := strings.Split(key, "/")
	if len(part) != 5 {
		return dataset.Layout{}, false
	}
	l := dataset.Layout{User: part[0], Kind: trainset.Kind(strings.TrimSuffix(part[1], "s")), Subject: part[2], Job: trainset.JobID(part[3])}
	_, err := trainset.ParseJobID(part[3])
	return l, err == nil && (key == l.Plan() || key == l.Manifest())
}

// known is a job, and whether somebody's ledger has it.
type known struct {
	job  trainset.Job
	live bool
}

// get reads a job from the ledger; where the ledger does not know it, from what
// storage has of it.
func (s *system) get(ctx context.Context, id trainset.JobID) (known, error) {
	if s.client != nil {
		asking, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		job, err := s.client.Get(asking, id)
		if err == nil {
			return known{job, true}, nil
		}
		if !errors.Is(err, trainset.ErrNotFound) {
			return known{}, noAnswer(err)
		}
	}
	stored, err := s.stored(ctx, string(id))
	if err != nil {
		return known{}, err
	}
	l, ok := stored[id]
	if !ok {
		return known{}, s.unknown(string(id))
	}
	job, err := s.fromStorage(ctx, l)
	return known{job: job}, err
}

// fromStorage is a job as its manifest records it; before there is one, as far
// as its pictures have come.
func (s *system) fromStorage(ctx context.Context, l dataset.Layout) (trainset.Job, error) {
	m, found, err := readManifest(ctx, s.store, l)
	if err != nil || found {
		return m.Job(), err
	}
	p, err := readPlan(ctx, s.store, l)
	if err != nil {
		return trainset.Job{}, err
	}
	pictures, err := s.store.List(ctx, l.Root()+"/items/")
	if err != nil {
		return trainset.Job{}, fmt.Errorf("looking for the job's images: %w", err)
	}
	return unfinished(p, pictures), nil
}

// unfinished is the job of a plan, whose pictures are these.
func unfinished(p plan.Plan, pictures []storage.Info) trainset.Job {
	job := trainset.Job{
		ID: p.JobID, Kind: p.Kind, State: trainset.JobRunning, User: p.User, Subject: p.Subject, Key: p.Key,
		Trigger: p.Trigger, Model: p.Model, Simulated: p.Simulate, Wanted: p.Images,
		Cost: trainset.Cost{Estimated: p.Estimated, Cap: p.MaxCost}, CreatedAt: p.Frozen,
	}
	for i := 1; i <= p.Images; i++ {
		job.Items = append(job.Items, trainset.Item{Index: i, State: trainset.ItemPending, Phase: trainset.PhaseWaiting})
	}
	if p.Style == nil {
		for _, a := range p.Asks {
			if it := item(job.Items, a.Index); it != nil {
				it.Scene, it.Medium = a.Scene, a.Medium
			}
		}
	}
	for _, o := range pictures {
		var index, attempt int
		if _, err := fmt.Sscanf(path.Base(o.Key), "%03d.%d.png", &index, &attempt); err != nil {
			continue
		}
		if it := item(job.Items, index); it != nil {
			it.State, it.Phase, it.Attempts = trainset.ItemSucceeded, trainset.PhaseDone, max(it.Attempts, attempt)
			it.Cost += p.Price
			job.Cost.Actual += p.Price
		}
	}
	return job
}

func item(items []trainset.Item, index int) *trainset.Item {
	if index < 1 || index > len(items) {
		return nil
	}
	return &items[index-1]
}
