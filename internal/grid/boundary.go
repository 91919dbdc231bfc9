package grid

import "math"

const (
	// reach is how far from an equal third a boundary is looked for, as a
	// share of the axis: three per cent of drift, half a wide gutter, a margin
	// that was taken for one too few pixels.
	reach = 0.06
	// widestShare is the widest gutter, as a share of the axis. Tiles on a ground
	// of the gutter's tone make it look wider than it is.
	widestShare = 0.04
	// jumpsByChance is the share of lines that jumps anywhere, see jumpShare.
	jumpsByChance = 1 - jumpShare
	// faint is the least strength of a line that is taken for a boundary.
	faint = 0.12
	// strong is the strength from which on a line is certain.
	strong = 0.45
	// bandFaint is the least share of a band's lines for the band to count as
	// crossed by the boundary.
	bandFaint = 0.25
	// twinStrength is how strong, compared with one edge, the other edge of a
	// narrow gutter must be.
	twinStrength = 0.5
	// oneEdge is the most confidence in a gutter whose other edge is not seen.
	oneEdge = 0.4
	// stripOnly is the confidence in a strip of one tone without an edge.
	stripOnly = 0.2
)

// strength is how much of all scan lines jumps on entering pos, beyond chance:
// 0 to 1. A boundary crosses all three bands, a picture's own edges seldom.
func (p *profile) strength(pos int) float64 {
	if pos < 1 || pos >= p.length {
		return 0
	}
	sum := 0.0
	for b := range p.jumps {
		sum += p.jumps[b][pos]
	}
	return max((sum/side-jumpsByChance)/(1-jumpsByChance), 0)
}

// weakestBand is the least crossed band's share of jumps beyond chance.
func (p *profile) weakestBand(pos int) float64 {
	least := 1.0
	for b := range p.jumps {
		least = min(least, p.jumps[b][pos])
	}
	return max((least-jumpsByChance)/(1-jumpsByChance), 0)
}

// crossed counts the bands whose tiles end at pos.
func (p *profile) crossed(pos int) int {
	n := 0
	for b := range p.jumps {
		if p.jumps[b][pos] >= bandFaint {
			n++
		}
	}
	return n
}

// peak is the strongest line in [from, to), by weight; its exact position is
// where neighbours change most. It is -1 where there is none.
func (p *profile) peak(from, to int, weight func(pos int) float64) int {
	best, at := 0.0, -1
	for pos := max(from, 1); pos < min(to, p.length); pos++ {
		if s := p.strength(pos) * weight(pos); s > best {
			best, at = s, pos
		}
	}
	if at < 0 {
		return -1
	}
	return p.sharpen(at)
}

// sharpen moves pos to where neighbours change most among the positions that
// the spread makes look alike.
func (p *profile) sharpen(pos int) int {
	at := pos
	for q := max(pos-2*p.spread, 1); q <= min(pos+2*p.spread, p.length-1); q++ {
		if p.change(q) > p.change(at) && p.strength(q) >= 0.8*p.strength(pos) {
			at = q
		}
	}
	return at
}

func evenly(int) float64 { return 1 }

// flat tells a position where all lines have one tone.
func (p *profile) flat(pos int) bool { return p.deviation[pos] <= p.flatness }

// run is the widest range of flat positions of one tone that holds pos.
func (p *profile) run(pos int) interval {
	alike := func(q int) bool { return p.flat(q) && math.Abs(p.tone[q]-p.tone[pos]) <= sameTone }
	if !alike(pos) {
		return interval{pos, pos}
	}
	r := interval{pos, pos + 1}
	for r.from > 0 && alike(r.from-1) {
		r.from--
	}
	for r.to < p.length && alike(r.to) {
		r.to++
	}
	return r
}

// boundary finds what lies between two tiles near the expected position.
func (p *profile) boundary(expected float64) Boundary {
	size := float64(p.length)
	from, to := int(expected-reach*size), int(math.Ceil(expected+reach*size))
	// Far from the thirds a line must be clearer than near them.
	prior := func(pos int) float64 {
		off := math.Abs(float64(pos)-expected)/size - 0.04
		return 1 - max(off, 0)*10
	}
	best, strip := p.peak(from, to, prior), p.strip(from, to)
	if best < 0 || p.strength(best) < faint ||
		strip.length() > p.widest() && p.certainty(best) < LowConfidence { // ink at a paper's margin
		return p.unseen(expected, strip)
	}
	if other, ok := p.otherEdge(best); ok {
		return p.gutter(min(best, other), max(best, other), from, to)
	}
	if runs := p.runsBeside(best); len(runs) > 0 {
		return p.wideGutter(best, runs[0])
	}
	return p.seam(best, from, to)
}

// otherEdge finds the gutter's other edge, given one.
func (p *profile) otherEdge(edge int) (int, bool) {
	best := -1
	for _, r := range p.runsBeside(edge) {
		from, to := edge+p.blur()+1, min(r.to+p.blur(), edge+p.widest())+1
		if r.to <= edge {
			from, to = max(r.from-p.blur(), edge-p.widest()), edge-p.blur()
		}
		if at := p.peak(from, to, evenly); at > 0 && (best < 0 || p.strength(at) > p.strength(best)) {
			best = at
		}
	}
	if best < 0 || p.strength(best) < faint {
		return p.twin(edge)
	}
	return best, true
}

