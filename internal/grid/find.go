package grid

import (
	"fmt"
	"image"
	"math"
)

const (
	// minSide is the least side of a grid: below it a tile is a thumbnail.
	minSide = 192
	// emptyShare of an axis without anything to see is no margin but a row or
	// column that is missing: half of a tile may be paper beside small drawings.
	emptyShare = 0.20
	// marginStrength is the least strength of the line where a margin ends;
	// without one the strip is the tiles' own ground.
	marginStrength = 0.3
	// foreignReach is how far from where boundaries may be a line must lie to
	// tell of another layout, as a share of the axis.
	foreignReach = 0.01
	// foreign is the strength, in the weakest band, of a line that tells so.
	foreign = 0.3
	// seen is the confidence from which on a boundary counts as seen.
	seen = 0.15
	// leastSeen of the four boundaries must be seen to call it a 3x3 grid.
	leastSeen = 3
)

// Find finds the tiles of a 3x3 grid. What does not look like one is
// ErrNoGrid, with the reason.
func Find(img image.Image) (Layout, error) {
	b := img.Bounds()
	if min(b.Dx(), b.Dy()) < minSide {
		return Layout{}, fmt.Errorf("%w: the picture is %d x %d px, at least %d a side are needed", ErrNoGrid, b.Dx(), b.Dy(), minSide)
	}
	columns, err := findAxis(newProfile(across(img)), "width")
	if err != nil {
		return Layout{}, err
	}
	rows, err := findAxis(newProfile(down(img)), "height")
	if err != nil {
		return Layout{}, err
	}
	return layout(b.Min, columns, rows)
}

// axis is what was found along one axis, in positions from 0.
type axis struct {
	frame      interval
	boundaries [side - 1]Boundary
	divided    bool // every third is divided again
}

func findAxis(p *profile, name string) (axis, error) {
	a, err := p.frame(name)
	if err != nil {
		return axis{}, err
	}
	for i := range a.boundaries {
		third := float64(a.frame.length()) * float64(i+1) / side
		a.boundaries[i] = p.boundary(float64(a.frame.from) + third)
	}
	if err := p.otherLayout(a, name); err != nil {
		return axis{}, err
	}
	a.divided = len(p.foreignLines(a.frame)) >= side
	return a, nil
}

// frame trims the margins: flat strips of one tone that end at a line.
func (p *profile) frame(name string) (axis, error) {
	first, last := p.run(0), p.run(p.length-1)
	for _, r := range []interval{first, last} {
		if share := float64(r.length()) / float64(p.length); share > emptyShare {
			return axis{}, fmt.Errorf("%w: %.0f %% of its %s is empty", ErrNoGrid, share*100, name)
		}
	}
	a := axis{frame: interval{0, p.length}}
	if first.length() > 0 {
		if at := p.peak(1, first.to+p.blur(), evenly); at > 0 && p.strength(at) >= marginStrength {
			a.frame.from = at
		}
	}
	if last.length() > 0 {
		if at := p.peak(last.from-p.blur(), p.length, evenly); at > 0 && p.strength(at) >= marginStrength {
			a.frame.to = at
		}
	}
	return a, nil
}

// otherLayout looks for lines, or empty strips, where a 3x3 grid has none.
// Horizons at one height make such lines too, so that they count only where a
// boundary of ours is missing.
func (p *profile) otherLayout(a axis, name string) error {
	if min(a.boundaries[0].Confidence, a.boundaries[1].Confidence) > stripOnly {
		return nil
	}
	if shares := p.foreignLines(a.frame); len(shares) > 0 {
		return fmt.Errorf("%w: a line crosses it at %.0f %% of its %s%s", ErrNoGrid, shares[0]*100, name, likely(shares[0]))
	}
	return p.foreignStrip(a, name)
}

