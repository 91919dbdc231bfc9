package grid

import (
	"math"
	"slices"
)

const (
	// jumpFloor is the least difference between neighbouring pixels, of 255,
	// that counts as a jump: codecs and noise stay below it.
	jumpFloor = 8
	// jumpShare of a line's differences nearby are no jumps: what counts is
	// being unusual where it is, so that rough tiles have no more jumps than
	// smooth ones.
	jumpShare = 0.90
	// sharpLength is the length of an axis from which on edges are taken to be
	// smeared: models do not draw that large, upscalers do.
	sharpLength = 2000
	// neighbourhoods is into how many parts a line is divided to say what is
	// usual nearby.
	neighbourhoods = 16
	// leastNeighbourhood is the shortest such part, in pixels: long enough that
	// a gutter's edges are rare in it.
	leastNeighbourhood = 96
	// flatFloor is the least deviation that is still flat, flatCeiling the
	// most, in codecs that ring next to busy tiles.
	flatFloor, flatCeiling = 6, 10
	// block is the side of a codec's blocks, blocks how many are looked at on
	// either side.
	block, blocks = 8, 4
	// sameTone is how far the tones of one gutter's positions may be apart.
	sameTone = 8
)

// profile is what one axis looks like, position by position.
type profile struct {
	lines  lines
	length int
	spread int // pixels left out on either side when neighbours are compared
	// jumps is the share of a band's lines that jump on entering a position.
	jumps [side][]float64
	// deviation is the standard deviation of the greys at a position.
	deviation []float64
	// tone is the mean grey at a position.
	tone []float64
	// flatness is the deviation up to which a position is flat: all one tone.
	flatness float64
}

func newProfile(l lines) *profile {
	p := &profile{
		lines: l, length: l.length, spread: l.length / sharpLength,
		deviation: make([]float64, l.length), tone: make([]float64, l.length),
	}
	for b := range p.jumps {
		p.jumps[b] = make([]float64, l.length)
	}
	p.measureTones(l)
	p.measureJumps(l)
	for b := range p.jumps {
		p.jumps[b] = withoutBlocks(p.jumps[b])
	}
	return p
}

func (p *profile) measureTones(l lines) {
	n := float64(l.count())
	for pos := range p.length {
		var sum, squares float64
		row := l.at(pos)
		for i := 0; i < len(row); i += 3 {
			g := float64(row[i])
			sum += g
			squares += g * g
		}
		p.tone[pos] = sum / n
		p.deviation[pos] = math.Sqrt(max(squares/n-p.tone[pos]*p.tone[pos], 0))
	}
	busy := slices.Sorted(slices.Values(p.deviation))[p.length/2]
	p.flatness = min(max(busy/5, flatFloor), flatCeiling)
}

// change is the mean difference on entering pos, over all lines.
func (p *profile) change(pos int) float64 {
	sum := 0
	before, after := p.lines.at(pos-1), p.lines.at(pos)
	for i := 0; i < len(after); i += 3 {
		sum += int(difference(before[i:], after[i:]))
	}
	return float64(sum) / float64(p.lines.count())
}

// measureJumps compares the pixels around each position on each line with
// what is usual on that line nearby.
func (p *profile) measureJumps(l lines) {
	count := l.count()
	size := max(p.length/neighbourhoods, leastNeighbourhood)
	differences := make([]uint8, size*count)
	for from := 0; from < p.length; from += size {
		to := min(from+size, p.length)
		for pos := from; pos < to; pos++ {
			row := differences[(pos-from)*count:][:count]
			clear(row)
			if pos <= p.spread || pos+p.spread >= p.length {
				continue
			}
			before, after := l.at(pos-1-p.spread), l.at(pos+p.spread)
			for i := range row {
				row[i] = difference(before[i*3:], after[i*3:])
			}
		}
		p.countJumps(differences, from, to, l.perBand)
	}
}

func (p *profile) countJumps(differences []uint8, from, to, perBand int) {
	count := side * perBand
	for line := range count {
		least := usual(differences, line, count, to-from)
		jumps := p.jumps[line/perBand]
		for pos := from; pos < to; pos++ {
			if differences[(pos-from)*count+line] >= least {
				jumps[pos] += 1 / float64(perBand)
			}
		}
	}
}

// usual is the least difference that is unusual on a line.
func usual(differences []uint8, line, count, n int) uint8 {
	var histogram [256]int
	for i := range n {
		histogram[differences[i*count+line]]++
	}
	below := 0
	for v, times := range histogram {
		below += times
		if float64(below) >= jumpShare*float64(n) {
			return uint8(min(max(v+1, jumpFloor), 255))
		}
	}
	return 255
}

// withoutBlocks takes off what jumps at a distance of one or more blocks on
// both sides too: codecs leave an edge every eight pixels.
func withoutBlocks(jumps []float64) []float64 {
	out := slices.Clone(jumps)
	for pos := range jumps {
		var room [2 * blocks]float64
		near := room[:0]
		for k := -blocks; k <= blocks; k++ {
			if q := pos + k*block; k != 0 && q >= 0 && q < len(jumps) {
				near = append(near, jumps[q])
			}
		}
		slices.Sort(near)
		out[pos] -= max(near[len(near)/2]-(1-jumpShare), 0)
	}
	return out
}

// difference of two pixels. Hue counts less than brightness, because codecs
// smear it; it still tells a gutter as bright as the tiles beside it.
func difference(a, b []uint8) uint8 {
	return max(apart(a[0], b[0]), apart(a[1], b[1])/2, apart(a[2], b[2])/2)
}

func apart(a, b uint8) uint8 {
	if a > b {
		return a - b
	}
	return b - a
}
