package plan

import (
	"cmp"
	"slices"

	"github.com/actormaker/trainset"
)

// candidate is a tile that may become an item.
type candidate struct {
	grid, tile int
	about      TileAsk
	hash       uint64
	doubt      int  // 1 where its boundaries may be a guess
	ready      bool // its grid need not be enlarged any more
	item       int  // that it was chosen for
}

// sure is the confidence of a tile's boundaries, 0 to 1, from which on they are no
// guess.
const sure = 0.5

// candidates returns the tiles that are fit by the judge's word and by local
// measures, of grids that are enlarged or may still be, in the order of grids
// and tiles.
func candidates(r Record) []candidate {
	var all []candidate
	for n := 1; n <= r.Grids(); n++ {
		made, ok := r.Winner(GridID(n))
		if !ok || made.Grid == nil {
			continue
		}
		larger, asked := r.Subtasks[EnhanceID(n)]
		ready := r.Plan.Style.Enhance != trainset.EnhanceGrid || larger.State == trainset.ItemSucceeded
		if !ready && (!asked || larger.State.Settled()) {
			continue
		}
		for _, v := range r.Judged(n).Verdicts {
			if v.Tile < 1 || v.Tile > len(made.Grid.Tiles) || !v.Unique || !v.Fit || !made.Grid.Tiles[v.Tile-1].Fit {
				continue
			}
			found := made.Grid.Tiles[v.Tile-1]
			hash, ok := found.Hash()
			if _, copied := r.Plan.Reference.Near(hash, NearDuplicate); !ok || copied { // a copy of the example teaches what it shows, not its style
				continue
			}
			c := candidate{grid: n, tile: v.Tile, about: shown(r.Subtasks[GridID(n)].Ask.Tiles, v), hash: hash, ready: ready}
			if found.Confidence < sure {
				c.doubt = 1
			}
			all = append(all, c)
		}
	}
	return all
}

// inUse returns the tiles that are images or may become one, whatever is said of
// them since.
func inUse(r Record) []candidate {
	var used []candidate
	for _, s := range r.Subtasks {
		if c, ok := cutFrom(r, s); ok && (!s.State.Settled() || s.State == trainset.ItemSucceeded) {
			used = append(used, c)
		}
	}
	return used
}

// cutFrom is the tile that a subtask makes an image of.
func cutFrom(r Record, s Subtask) (candidate, bool) {
	made, ok := r.Winner(GridID(s.Ask.Grid))
	if s.Verb != VerbTile || !ok || made.Grid == nil || s.Ask.Tile < 1 || s.Ask.Tile > len(made.Grid.Tiles) {
		return candidate{}, false
	}
	hash, ok := made.Grid.Tiles[s.Ask.Tile-1].Hash()
	about := TileAsk{Subject: s.Ask.Scene, Category: s.Ask.Category}
	return candidate{grid: s.Ask.Grid, tile: s.Ask.Tile, about: about, hash: hash}, ok
}

// shown is what a tile shows: what was asked for, unless the judge saw another of
// the grid's contents there. A caption that names the wrong one would be worse
// than no image.
func shown(asked []TileAsk, v Verdict) TileAsk {
	if 1 <= v.Shows && v.Shows <= len(asked) {
		return asked[v.Shows-1]
	}
	return asked[v.Tile-1]
}

// choose gives tiles to items: none that looks like one in use, subjects that the
// set has not first, then the categories that it has least of, then tiles whose
// boundaries are sure. What is left over is a spare. The tiles are those of items
// in their order; there may be fewer.
func choose(r Record, items []int) []candidate {
	if len(items) == 0 {
		return nil
	}
	var free, used, chosen []candidate
	of := map[string]int{} // images by subject and by category, which share no names
	use := func(c candidate) {
		used = append(used, c)
		of[c.about.Subject]++
		of["in "+c.about.Category]++
	}
	for _, c := range inUse(r) {
		use(c)
	}
	for _, c := range candidates(r) {
		if _, there := r.Subtasks[TileID(c.grid, c.tile)]; !there {
			free = append(free, c)
		}
	}
	for _, index := range items {
		free = slices.DeleteFunc(free, func(c candidate) bool { return resembles(c, used) })
		if len(free) == 0 {
			break
		}
		c := slices.MinFunc(free, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(of[a.about.Subject], of[b.about.Subject]),
				cmp.Compare(of["in "+a.about.Category], of["in "+b.about.Category]),
				cmp.Compare(a.doubt, b.doubt), cmp.Compare(a.grid, b.grid), cmp.Compare(a.tile, b.tile))
		})
		free = slices.DeleteFunc(free, func(o candidate) bool { return o == c })
		use(c)
		c.item = index
		chosen = append(chosen, c)
	}
	return chosen
}

// begun are the subtasks of those whose grid is ready: the others are chosen
// again when theirs is.
func begun(chosen []candidate) []Subtask {
	var subs []Subtask
	for _, c := range chosen {
		if c.ready {
			subs = append(subs, c.subtask())
		}
	}
	return subs
}

func resembles(c candidate, used []candidate) bool {
	return slices.ContainsFunc(used, func(u candidate) bool {
		_, near := Near(c.hash, u.hash, NearDuplicate)
		return near
	})
}

func (c candidate) subtask() Subtask {
	return pending(TileID(c.grid, c.tile), VerbTile, c.about.ask(c.item, c.grid, c.tile))
}

func (t TileAsk) ask(index, grid, tile int) Ask {
	return Ask{Index: index, Grid: grid, Tile: tile, Category: t.Category, Scene: t.Subject, Caption: t.Caption}
}

// tileAsk is what a tile shows by what is known now: a judge that was asked again
// after a tile was chosen may have seen another subject there.
func tileAsk(r Record, index, grid, tile int) Ask {
	asked := r.Subtasks[GridID(grid)].Ask.Tiles
	if tile < 1 || tile > len(asked) {
		return r.Subtasks[TileID(grid, tile)].Ask
	}
	about := asked[tile-1]
	for _, v := range r.Judged(grid).Verdicts {
		if v.Tile == tile {
			about = shown(asked, v)
		}
	}
	return about.ask(index, grid, tile)
}

// Cut is the subtask that makes an item of a tile, whoever thinks what of it.
func (r Record) Cut(index, grid, tile int) Subtask {
	return pending(TileID(grid, tile), VerbTile, tileAsk(r, index, grid, tile))
}