// runsBeside are the flat runs that begin or end at an edge, the smear left out.
func (p *profile) runsBeside(edge int) []interval {
	var runs []interval
	for _, pos := range []int{edge + p.blur(), edge - p.blur() - 1} {
		if pos < 0 || pos >= p.length {
			continue
		}
		r := p.run(pos)
		if r.length() == 0 {
			continue
		}
		// The smear at the edge belongs to the strip.
		r = interval{min(r.from, edge), max(r.to, edge)}
		if r.length() > p.blur() {
			runs = append(runs, r)
		}
	}
	return runs
}

// twin finds the other edge of a gutter so narrow that its tone is lost in
// the smear: a second line nearly as strong.
func (p *profile) twin(edge int) (int, bool) {
	best := -1
	for d := 3; d <= 2*p.blur(); d++ {
		for _, pos := range []int{edge - d, edge + d} {
			if p.alike(pos, edge) && p.summit(pos) && p.strength(pos) > p.strength(max(best, 0)) {
				best = pos
			}
		}
	}
	return best, best > 0
}

// summit tells a line stronger than those next to it.
func (p *profile) summit(pos int) bool {
	return p.strength(pos) >= p.strength(pos-1) && p.strength(pos) >= p.strength(pos+1)
}

// widest is the widest gutter in pixels.
func (p *profile) widest() int { return int(widestShare * float64(p.length)) }

// blur is how many pixels codecs and upscalers smear an edge over.
func (p *profile) blur() int { return 2 + p.spread }

// gutter is the boundary [a, b).
func (p *profile) gutter(a, b, from, to int) Boundary {
	c := min(p.certainty(a), p.certainty(b)) * p.alone(a, b, from, to)
	if b-a <= 2*p.blur() && !p.alike(a, b) { // a codec leaves such a line beside a seam
		c = min(c, oneEdge)
	}
	return Boundary{From: a, To: b, Method: MethodGutter, Confidence: c}
}

// alike tells two lines about as strong as each other.
func (p *profile) alike(a, b int) bool {
	return min(p.strength(a), p.strength(b)) >= twinStrength*max(p.strength(a), p.strength(b))
}

// wideGutter is a gutter with one clear edge and beyond it a ground of its own
// tone: where it ends cannot be seen, so no more than the widest is cut off.
func (p *profile) wideGutter(edge int, r interval) Boundary {
	b := Boundary{Method: MethodGutter, Confidence: max(oneEdge*p.certainty(edge), stripOnly)}
	if (r.from+r.to)/2 >= edge {
		b.From, b.To = edge, min(r.to, edge+p.widest())
	} else {
		b.From, b.To = max(r.from, edge-p.widest()), edge
	}
	return b
}

// seam is the boundary at pos.
func (p *profile) seam(pos, from, to int) Boundary {
	c := p.certainty(pos) * p.alone(pos, pos, from, to)
	return Boundary{From: pos, To: pos, Method: MethodSeam, Confidence: c}
}

// certainty that a boundary lies at pos, from 0 to 1.
func (p *profile) certainty(pos int) float64 {
	c := min((p.strength(pos)-faint/2)/(strong-faint/2), 1)
	switch p.crossed(pos) {
	case 0, 1:
		c *= 0.4
	case 2:
		c *= 0.8
	}
	return max(c, 0)
}

// alone is less than 1 where another line nearby is nearly as strong as the
// boundary [a, b).
func (p *profile) alone(a, b, from, to int) float64 {
	margin := p.blur()
	rival := 0.0
	for pos := max(from, 1); pos < min(to, p.length); pos++ {
		if pos < a-margin || pos > b+margin {
			rival = max(rival, p.strength(pos))
		}
	}
	share := rival / max(p.strength(a), p.strength(b))
	return min(1, max(2*(1-share), 0))
}

// strip is the widest strip of one tone in [from, to).
func (p *profile) strip(from, to int) interval {
	var wide interval
	for pos := max(from, 0); pos < min(to, p.length); pos++ {
		r := p.run(pos)
		pos = max(pos, r.to-1)
		if r = (interval{max(r.from, from), min(r.to, to)}); r.length() > wide.length() {
			wide = r
		}
	}
	return wide
}

// unseen is the boundary where no line is: in the middle of the strip if there
// is one, as between drawings on bare paper; else at the expected position.
func (p *profile) unseen(expected float64, strip interval) Boundary {
	if strip.length() <= p.blur() {
		at := int(math.Round(expected))
		return Boundary{From: at, To: at, Method: MethodThirds}
	}
	if most := p.widest(); strip.length() > most {
		at := strip.from + (strip.length()-most)/2
		strip = interval{at, at + most}
	}
	return Boundary{From: strip.from, To: strip.to, Method: MethodGutter, Confidence: stripOnly}
}
