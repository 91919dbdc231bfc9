//go:build race

package race

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// racy tells the process that it is to race.
const racy = "TRAINSET_RACE"

// store is a kernel.
//
//go:norace
func store(s []int32) {
	Writes(s)
	for i := range s {
		s[i]++
	}
}

// load is another.
//
//go:norace
func load(s []int32) (sum int32) {
	Reads(s)
	for _, v := range s {
		sum += v
	}
	return sum
}

// What kernels say is as good as what the detector sees: two that nothing keeps
// apart are reported where they meet, and not where they do not.
func TestTheDetectorKnowsWhatKernelsTouch(t *testing.T) {
	s := make([]int32, 100)
	pairs := map[string][2]func(){
		"both write":     {func() { store(s[:60]) }, func() { store(s[40:]) }},
		"one reads":      {func() { store(s[:60]) }, func() { load(s[59:]) }},
		"both read":      {func() { load(s) }, func() { load(s) }},
		"apart":          {func() { store(s[:50]) }, func() { store(s[50:]) }},
		"one has naught": {func() { store(s) }, func() { store(s[:0]); load(nil) }},
	}
	if name := os.Getenv(racy); name != "" {
		begin := make(chan struct{})
		done := make(chan struct{})
		for _, kernel := range pairs[name] {
			go func() {
				<-begin
				kernel()
				done <- struct{}{}
			}()
		}
		close(begin)
		<-done
		<-done
		return
	}
	for name, reported := range map[string]bool{"both write": true, "one reads": true, "both read": false, "apart": false, "one has naught": false} {
		t.Run(name, func(t *testing.T) {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestTheDetectorKnowsWhatKernelsTouch$") //nolint:gosec // itself
			child.Env = append(os.Environ(), racy+"="+name)
			out, err := child.CombinedOutput()
			if is := strings.Contains(string(out), "WARNING: DATA RACE"); is != reported || (err != nil) != reported {
				t.Errorf("a race reported: %v, by its end: %v\n%s", is, err, out)
			}
		})
	}
}