// foreignLines are where lines cross all bands that no 3x3 grid has, as shares
// of the frame: the strongest of each tile's.
func (p *profile) foreignLines(frame interval) []float64 {
	var best [side]float64
	var at [side]int
	for pos := frame.from; pos < frame.to; pos++ {
		third := (pos - frame.from) * side / frame.length()
		if s := p.weakestBand(pos); s >= foreign && s > best[third] && !mayBeBoundary(share(frame, pos)) {
			best[third], at[third] = s, pos
		}
	}
	var shares []float64
	for i, s := range best {
		if s > 0 {
			shares = append(shares, share(frame, at[i]))
		}
	}
	return shares
}

// share is how far along the frame pos is.
func share(frame interval, pos int) float64 {
	return float64(pos-frame.from) / float64(frame.length())
}

// foreignStrip looks for an empty strip where a 3x3 grid has none. Pictures
// have such strips too, skies and walls, so that it counts only where both
// boundaries are no more than strips themselves, as on paper.
func (p *profile) foreignStrip(a axis, name string) error {
	least := p.length
	for _, b := range a.boundaries {
		if b.Method != MethodGutter || b.Confidence > stripOnly {
			return nil
		}
		least = min(least, p.run((b.From+b.To)/2).length()/2)
	}
	strips := p.foreignStrips(a.frame, max(least, 1))
	at := strips[1]
	if likely(at) == "" {
		if at = strips[0]; at == 0 || strips[2] == 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: an empty strip crosses it at %.0f %% of its %s%s", ErrNoGrid, at*100, name, likely(at))
}

// foreignStrips are where empty strips of some length lie within tiles, as shares
// of the frame: one of each third, or 0. Small drawings leave one in any of them;
// other layouts have one in the middle, or one in each of the others. Of 40 grids
// of small figures 27 were refused where one anywhere sufficed, and none of 40 now;
// of 160 of other layouts 3 pass.
func (p *profile) foreignStrips(frame interval, least int) (at [side]float64) {
	for pos := frame.from; pos < frame.to; pos++ {
		r := p.run(pos)
		where := share(frame, (r.from+r.to)/2)
		margin := r.from <= frame.from || r.to >= frame.to
		if r.length() >= least && !margin && !mayBeBoundary(where) {
			at[int(where*side)] = where
		}
		pos = max(pos, r.to-1)
	}
	return at
}

// mayBeBoundary tells the places where a line is no surprise: near the thirds
// and near the edges, where margins are.
func mayBeBoundary(share float64) bool {
	return share < reach || share > 1-reach ||
		math.Abs(share-1./3) < reach+foreignReach || math.Abs(share-2./3) < reach+foreignReach
}

// likely names the layouts that have a line at share of an axis.
func likely(share float64) string {
	switch {
	case math.Abs(share-0.5) < 0.04:
		return ", as one does between two or four tiles in a line"
	case math.Abs(share-0.25) < 0.04, math.Abs(share-0.75) < 0.04:
		return ", as one does between four tiles in a line"
	}
	return ""
}

// layout joins what was found along both axes.
func layout(origin image.Point, columns, rows axis) (Layout, error) {
	l := Layout{
		Frame:   image.Rect(columns.frame.from, rows.frame.from, columns.frame.to, rows.frame.to).Add(origin),
		Columns: columns.boundaries, Rows: rows.boundaries, Confidence: 1,
	}
	if columns.divided && rows.divided {
		return Layout{}, fmt.Errorf("%w: lines divide each of its thirds again, both ways", ErrNoGrid)
	}
	visible := 0
	for i := range side - 1 {
		for _, b := range []Boundary{l.Columns[i], l.Rows[i]} {
			l.Confidence = min(l.Confidence, b.Confidence)
			if b.Confidence >= seen {
				visible++
			}
		}
		l.Columns[i] = l.Columns[i].moved(origin.X)
		l.Rows[i] = l.Rows[i].moved(origin.Y)
	}
	if visible < leastSeen {
		return Layout{}, fmt.Errorf("%w: only %d of the 4 boundaries between its tiles can be seen", ErrNoGrid, visible)
	}
	return l, nil
}

func (b Boundary) moved(by int) Boundary {
	b.From += by
	b.To += by
	return b
}
