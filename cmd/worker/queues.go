package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/cli"
	"github.com/actormaker/trainset/internal/limit"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/queue"
)

// traffic is how the queues stand, and what keeps spending waiting.
type traffic struct {
	Queues   []queue.Info `json:"queues"`
	Workers  attendance   `json:"workers"`
	Spending *spending    `json:"spending,omitempty"` // of the account of REPLICATE_API_TOKEN

	stuck error // why Redis takes no writes, without which no worker beats
}

// spending is what keeps predictions from being created.
type spending struct {
	Open          bool    `json:"open"` // predictions may be created
	Class         string  `json:"class,omitempty"`
	Detail        string  `json:"detail,omitempty"`
	Remedy        string  `json:"remedy,omitempty"`
	PausedSeconds float64 `json:"paused_seconds"`
	Reason        string  `json:"reason,omitempty"`
	PerMinute     int     `json:"per_minute"`
}

func queuesCommand(environ []string) *cobra.Command {
	v := &verb{environ: environ}
	cmd := v.command("queues", "Show how the queues stand, and why work is not moving", none, showQueues)
	cmd.Long = "Queues shows each queue's tasks, how long the next one has waited, whether it is paused, and how many\n" +
		"workers take tasks. With REPLICATE_API_TOKEN set it also says whether predictions may be created for\n" +
		"that account, and why not."
	cmd.Example = "  worker queues\n  worker queues --json | jq '.queues[] | select(.paused)'"
	return cmd
}

func showQueues(ctx context.Context, s *site, _ []string) error {
	infos, err := s.queue.Inspect()
	if err != nil {
		return err
	}
	workers, err := operate.Watcher{Ledger: s.ledger}.Watch(ctx)
	if err != nil {
		return err
	}
	now := traffic{Queues: infos, Workers: attendanceOf(workers)}
	if now.Workers.Live == 0 && now.Workers.Silent > 0 {
		now.stuck = s.writable(ctx)
	}
	if s.pays() {
		state, err := s.gate.State(ctx)
		if err != nil {
			return err
		}
		now.Spending = spendingOf(state)
	}
	return s.say(now, now.write)
}

func spendingOf(state limit.State) *spending {
	p := &spending{Open: state.Open == nil, PausedSeconds: state.Paused.Seconds(), Reason: state.Reason, PerMinute: state.PerMinute}
	if o := state.Open; o != nil {
		p.Class, p.Detail, p.Remedy = o.Class, o.Detail, o.Remedy
	}
	return p
}

func (t traffic) write(w io.Writer) error {
	table := cli.Table{Columns: []cli.Column{{Title: "queue"}, {Title: "state"}}}
	for _, title := range []string{"waits", "pending", "active", "scheduled", "retry", "archived", "completed", "today", "failed"} {
		table.Columns = append(table.Columns, cli.Column{Title: title, Right: true})
	}
	for _, q := range t.Queues {
		state := "open"
		if q.Paused {
			state = "paused"
		}
		cells := []string{q.Queue, state, cli.Duration(q.Latency)}
		for _, n := range []int{q.Pending, q.Active, q.Scheduled, q.Retry, q.Archived, q.Completed, q.Processed, q.Failed} {
			cells = append(cells, strconv.Itoa(n))
		}
		table.Add(cells...)
	}
	if err := table.Write(w); err != nil {
		return err
	}
	workers := t.Workers.String()
	if t.stuck != nil {
		workers = fmt.Sprintf("none live, %d silent: Redis takes no writes: %v", t.Workers.Silent, t.stuck)
	}
	if err := printf(w, "\nworkers: %s\n", cli.Clean(workers)); err != nil {
		return err
	}
	if t.Spending == nil {
		return printf(w, "spending: not known, for REPLICATE_API_TOKEN is not set here\n")
	}
	return printf(w, "spending: %s\n", cli.Clean(t.Spending.String()))
}

// String says in a sentence whether predictions may be created.
func (p *spending) String() string {
	switch {
	case !p.Open:
		return fmt.Sprintf("stopped (%s): %s; %s", p.Class, p.Detail, p.Remedy)
	case p.PausedSeconds > 0:
		return fmt.Sprintf("paused for another %s: %s", cli.Duration(time.Duration(p.PausedSeconds*float64(time.Second))), p.Reason)
	}
	return fmt.Sprintf("open, %d predictions a minute", p.PerMinute)
}

// switching is pause and resume.
type switching struct {
	pause    bool
	spending bool
	reason   string
}

func pauseCommand(environ []string) *cobra.Command {
	sw := &switching{pause: true}
	cmd := sw.command(environ, "pause [QUEUE...]", "Keep workers from taking tasks, or from spending")
	cmd.Long = "Pause keeps all workers from taking further tasks from a queue, from all where none is named;\n" +
		"tasks in hand go on. Subtasks are in image, requests and assemblies in control, and those of either that were\n" +
		"queued anew (a worker died, retry, a job's turn came) in again and control-again. With --spending the queues stay open and only the\n" +
		"creation of predictions stops, for the account of REPLICATE_API_TOKEN: what is at the provider is\n" +
		"still fetched and stored, and finished jobs are assembled. Both last until resume, across restarts\n" +
		"of workers. It says which live workers it reaches: all of them serve the queues, but only those with\n" +
		"that token and REPLICATE_BASE_URL share the account. The others are named."
	cmd.Example = "  worker pause --spending --reason 'the bill of November'\n  worker pause\n  worker pause image again\n" +
		"  worker pause --spending --json | jq '.[].workers.of_other_accounts'"
	cmd.Flags().StringVar(&sw.reason, "reason", "", "what those who wait are told, with --spending (default: that an operator paused it)")
	return cmd
}

