package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/replicate/fake"
)

// BenchmarkActorJob runs the command as a process of its own against a
// provider that takes two seconds for every prediction, and reports
//
//	job-s        from the command's start to the finished job
//	after-s      from the end of the slowest prediction to the finished job
//	exit-s       from the finished job to the end of the command
//	sequential-s what the same predictions take one after another
//	cpu-s/image  processor time of the command, its redis-server excluded
//	peak-MB      the command's largest resident memory
func BenchmarkActorJob(b *testing.B) {
	needRedis(b)
	for range b.N {
		const images, latency = 12, 2 * time.Second
		p := newProvided(b, fake.Options{Settings: fake.Settings{Latency: fake.Latency{Fixed: latency}}})
		cmd, stdout, stderr := p.command(b)
		begun := time.Now()
		if err := cmd.Run(); err != nil {
			b.Fatalf("%v: %s", err, stderr)
		}
		ended := time.Now()
		finished := decode(b, stdout).FinishedAt
		last := begun
		for _, e := range p.Log() {
			if e.Done.After(last) {
				last = e.Done
			}
		}
		b.ReportMetric(finished.Sub(begun).Seconds(), "job-s")
		b.ReportMetric(finished.Sub(last).Seconds(), "after-s")
		b.ReportMetric(ended.Sub(*finished).Seconds(), "exit-s")
		b.ReportMetric(images*latency.Seconds(), "sequential-s")
		b.ReportMetric((cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()).Seconds()/images, "cpu-s/image")
		b.ReportMetric(peak(cmd.ProcessState), "peak-MB")
		b.ReportMetric(0, "ns/op") // says nothing here
	}
}

// BenchmarkStyleJob runs a style job as a process of its own against a provider
// that takes 2 s a grid, 0.5 s a judgement and 2 s an enlargement, whose pictures
// are drawn before the clock runs, and reports
//
//	job-s        from the command's start to the finished job
//	over-s       from when the job was asked for to its end, above the critical path: a grid and an enlargement
//	after-s      from the end of the last prediction to the finished job
//	sequential-s what the same predictions take one after another
//	cpu-s/image  processor time of the command, its redis-server excluded
//	peak-MB      the command's largest resident memory
func BenchmarkStyleJob(b *testing.B) {
	needRedis(b)
	const grid, judgement, enlargement = 2 * time.Second, 500 * time.Millisecond, 2 * time.Second
	p := newProvided(b, fake.Options{Settings: fake.Settings{Latency: fake.Latency{Models: map[string]time.Duration{
		"black-forest-labs/flux-kontext-pro": grid, "openai/gpt-4.1-mini": judgement, "topazlabs/image-upscale": enlargement,
	}}}})
	image := filepath.Join("..", "..", "examples", "style.png")
	run := func(style string) (trainset.Job, time.Time, *os.ProcessState) {
		cmd, stdout, stderr := p.process(b, "style", "--image", image, "--style", style, "--seed", "7", "--json")
		begun := time.Now()
		if err := cmd.Run(); err != nil {
			b.Fatalf("%v: %s", err, stderr)
		}
		return decode(b, stdout), begun, cmd.ProcessState
	}
	run("warm") // draws the pictures
	for i := range b.N {
		before := len(p.Log())
		job, begun, state := run(fmt.Sprintf("measured-%d", i))
		var last time.Time
		sequential := time.Duration(0)
		for _, e := range p.Log()[before:] {
			sequential += e.Done.Sub(e.Created)
			if e.Done.After(last) {
				last = e.Done
			}
		}
		b.ReportMetric(job.FinishedAt.Sub(begun).Seconds(), "job-s")
		b.ReportMetric((job.FinishedAt.Sub(job.CreatedAt) - grid - enlargement).Seconds(), "over-s")
		b.ReportMetric(job.FinishedAt.Sub(last).Seconds(), "after-s")
		b.ReportMetric(sequential.Seconds(), "sequential-s")
		b.ReportMetric((state.UserTime()+state.SystemTime()).Seconds()/float64(job.Succeeded()), "cpu-s/image")
		b.ReportMetric(peak(state), "peak-MB")
		b.ReportMetric(0, "ns/op") // says nothing here
	}
}

// BenchmarkTwelveStyleJobs runs twelve commands at once that share an output
// folder: one of them serves all twelve jobs, the others wait. It reports
//
//	all-s   from the first start to the last end
//	peak-MB the serving command's largest resident memory
func BenchmarkTwelveStyleJobs(b *testing.B) {
	needRedis(b)
	const jobs = 12
	image := filepath.Join("..", "..", "examples", "style.png")
	for range b.N {
		p := newProvided(b, fake.Options{Settings: fake.Settings{Latency: fake.Latency{Fixed: time.Second}}})
		begun, largest := time.Now(), 0.0
		var running []*exec.Cmd
		for i := range jobs {
			cmd, _, stderr := p.process(b, "style", "--image", image, "--style", fmt.Sprintf("style-%d", i), "--json")
			if err := cmd.Start(); err != nil {
				b.Fatalf("%v: %s", err, stderr)
			}
			running = append(running, cmd)
		}
		for _, cmd := range running {
			if err := cmd.Wait(); err != nil {
				b.Fatalf("%v: %s", err, cmd.Stderr)
			}
			largest = max(largest, peak(cmd.ProcessState))
		}
		b.ReportMetric(time.Since(begun).Seconds(), "all-s")
		b.ReportMetric(largest, "peak-MB")
		b.ReportMetric(0, "ns/op") // says nothing here
	}
}

// BenchmarkTypicalJobs runs a whole job of each kind as a process of its own,
// against a provider that takes as long as the models do: 12 s for an image or a
// grid, 5 s for a judgement, 20 s for an enlargement. Its pictures are drawn
// before the clock runs. It reports, from the command's start to the finished job,
//
//	actor-s twelve images, of 12 s
//	style-s twenty images, of 32 s
func BenchmarkTypicalJobs(b *testing.B) {
	needRedis(b)
	p := newProvided(b, fake.Options{})
	run := func(args ...string) float64 {
		cmd, stdout, stderr := p.process(b, append(args, "--seed", "7", "--json")...)
		begun := time.Now()
		if err := cmd.Run(); err != nil {
			b.Fatalf("%v: %s", err, stderr)
		}
		return decode(b, stdout).FinishedAt.Sub(begun).Seconds()
	}
	actor := func(name string) float64 {
		return run("actor", "--portrait", filepath.Join("..", "..", "examples", "portrait.png"), "--actor", name)
	}
	style := func(name string) float64 {
		return run("style", "--image", filepath.Join("..", "..", "examples", "style.png"), "--style", name)
	}
	actor("warm")
	style("warm")
	p.Configure(func(s *fake.Settings) {
		s.Latency = fake.Latency{Fixed: 12 * time.Second, Models: map[string]time.Duration{
			"openai/gpt-4.1-mini": 5 * time.Second, "topazlabs/image-upscale": 20 * time.Second,
		}}
	})
	for i := range b.N {
		b.ReportMetric(actor(fmt.Sprintf("measured-%d", i)), "actor-s")
		b.ReportMetric(style(fmt.Sprintf("measured-%d", i)), "style-s")
		b.ReportMetric(0, "ns/op") // says nothing here
	}
}
