package app_test

import (
	"strings"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/redistest"
)

// replace has other images made of items, and waits for the job's end.
func (s *system) replace(id trainset.JobID, items ...int) trainset.Job {
	s.t.Helper()
	if _, err := operate.Replace(s.t.Context(), ledger.New(s.rdb, ledger.Options{}), id, items, false); err != nil {
		s.t.Fatal(err)
	}
	return s.ended(id)
}

// A style's image is replaced by a spare tile, which is paid for already.
func TestAStylesImageIsReplacedByASpare(t *testing.T) {
	s := newSystem(t, redistest.Mini(t))
	s.start()
	req := s.styleRequest("k", small)
	id := s.style(req).ID
	before := s.styleManifest(req).Items[1]
	job := s.replace(id, 2)
	m := s.styleManifest(req)
	if job.State != trainset.JobSucceeded || m.Revision != 2 || m.Items[1].Tile.Tile == before.Tile.Tile || m.Items[0].Tile == nil {
		t.Errorf("job %s (%s), revision %d: tile %d after tile %d", job.State, job.Reason, m.Revision, m.Items[1].Tile.Tile, before.Tile.Tile)
	}
	for _, c := range m.Grids[0].Tiles {
		if c.Tile == before.Tile.Tile && (c.Use != trainset.TileFailed || !strings.Contains(c.Why, "a person wanted another")) {
			t.Errorf("the tile that was replaced is %s: %s", c.Use, c.Why)
		}
	}
	s.made(2)
	spares := 0
	for _, c := range m.Grids[0].Tiles {
		if c.Use == trainset.TileSpare {
			spares++
		}
	}
	_, err := operate.Replace(t.Context(), ledger.New(s.rdb, ledger.Options{}), id, []int{1, 2, 3, 4}[:spares+1], false)
	if err == nil || !strings.Contains(err.Error(), "spare tiles") {
		t.Errorf("more than there are spares, %d: %v", spares, err)
	}
}

// What a person has had replaced is not asked for again when Redis is lost.
func TestAReplacedImageStaysReplacedWithoutTheLedger(t *testing.T) {
	s := quickSystem(t, redistest.Mini(t))
	first := s.start()
	req := s.request("k", 2)
	id := s.enqueue(req)
	s.ended(id)
	s.replace(id, 2)
	s.made(3)
	before := s.manifest(req).Items[1].SHA256
	first.Stop()
	s.rdb.FlushAll(t.Context())
	s.start()
	req = s.request("k", 2)
	if job := s.ended(s.enqueue(req)); job.State != trainset.JobSucceeded {
		t.Errorf("job %s: %s", job.State, job.Reason)
	}
	s.made(3)
	if m := s.manifest(req); m.Items[1].SHA256 != before || len(m.Items[1].Attempts) != 2 {
		t.Errorf("the image is another: %+v", m.Items[1].Attempts)
	}
}