func resumeCommand(environ []string) *cobra.Command {
	cmd := (&switching{}).command(environ, "resume [QUEUE...]", "Undo pause")
	cmd.Long = "Resume lets workers take tasks again, from all queues where none is named. With --spending it lets\n" +
		"predictions be created again, whatever had stopped that: an operator, missing credit, a refused token. A pause that\n" +
		"the provider asked for (429) lasts at most five minutes and ends by itself. Resume says whom it reaches\n" +
		"as pause does, and what keeps work waiting still."
	cmd.Example = "  worker resume --spending\n  worker resume image again"
	return cmd
}

func (sw *switching) command(environ []string, use, short string) *cobra.Command {
	v := &verb{environ: environ}
	cmd := v.command(use, short, sw.check, func(ctx context.Context, s *site, args []string) error {
		if sw.spending {
			return sw.gate(ctx, s)
		}
		return sw.queues(ctx, s, args)
	})
	cmd.ValidArgsFunction = cobra.FixedCompletions(queue.Names(), cobra.ShellCompDirectiveNoFileComp)
	cmd.Flags().BoolVar(&sw.spending, "spending", false, "only the creation of predictions, not the queues")
	return cmd
}

func (sw *switching) check(_ *cobra.Command, args []string) error {
	if sw.spending && len(args) > 0 {
		return trainset.Invalid("spending", "is of all queues", "leave the queue or --spending out")
	}
	if sw.reason != "" && !sw.spending {
		return trainset.Invalid("reason", "is told to those who wait for spending, and queues keep none", "give --spending, or leave --reason out")
	}
	for _, name := range args {
		if !slices.Contains(queue.Names(), name) {
			return oneOf("queue", name, queue.Names())
		}
	}
	return nil
}

// switched is what became of a queue, or of spending.
type switched struct {
	What    string `json:"what"`
	Paused  bool   `json:"paused"`
	Changed bool   `json:"changed"`
	Workers *reach `json:"workers,omitempty"` // left out where that could not be seen
	// Still says what keeps work waiting after a resume all the same.
	Still []string `json:"still,omitempty"`
}

func (sw *switching) queues(ctx context.Context, s *site, wanted []string) error {
	if len(wanted) == 0 {
		wanted = queue.Names()
	}
	change := s.queue.Resume
	if sw.pause {
		change = s.queue.Pause
	}
	var done []switched
	for _, name := range wanted {
		changed, err := change(ctx, name)
		if err != nil {
			return err
		}
		done = append(done, switched{What: name, Paused: sw.pause, Changed: changed})
	}
	return sw.report(ctx, s, done)
}

func (sw *switching) gate(ctx context.Context, s *site) error {
	if !s.pays() {
		return trainset.Invalid("REPLICATE_API_TOKEN", "is not set, so nobody knows whose spending is meant", "set it as the workers have it, and REPLICATE_BASE_URL if they have that")
	}
	before, err := s.gate.State(ctx)
	if err != nil {
		return err
	}
	stopped := before.Open != nil && before.Open.Class == operators
	changed := before.Open != nil
	switch {
	case !sw.pause:
		err = s.gate.Resume(ctx)
	case stopped && sw.reason == "": // the reason that was given stays
		changed = false
	default:
		changed = !stopped || before.Open.Detail != cmp.Or(sw.reason, byOperator)
		err = s.gate.Open(ctx, operators, cmp.Or(sw.reason, byOperator), "worker resume --spending lets it go on")
	}
	if err != nil {
		return err
	}
	return sw.report(ctx, s, []switched{{What: "spending", Paused: sw.pause, Changed: changed}})
}

// byOperator is the reason where none is given.
const byOperator = "an operator paused it"

// operators is the class of circuits that only an operator closes.
const operators = "operator"

// report says what was done, whom it reaches, and what a resume leaves as it was:
// where that cannot be seen it is done all the same.
func (sw *switching) report(ctx context.Context, s *site, done []switched) error {
	r, unseen := sw.reaches(ctx, s)
	var still []string
	if !sw.pause {
		var err error
		still, err = s.still(ctx)
		unseen = errors.Join(unseen, err)
	}
	for i := range done {
		done[i].Workers, done[i].Still = r, still
	}
	said := s.say(done, func(w io.Writer) error {
		for _, d := range done {
			state, was := "open", ""
			if d.Paused {
				state = "paused"
			}
			if !d.Changed {
				was = ", as it was"
			}
			if err := printf(w, "%s: %s%s\n", d.What, state, was); err != nil {
				return err
			}
		}
		if r != nil {
			if err := r.write(w); err != nil {
				return err
			}
		}
		for _, what := range still {
			if err := printf(w, "still %s\n", cli.Clean(what)); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(said, unseen)
}

// still says what keeps work waiting: queues and spending are resumed each by
// itself, and the provider's own pause by nobody.
func (s *site) still(ctx context.Context) (all []string, err error) {
	queues, err := s.queue.Inspect()
	for _, q := range queues {
		if q.Paused {
			all = append(all, fmt.Sprintf("paused: the queue %s; worker resume %s lets it go on", q.Queue, q.Queue))
		}
	}
	if !s.pays() {
		return all, err
	}
	state, unread := s.gate.State(ctx)
	switch p := spendingOf(state); {
	case unread != nil:
	case !p.Open:
		all = append(all, fmt.Sprintf("stopped: spending (%s): %s; %s", p.Class, p.Detail, p.Remedy))
	case p.PausedSeconds > 0:
		all = append(all, fmt.Sprintf("paused: spending, for another %s, which the provider asked for and no resume shortens: %s", cli.Duration(state.Paused), p.Reason))
	}
	return all, errors.Join(err, unread)
}
