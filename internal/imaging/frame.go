package imaging

import "math"

// What counts as a bar or a border.
const (
	evenStd    = 6.0  // a line of pixels that varies less is even
	darkMean   = 24.0 // a letterbox is black, or nearly
	edgeJump   = 18   // levels between a band and the picture beside it
	edgePart   = 0.5  // of a line's pixels jump at a straight edge
	edgeSoft   = 3    // lines over which a scaled edge may spread
	groundPart = 0.08 // of a side from which on a band at one side alone is a flat sky or floor
	inkPart    = 0.03 // of a side: a drawn line is thinner, and what is behind it is paper again
	behind     = 0.25 // of a line's pixels differ from the band where a picture lies behind its edge
	sideDiff   = 0.34 // how unequal the two bars of a letterbox may be
)

// edge reads a picture's lines from one side inwards.
type edge struct {
	g     gray
	lines int // how many there are
	long  int // pixels of one
	at    func(line, i int) byte
}

func (g gray) edges() [4]edge {
	return [4]edge{
		{g, g.h, g.w, func(l, i int) byte { return g.at(i, l) }},
		{g, g.h, g.w, func(l, i int) byte { return g.at(i, g.h-1-l) }},
		{g, g.w, g.h, func(l, i int) byte { return g.at(l, i) }},
		{g, g.w, g.h, func(l, i int) byte { return g.at(g.w-1-l, i) }},
	}
}

func (e edge) line(l int) (mean, std float64) {
	var s spread
	for i := range e.long {
		s.add(int64(e.at(l, i)))
	}
	return s.mean(), math.Sqrt(s.variance())
}

// band is how many lines from the side are even and of one grey, up to half of
// the picture, and their grey. A band that goes on beyond that is a ground, no
// border: its length is 0.
func (e edge) band() (n int, mean float64) {
	mean, _ = e.line(0)
	for n < e.lines/2 {
		m, std := e.line(n)
		if std >= evenStd || math.Abs(m-mean) >= evenStd {
			return n, mean
		}
		n++
	}
	return 0, mean
}

// straight says whether the picture begins along the whole line that ends a
// band: an even sky or paper ends raggedly.
func (e edge) straight(n int, mean float64) bool {
	return e.unlike(n+edgeSoft-1, mean) >= edgePart
}

// unlike is the part of a line's pixels that are not of a band's grey.
func (e edge) unlike(l int, mean float64) float64 {
	jumps := 0
	for i := range e.long {
		if math.Abs(float64(e.at(min(l, e.lines-1), i))-mean) > edgeJump {
			jumps++
		}
	}
	return float64(jumps) / float64(max(e.long, 1))
}

// border is the widest band of two lines or more that ends straight, with a
// picture behind it. A wide one is the picture's own ground, a sky or a floor,
// unless the opposite side has one of the same grey, as mats have.
func (g gray) border() int {
	e := g.edges()
	return max(framed(e[0], e[1]), framed(e[2], e[3]))
}

// framed is the wider border of two opposite sides.
func framed(a, b edge) int {
	n, grey := a.margin()
	m, other := b.margin()
	if n == 0 || m == 0 || math.Abs(grey-other) >= evenStd {
		n, m = a.narrow(n), b.narrow(m)
	}
	return max(n, m)
}

// margin is the band at a side that a picture lies behind, and its grey. Paper
// beyond a line of ink is paper, and what is drawn there no picture behind it.
func (e edge) margin() (n int, mean float64) {
	n, mean = e.band()
	if n < 2 || !e.straight(n, mean) || e.unlike(n+edgeSoft+int(inkPart*float64(e.lines)), mean) < behind {
		return 0, mean
	}
	return n, mean
}

// narrow is a band's width where it is no ground.
func (e edge) narrow(n int) int {
	if float64(n) > groundPart*float64(e.lines) {
		return 0
	}
	return n
}

// bars is the part of the picture that a letterbox covers: dark bands at two
// opposite sides, about equally wide, at least one of which ends straight.
func (g gray) bars() float64 {
	e := g.edges()
	return max(pair(e[0], e[1]), pair(e[2], e[3]))
}

func pair(a, b edge) float64 {
	n, dark := a.band()
	m, dim := b.band()
	if n == 0 || m == 0 || dark > darkMean || dim > darkMean {
		return 0
	}
	if math.Abs(float64(n-m)) > sideDiff*float64(max(n, m)) || !a.straight(n, dark) && !b.straight(m, dim) {
		return 0
	}
	return float64(n+m) / float64(a.lines)
}
