package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
	"github.com/actormaker/trainset/internal/operate"
	"github.com/actormaker/trainset/internal/redistest"
)

func (s *system) replacer() operate.Replacer {
	return operate.Replacer{Ledger: ledger.New(s.rdb, ledger.Options{}), Store: s.store, Now: time.Now}
}

// replace has other images made of items, and waits for the job's end.
func (s *system) replace(id trainset.JobID, items ...int) trainset.Job {
	s.t.Helper()
	if _, err := s.replacer().Replace(s.t.Context(), id, items, false); err != nil {
		s.t.Fatal(err)
	}
	return s.ended(id)
}

// A style's image is replaced by a spare tile, which is paid for already.
func TestAStylesImageIsReplacedByASpare(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t))
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
	_, err := s.replacer().Replace(t.Context(), id, []int{1, 2, 3, 4}[:spares+1], false)
	if err == nil || !strings.Contains(err.Error(), "spare tiles") {
		t.Errorf("more than there are spares, %d: %v", spares, err)
	}
}

// What a person has had replaced is not asked for again when Redis is lost.
func TestAReplacedImageStaysReplacedWithoutTheLedger(t *testing.T) {
	t.Parallel()
	s := quickSystem(t, redistest.Any(t))
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

// Nor is what a person has had replaced in a style's set again, whether tiles are
// paid for or not: the tiles that took their places are where they were.
func TestAStylesReplacedImageStaysReplacedWithoutTheLedger(t *testing.T) {
	for _, enhance := range []trainset.Enhance{trainset.EnhanceNone, trainset.EnhanceTile} {
		t.Run(string(enhance), func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, redistest.Any(t))
			first := s.start()
			change := func(r *trainset.StyleRequest) { r.Images, r.Grids, r.MaxGrids, r.Enhance = 3, 1, 1, enhance }
			req := s.styleRequest("k", change)
			id := s.style(req).ID
			unwanted := tilesOf(s.styleManifest(req), 2)
			s.replace(id, 2)
			unwanted = append(unwanted, tilesOf(s.styleManifest(req), 1, 2)...)
			s.replace(id, 1, 2)
			before, paid := s.styleManifest(req), s.provider.Stats().Predictions
			first.Stop()
			s.rdb.FlushAll(t.Context())
			s.start()
			job := s.style(s.styleRequest("k", change))
			after := s.styleManifest(req)
			if job.State != trainset.JobSucceeded || job.Cost.Actual != before.Cost.Actual {
				t.Errorf("job %s (%s) for %s, before the wipe for %s", job.State, job.Reason, job.Cost.Actual, before.Cost.Actual)
			}
			was, is := tilesOf(before, 1, 2, 3), tilesOf(after, 1, 2, 3)
			if enhance == trainset.EnhanceTile { // they are found in the order of the grid
				slices.Sort(was)
				slices.Sort(is)
			}
			if !slices.Equal(was, is) {
				t.Errorf("the tiles are %v, before the wipe %v", is, was)
			}
			for _, c := range after.Grids[0].Tiles {
				if slices.Contains(unwanted, c.Tile) && (c.Use != trainset.TileFailed || !strings.Contains(c.Why, "a person wanted another")) {
					t.Errorf("tile %d, which was replaced, is %s: %s", c.Tile, c.Use, c.Why)
				}
			}
			s.made(paid)
		})
	}
}

// A replacement that nobody has carried out when Redis is lost is carried out.
func TestAReplacementIsCarriedOutWithoutTheLedger(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t))
	first := s.start()
	req := s.styleRequest("k", small)
	id := s.style(req).ID
	before := s.styleManifest(req)
	first.Stop()
	if _, err := s.replacer().Replace(t.Context(), id, []int{2}, false); err != nil {
		t.Fatal(err)
	}
	s.rdb.FlushAll(t.Context())
	s.start()
	job := s.style(s.styleRequest("k", small))
	m := s.styleManifest(req)
	was, is := tilesOf(before, 1, 2, 3, 4, 5, 6), tilesOf(m, 1, 2, 3, 4, 5, 6)
	if job.State != trainset.JobSucceeded || slices.Contains(is, was[1]) {
		t.Errorf("job %s (%s): the tiles are %v, before %v", job.State, job.Reason, is, was)
	}
	if was[1], is[1] = 0, 0; !slices.Equal(is, was) {
		t.Errorf("the others are %v, before %v", is, was)
	}
	s.made(2)
}

// tilesOf are the tiles that items were cut from.
func tilesOf(m trainset.Manifest, items ...int) []int {
	var tiles []int
	for _, n := range items {
		tiles = append(tiles, m.Items[n-1].Tile.Tile)
	}
	return tiles
}
