package dataset

import (
	"fmt"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// gridSide is how many tiles a row and a column of a grid have.
const gridSide = 3

// tile says where an item's picture was cut from; nil where no tile was found.
func (s Set) tile(grid, tile int) *trainset.SetTile {
	if grid == 0 {
		return nil
	}
	made, ok := s.Record.Winner(plan.GridID(grid))
	if !ok || made.Grid == nil || tile < 1 || tile > len(made.Grid.Tiles) {
		return nil
	}
	found, judged := made.Grid.Tiles[tile-1], s.Record.Judged(grid)
	t := trainset.SetTile{
		Grid: grid, Tile: tile, Row: (tile-1)/gridSide + 1, Column: (tile-1)%gridSide + 1,
		Box: found.Box, Method: found.Method, Confidence: found.Confidence, Judge: judged.By, Reason: "the judge said nothing of it",
	}
	for _, v := range judged.Verdicts {
		if v.Tile == tile {
			t.Unique, t.Fit, t.Reason = v.Unique, v.Fit, clean(v.Reason)
			if v.Shows != tile {
				t.Shows = v.Shows
			}
		}
	}
	return &t
}

// grids are all that a style's job asked for; nil for an actor's.
func (s Set) grids(folder string) []trainset.SetGrid {
	if s.Record.Plan.Style == nil {
		return nil
	}
	all := make([]trainset.SetGrid, 0, s.Record.Grids())
	for n := 1; n <= s.Record.Grids(); n++ {
		all = append(all, s.grid(folder, n))
	}
	return all
}

func (s Set) grid(folder string, n int) trainset.SetGrid {
	sub := s.Record.Subtasks[plan.GridID(n)]
	g := trainset.SetGrid{
		Index: n, State: sub.State, Reason: clean(sub.Reason), Prompt: sub.Ask.Prompt,
		Tiles: []trainset.SetCell{}, Attempts: []trainset.SetAttempt{},
	}
	if len(sub.Ask.Seeds) > 0 {
		g.Seed = sub.Ask.Seeds[0]
	}
	s.history(&g, folder)
	for _, a := range s.Record.Tries(sub.ID) {
		if a.Prompt != "" { // empty where its record was lost
			g.Prompt, g.Seed = a.Prompt, a.Seed
		}
	}
	win, ok := s.Record.Winner(sub.ID)
	if !ok || win.Image == nil || win.Grid == nil {
		return g
	}
	g.Prompt, g.Seed = win.Prompt, win.Seed
	g.File, g.SHA256, g.Bytes = relative(folder, win.Image.Key), win.Image.SHA256, win.Image.Bytes
	g.Width, g.Height, g.Confidence = win.Grid.Width, win.Grid.Height, &win.Grid.Confidence
	g.Judge, g.JudgeReason = s.judge(n)
	if larger, ok := s.Record.Winner(plan.EnhanceID(n)); ok && larger.Image != nil {
		g.Enhanced = &trainset.SetPicture{
			SetFile: trainset.SetFile{File: relative(folder, larger.Image.Key), SHA256: larger.Image.SHA256, Bytes: larger.Image.Bytes},
			Width:   larger.Image.Width, Height: larger.Image.Height,
		}
	}
	for i := range win.Grid.Tiles {
		c := s.cell(folder, n, i+1)
		if c.Unique && c.Fit {
			g.Fit++
		}
		g.Tiles = append(g.Tiles, c)
	}
	return g
}

// history is what was tried with a grid, and what it cost and took.
func (s Set) history(g *trainset.SetGrid, folder string) {
	for _, id := range []plan.SubtaskID{plan.GridID(g.Index), plan.JudgeID(g.Index), plan.EnhanceID(g.Index)} {
		sub := s.Record.Subtasks[id]
		for _, a := range s.Record.Tries(id) {
			g.Attempts = append(g.Attempts, attempt(folder, sub, a))
			g.Cost += a.Cost
		}
		g.SettledAt = later(g.SettledAt, utc(sub.SettledAt))
	}
	if len(g.Attempts) > 0 {
		g.StartedAt = g.Attempts[0].CreatedAt
	}
	if g.StartedAt != nil && g.SettledAt != nil {
		g.Seconds = seconds(g.SettledAt.Sub(*g.StartedAt))
	}
}

func later(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.After(*a) {
		return b
	}
	return a
}

// judge says who decided about a grid, and why it was nobody who was asked.
func (s Set) judge(n int) (by, why string) {
	by = s.Record.Judged(n).By
	if by != plan.LocalJudge || s.Record.Plan.Style.Judge == trainset.JudgeLocal {
		return by, ""
	}
	sub := s.Record.Subtasks[plan.JudgeID(n)]
	if sub.Reason == "" {
		return by, "the judge gave no verdicts"
	}
	return by, clean(sub.Reason)
}

// cell is one tile of a grid and what became of it.
func (s Set) cell(folder string, n, tile int) trainset.SetCell {
	win, _ := s.Record.Winner(plan.GridID(n))
	c := trainset.SetCell{SetTile: *s.tile(n, tile)}
	if asks := s.Record.Subtasks[plan.GridID(n)].Ask.Tiles; tile <= len(asks) {
		c.Subject, c.Category = asks[tile-1].Subject, asks[tile-1].Category
	}
	if found := win.Grid.Tiles[tile-1]; !found.Fit && c.Judge != plan.LocalJudge {
		c.Measured = clean(found.Reason)
	}
	c.Use, c.Why = s.use(c)
	sub, chosen := s.Record.Subtasks[plan.TileID(n, tile)]
	if !chosen {
		return c
	}
	c.Item = sub.Index
	if !s.stands(sub) {
		for _, a := range s.Record.Tries(sub.ID) {
			c.Attempts = append(c.Attempts, attempt(folder, sub, a))
		}
	}
	return c
}

// stands reports whether a tile stands for its item in the manifest: its
// attempts are listed there.
func (s Set) stands(tile plan.Subtask) bool {
	return 1 <= tile.Index && tile.Index <= len(s.items) && s.items[tile.Index-1].ID == tile.ID
}

// use says what became of a tile, and why it is no image of the set.
func (s Set) use(c trainset.SetCell) (use trainset.TileUse, why string) {
	sub, chosen := s.Record.Subtasks[plan.TileID(c.Grid, c.Tile)]
	larger := s.Record.Subtasks[plan.EnhanceID(c.Grid)]
	switch {
	case chosen && sub.State == trainset.ItemSucceeded:
		return trainset.TileImage, ""
	case chosen:
		return trainset.TileFailed, clean(sub.Reason)
	case !c.Unique || !c.Fit:
		return trainset.TileUnfit, c.Reason
	case c.Measured != "":
		return trainset.TileUnfit, c.Measured
	case s.Record.Plan.Style.Enhance == trainset.EnhanceGrid && larger.State != trainset.ItemSucceeded:
		return trainset.TileFailed, "its grid was not enlarged: " + clean(larger.Reason)
	}
	if distance, is := s.copies(c); is {
		return trainset.TileDuplicate, fmt.Sprintf("it copies the example (%d of 64 bits differ)", distance)
	}
	if image, distance, found := s.resembles(c); found {
		return trainset.TileDuplicate, fmt.Sprintf("it looks like image %d (%d of 64 bits differ)", image, distance)
	}
	return trainset.TileSpare, "it was not needed"
}

// resembles finds the image of the set that a tile repeats, the nearest one.
func (s Set) resembles(c trainset.SetCell) (image, distance int, found bool) {
	hash, ok := s.hash(c.Grid, c.Tile)
	if !ok {
		return 0, 0, false
	}
	for _, sub := range s.items {
		other, ok := s.hash(sub.Ask.Grid, sub.Ask.Tile)
		d, near := plan.Near(hash, other, plan.NearDuplicate)
		if ok && near && sub.State == trainset.ItemSucceeded && (!found || d < distance) {
			image, distance, found = sub.Index, d, true
		}
	}
	return image, distance, found
}

// copies reports whether a tile is the example itself, or the middle of it.
func (s Set) copies(c trainset.SetCell) (distance int, is bool) {
	tile, ok := s.hash(c.Grid, c.Tile)
	if !ok {
		return 0, false
	}
	return s.Record.Plan.Reference.Near(tile, plan.NearDuplicate)
}

// hash is a tile's difference hash, as it was found in its grid.
func (s Set) hash(grid, tile int) (uint64, bool) {
	win, ok := s.Record.Winner(plan.GridID(grid))
	if !ok || win.Grid == nil || tile < 1 || tile > len(win.Grid.Tiles) {
		return 0, false
	}
	return win.Grid.Tiles[tile-1].Hash()
}
