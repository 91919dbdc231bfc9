package picture

import (
	"math"

	"github.com/actormaker/trainset/internal/race"
)

// stage is the scene behind a figure while it is being painted.
type stage struct {
	*canvas
	random
	light
	width, height float64
	// horizon is its row, open the column that the figure leaves free, and side
	// where the figure stands.
	horizon, open, side float64
}

func newStage(c *canvas, b brief) *stage {
	d := dice("stage", b.text, b.seed)
	s := &stage{canvas: c, random: d, light: b.light, width: float64(c.w), height: float64(c.h), side: b.side}
	s.horizon = s.height * min(.8, max(.2, b.view.horizon+d.in(-.1, .1)))
	s.open = s.width * (.5 - b.side*d.in(.06, .36))
	return s
}

// u is a hundredth of the height.
func (s *stage) u(v float64) float64 { return v * s.height / 100 }

// sky fills everything above what comes later, with soft banks of cloud.
func (s *stage) sky() {
	s.ground(fade(s.skyTop, s.skyLow))
	for range 2 { // no band along the top may be all of one tone
		s.cloud(s.in(0, s.width), s.in(-3, 9), s.u(s.in(10, 24)))
	}
	for range 5 + s.IntN(4) {
		x, y := s.in(0, s.width), s.in(0, s.horizon*.8)
		s.cloud(x, y, s.u(s.in(8, 22)))
	}
}

func (s *stage) cloud(x, y, size float64) {
	p := flat(s.skyLow.mix(s.lamp, .35)).thin(s.in(.18, .5))
	for range 4 {
		s.oval(p, x+s.in(-1.4, 1.4)*size, y+s.in(-.1, .1)*size, size*s.in(.6, 1.5), size*s.in(.08, .22))
	}
}

// disc is a sun or a moon with its halo.
func (s *stage) disc(x, y, r float64) {
	s.glow(s.lamp, x, y, r*5, .5)
	s.oval(flat(s.lamp.mix(grey(255), .4)), x, y, r, r)
}

// ridge is a line of hills from edge to edge, filled to the bottom.
func (s *stage) ridge(p wash, y, rough float64) []point {
	top := s.profile(y, rough)
	s.fill(p, append(append([]point(nil), top...), point{s.width + 9, s.height + 9}, point{-9, s.height + 9})...)
	return top
}

func (s *stage) profile(y, rough float64) []point {
	a, b, c := s.in(0, 7), s.in(0, 7), s.in(0, 7)
	f := s.in(.8, 1.6)
	var top []point
	for x := -9.0; x < s.width+12; x += 12 {
		t := x / s.width * 6 * f
		top = append(top, point{x, y + rough*(.6*math.Sin(t+a)+.3*math.Sin(2.3*t+b)+.12*math.Sin(6.1*t+c))})
	}
	return top
}

// dapple lays patches of light and shade over the whole stage, as clouds or
// leaves would. It keeps two takes of one scene apart even in their coarsest
// shapes.
func (s *stage) dapple(strength float64) {
	const columns, rows = 8, 6
	var node [rows][columns]float64
	slope := s.in(.1, .45) * s.sign() // one side of the scene is the brighter one
	for y := range rows {
		for x := range columns {
			node[y][x] = s.sign()*s.in(.35, 1) + slope*(2*float64(x)/(columns-1)-1)
		}
	}
	across := make([]between, s.w)
	for x := range across {
		across[x].node, across[x].part = cell(x, s.w, columns)
	}
	var gains [columns]int
	for y := range s.h {
		v, part := cell(y, s.h, rows)
		for x := range gains {
			gains[x] = int(256 * (1 + strength*(node[v][x]+(node[v+1][x]-node[v][x])*float64(part)/256)))
		}
		s.shade(y, gains[:], across)
	}
}

// between is a place among nodes: past one by so many 256ths of the way to the next.
type between struct{ node, part int }

// cell finds the nodes around a pixel.
func cell(i, n, nodes int) (node, part int) {
	t := float64(i) / float64(n) * float64(nodes-1)
	node = min(nodes-2, int(t))
	return node, int(256 * smooth(0, 1, t-float64(node)))
}

//go:norace
func (s *stage) shade(y int, gains []int, across []between) {
	race.Reads(across)
	race.Writes(s.Pix[y*s.Stride:][:4*s.w])
	row := s.Pix[y*s.Stride:]
	for x, b := range across {
		g := gains[b.node] + (gains[b.node+1]-gains[b.node])*b.part>>8
		p := row[4*x : 4*x+3 : 4*x+3]
		p[0], p[1], p[2] = lit(p[0], g), lit(p[1], g), lit(p[2], g)
	}
}

// lit multiplies, and lifts darkness a little so that light shows on it too.
func lit(v uint8, gain int) uint8 { return octetOf((int(v)*gain + (gain-256)*18) >> 8) }

// rain falls at a slant.
func (s *stage) rain(n int, alpha float64) {
	slant := s.in(.06, .2) * s.sign()
	for range n {
		x, y, l := s.in(0, s.width), s.in(-20, s.height), s.u(s.in(3, 9))
		s.line(flat(grey(235)).thin(alpha*s.in(.4, 1)), point{x, y}, point{x + slant*l, y + l}, 1.1, 1.9)
	}
}

// plank is a quad along a line, for beams, rails and posts.
func (s *stage) plank(p wash, x0, y0, x1, y1, width float64) {
	s.line(p, point{x0, y0}, point{x1, y1}, width, width)
}
