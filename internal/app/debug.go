package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// DebugDir keeps requests, raw outputs and rejected images in a folder, one
// subfolder a job, for a person to look at. What cannot be written is logged:
// it never fails a job.
type DebugDir struct {
	Dir string
	Log zerolog.Logger
}

// Request keeps what was asked, without the address of the reference.
func (d DebugDir) Request(a plan.Attempt) {
	input := make(map[string]any, len(a.Input))
	for k, v := range a.Input {
		if strings.Contains(k, "image") {
			v = "(reference)"
		}
		input[k] = v
	}
	b, err := json.MarshalIndent(map[string]any{"model": a.Model, "attempt": a.ID, "input": input}, "", "  ")
	if err == nil {
		err = d.write(a.Job, a.ID+".request.json", b)
	}
	d.logged(err)
}

// Keep keeps bytes as they are under a name.
func (d DebugDir) Keep(job trainset.JobID, name string, data []byte) {
	d.logged(d.write(job, name, data))
}

func (d DebugDir) write(job trainset.JobID, name string, data []byte) error {
	dir := filepath.Join(d.Dir, string(job))
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as public as its parent
		return err //nolint:wrapcheck // names the folder
	}
	return os.WriteFile(filepath.Join(dir, name), data, 0o600) //nolint:wrapcheck // names the file
}

func (d DebugDir) logged(err error) {
	if err != nil {
		d.Log.Warn().Err(err).Msg("a debug file could not be written")
	}
}
