package picture

import (
	"math"
	"strings"
)

// motifs are recognised by a word; what has none of them is chosen by lot.
var motifs = []struct {
	words string
	draw  func(*stage)
}{
	// Abstract pictures first: their words also name things.
	{"circles", circles},
	{"triangle", spiral},
	{"rippling", bands},
	{"maze", maze},
	{"cubes", cubes},
	{"branching", branches},
	{"interlocking", bands},
	{"shards", burst},
	{"dots", dots},
	{"abstract", burst},
	{"balloon", balloon},
	{"boat leaning", boat},
	{"submarine", boat},
	{"biplane", plane2},
	{"train", wheels},
	{"tram", wheels},
	{"van", wheels},
	{"bicycle", wheels},
	{"tractor", wheels},
	{"car ", wheels},
	{"fox", beast},
	{"elephant", beast},
	{"horse", beast},
	{"cat ", beast},
	{"tortoise", beast},
	{"dog", beast},
	{"owl", bird},
	{"heron", bird},
	{"hummingbird", bird},
	{"octopus", swimmer},
	{"fish ", swimmer},
	{"fisherman", person},
	{"violinist", person},
	{"baker", person},
	{"gardener", person},
	{"dancer", person},
	{"astronomer", person},
	{"potter", person},
	{"hiker", person},
	{"woman", person},
	{"man ", person},
	{"lighthouse", tower},
	{"temple", tower},
	{"windmill", tower},
	{"towers", rooftops},
	{"bridge", arches},
	{"courtyard", arches},
	{"staircase", spiral},
	{"village", village},
	{"cabin", village},
	{"house", village},
	{"waterfall", peaks},
	{"path", forest},
	{"dunes", dunes},
	{"cliffs", peaks},
	{"lake", peaks},
	{"meadow", flowers},
	{"glacier", peaks},
	{"mangrove", forest},
	{"volcano", peaks},
	{"mountain", peaks},
	{"sunflower", flowers},
	{"hourglass", vessel},
	{"accordion", vessel},
	{"chess", slab},
	{"boots", vessel},
	{"book", slab},
	{"kettle", vessel},
	{"bowl", vessel},
	{"lantern", vessel},
	{"jug", vessel},
	{"basket", vessel},
	{"flower", flowers},
	{"forest", forest},
	{"sea", boat},
}

func motifOf(subject string, d random) func(*stage) {
	subject += " "
	for _, m := range motifs {
		if strings.Contains(subject, m.words) {
			return m.draw
		}
	}
	return motifs[d.IntN(len(motifs))].draw
}

// backing is what stands behind a subject: open land, water, trees or a room.
func (s *stage) backing(which ...func(*stage)) { of(s.random, which...)(s) }

func openLand(s *stage) {
	s.sky()
	if s.chance(.6) {
		s.disc(s.in(.1, .9)*s.width, s.in(.08, .3)*s.height, s.u(s.in(4, 10)))
	}
	for i := range 2 + s.IntN(3) {
		t := float64(i) / 4
		s.ridge(fade(s.far.mix(s.skyLow, .5-t/2), s.far.mix(s.near, t)), s.horizon+s.u(9)*float64(i), s.u(s.in(2, 9)))
	}
}

func openWater(s *stage) {
	s.sky()
	s.disc(s.in(.1, .9)*s.width, s.in(.08, .25)*s.height, s.u(s.in(4, 9)))
	s.sea(s.horizon)
}

// indoors is a wall with a window or a stripe, and a table's edge.
func indoors(s *stage) {
	wall := s.far.mix(s.skyLow, s.in(.2, .8))
	s.ground(fade(wall.times(1.15), wall.times(.85)))
	x, y, w := s.in(.08, .6)*s.width, s.in(.06, .2)*s.height, s.width*s.in(.24, .36)
	s.box(flat(s.near), x-s.u(2), y-s.u(2), x+w+s.u(2), y+s.height*.4+s.u(2))
	s.box(fade(s.skyTop, s.skyLow), x, y, x+w, y+s.height*.4)
	s.plank(flat(s.near), x+w/2, y, x+w/2, y+s.height*.4, s.u(1.5))
	s.box(fade(s.near.mix(s.lamp, .35), s.near), -9, s.height*s.in(.66, .76), s.width+9, s.height+9)
}

// plain is a ground of one light, from a corner.
func plain(s *stage) {
	s.ground(fade(s.skyTop.mix(s.far, s.Float64()), s.skyLow.mix(s.near, s.Float64())))
	s.glow(s.lamp, s.in(0, 1)*s.width, s.in(0, 1)*s.height, s.u(s.in(50, 110)), s.in(.3, .8))
}

func (s *stage) strong() (body, edge rgb) {
	if s.skyLow.luma() > 120 {
		return s.near.times(s.in(.6, 1)), s.near.times(.3)
	}
	return s.lamp.mix(s.skyLow, s.in(0, .5)), s.lamp.mix(grey(255), .6)
}

func person(s *stage) {
	s.backing(openLand, indoors, openWater, plain)
	body, edge := s.strong()
	x, foot, h := s.in(.34, .66)*s.width, s.height*s.in(.92, 1.02), s.height*s.in(.6, .78)
	lean, arm := s.in(-.12, .12)*h, s.in(-.3, .3)*h
	head := point{x + lean, foot - h}
	skin := hsl(s.in(18, 34), .5, s.in(.5, .75))
	s.fill(fade(body.times(1.2), body), point{head.x - h*.13, head.y + h*.2}, point{head.x + h*.13, head.y + h*.2},
		point{x + h*.2, foot}, point{x - h*.2, foot})
	for _, side := range []float64{-1, 1} {
		from := point{head.x + side*h*.12, head.y + h*.24}
		elbow := point{from.x + side*h*.16, from.y + h*.18}
		hand := point{elbow.x + arm*side*.4 + h*.06, elbow.y - arm}
		s.line(flat(body.times(.85)), from, elbow, h*.09, h*.07)
		s.line(flat(body.times(.85)), elbow, hand, h*.07, h*.05)
		s.oval(flat(skin), hand.x, hand.y, h*.035, h*.035)
	}
	s.oval(flat(skin), head.x, head.y+h*.08, h*.085, h*.11)
	s.oval(flat(edge), head.x, head.y+h*.02, h*.1, h*.06)
	if s.chance(.5) { // a hat
		s.oval(flat(edge), head.x, head.y+h*.03, h*.19, h*.025)
	}
	tool := point{head.x + s.sign()*h*.3, head.y + h*s.in(.1, .5)}
	s.line(flat(edge), tool, point{tool.x + s.in(-.2, .2)*h, tool.y + h*.4}, h*.03, h*.02)
}

func beast(s *stage) {
	s.backing(openLand, plain, openWater, forest)
	body, edge := s.strong()
	k := s.sign()
	x, y, l := s.in(.4, .6)*s.width, s.height*s.in(.6, .72), s.width*s.in(.22, .32)
	leg := s.height * s.in(.1, .24)
	for i, dx := range []float64{-.8, -.5, .5, .8} {
		p := body.times(1 - .25*float64(i%2))
		s.line(flat(p), point{x + dx*l, y}, point{x + dx*l + s.in(-.1, .1)*l, y + leg + l*.3}, l*.2, l*.11)
	}
	s.oval(fade(body.times(1.3), body.times(.8)), x, y, l, l*s.in(.42, .6))
	neck := point{x + k*l*s.in(1, 1.3), y - l*s.in(.2, .95)}
	s.line(flat(body), point{x + k*l*.7, y - l*.1}, neck, l*.5, l*.3)
	s.fill(fade(body.times(1.3), body), oval(neck.x+k*l*.1, neck.y, l*.36, l*.26, k*.4)...)
	for _, e := range []float64{-.12, .16} {
		s.fill(flat(edge), point{neck.x + e*l, neck.y - l*.15}, point{neck.x + (e+.16)*l, neck.y - l*.15}, point{neck.x + (e+.08)*l, neck.y - l*s.in(.4, .6)})
	}
	s.oval(flat(edge), neck.x+k*l*.2, neck.y-l*.05, l*.04, l*.04)
	tail := point{x - k*l*1.4, y - l*s.in(-.4, .5)}
	s.line(flat(body), point{x - k*l*.85, y - l*.1}, tail, l*.16, l*.26)
}

func bird(s *stage) {
	s.backing(openLand, openWater, plain, forest)
	body, edge := s.strong()
	k := s.sign()
	x, y, l := s.in(.4, .6)*s.width, s.height*s.in(.4, .56), s.width*s.in(.14, .22)
	s.plank(flat(edge), s.in(-.1, .2)*s.width, y+l*1.7, s.in(.8, 1.1)*s.width, y+l*s.in(1.4, 2), s.u(4))
	for _, dx := range []float64{-.2, .2} {
		s.plank(flat(edge), x+dx*l, y+l*.6, x+dx*l, y+l*1.7, l*.08)
	}
	s.fill(fade(body.times(1.3), body.times(.7)), oval(x, y, l*1.1, l*.8, k*s.in(.5, 1.1))...)
	s.oval(flat(body.times(1.25)), x+k*l*.7, y-l*1.05, l*.55, l*.5)
	s.fill(flat(s.lamp), point{x + k*l*1.1, y - l*1.2}, point{x + k*l*s.in(1.6, 2.4), y - l*1.02}, point{x + k*l*1.1, y - l*.9})
	s.oval(flat(grey(250)), x+k*l*.85, y-l*1.12, l*.16, l*.16)
	s.oval(flat(edge), x+k*l*.88, y-l*1.12, l*.08, l*.08)
	s.fill(flat(edge), point{x, y - l*.5}, point{x - k*l*s.in(1.2, 2.2), y + l*s.in(-.9, .9)}, point{x - k*l*.2, y + l*.6})
}

func swimmer(s *stage) {
	s.ground(fade(s.skyTop, s.near))
	for range 14 {
		s.oval(flat(grey(245)).thin(.4), s.in(0, s.width), s.in(0, s.height), s.u(s.in(.6, 2.4)), s.u(s.in(.6, 2.4)))
	}
	s.ridge(fade(s.far, s.near), s.height*.82, s.u(6))
	body, edge := s.lamp, s.near.times(.4)
	x, y, r := s.in(.36, .64)*s.width, s.height*s.in(.3, .46), s.width*s.in(.12, .19)
	for i := range 8 {
		a := s.in(.1, .9)*math.Pi + float64(i)*.02
		p, q := point{x, y + r*.5}, point{x + 1.4*r*math.Cos(a), y + r + 1.5*r*math.Sin(a)}
		end := point{q.x + s.in(-1, 1)*r, q.y + s.in(.1, .9)*r}
		s.line(flat(body.times(.85)), p, q, r*.3, r*.2)
		s.line(flat(body.times(.85)), q, end, r*.2, r*.06)
	}
	s.oval(fade(body, body.times(.7)), x, y, r, r*1.2)
	for _, dx := range []float64{-.4, .4} {
		s.oval(flat(grey(250)), x+dx*r, y+r*.3, r*.2, r*.24)
		s.oval(flat(edge), x+dx*r, y+r*.34, r*.1, r*.12)
	}
}

func boat(s *stage) {
	openWater(s)
	k, lean := s.sign(), s.in(-.2, .2)
	x, y, l := s.in(.36, .64)*s.width, math.Max(s.horizon+s.u(12), s.height*s.in(.62, .78)), s.width*s.in(.18, .28)
	hull, sail := s.near.times(.6), grey(248).mix(s.lamp, .3)
	top := point{x + lean*l*4, y - l*s.in(1.6, 2.3)}
	s.line(flat(hull), point{x, y}, top, l*.07, l*.04)
	s.fill(fade(sail, sail.times(.8)), top, point{x + k*l*.95, y - l*.2}, point{x + k*l*.08, y - l*.16})
	s.fill(fade(s.lamp.times(.9), s.lamp.times(.6)), top, point{x - k*l*.7, y - l*.16}, point{x - k*l*.06, y - l*.16})
	s.fill(fade(hull.times(1.6), hull), point{x - l, y}, point{x + l, y - l*.06}, point{x + l*.7, y + l*.34}, point{x - l*.75, y + l*.34})
	s.oval(flat(hull).thin(.4), x, y+l*.4, l*1.1, l*.1)
}

func wheels(s *stage) {
	s.backing(openLand, street, openWater)
	body, edge := s.strong()
	y := s.height * s.in(.8, .9)
	s.box(fade(s.near.mix(s.far, .5), s.near.times(.6)), -9, y, s.width+9, s.height+9)
	n := 1 + s.IntN(3)
	l := s.width * s.in(.3, .42) / math.Sqrt(float64(n))
	x := s.width*.5 - float64(n-1)*l*.6
	h := l * s.in(.5, .85)
	for i := range n {
		cx := x + float64(i)*l*1.2
		s.box(fade(body.mix(s.lamp, .3*float64(i%2)), body.times(.7)), cx-l/2, y-h-l*.16, cx+l/2, y-l*.14)
		for k := range 3 {
			wx := cx - l*.36 + float64(k)*l*.27
			s.box(flat(s.skyLow.mix(grey(255), .4)), wx, y-h*.86-l*.1, wx+l*.18, y-h*.5-l*.1)
		}
		for _, dx := range []float64{-.3, .3} {
			s.oval(flat(edge.times(.4)), cx+dx*l, y-l*.1, l*.14, l*.14)
			s.oval(flat(s.lamp), cx+dx*l, y-l*.1, l*.06, l*.06)
		}
	}
	for i := range 5 { // smoke or dust
		s.oval(flat(grey(240)).thin(.5), x-l*.4-float64(i)*l*.2*s.side, y-h-l*(.3+.22*float64(i)), l*(.1+.05*float64(i)), l*(.09+.04*float64(i)))
	}
}

func balloon(s *stage) {
	openLand(s)
	x, y, r := s.in(.34, .66)*s.width, s.height*s.in(.28, .42), s.width*s.in(.17, .25)
	c := [...]rgb{s.lamp, s.near.mix(hsl(s.in(0, 360), .7, .5), .6)}
	for i := range 5 {
		s.fill(fade(c[i%2].times(1.15), c[i%2].times(.75)), append(oval(x, y, r*(1-.22*float64(i)), r*1.1, 0), point{x, y + r*1.1})...)
	}
	for _, dx := range []float64{-.2, .2} {
		s.plank(flat(s.near.times(.4)), x+dx*3*r, y+r*.9, x+dx*r, y+r*1.7, s.u(.8))
	}
	s.box(fade(hsl(28, .5, .45), hsl(28, .5, .25)), x-r*.22, y+r*1.65, x+r*.22, y+r*2)
}

func plane2(s *stage) {
	s.backing(openLand, openWater)
	body, edge := s.strong()
	a := s.in(-.4, .4)
	k := s.sign()
	x, y, l := s.in(.4, .6)*s.width, s.height*s.in(.25, .42), s.width*s.in(.24, .34)
	sin, cos := math.Sincos(a)
	at := func(u, v float64) point { return point{x + k*(u*cos-v*sin)*l, y + (u*sin+v*cos)*l} }
	s.fill(fade(body.times(1.3), body), at(-1, -.04), at(.7, -.16), at(.95, 0), at(.7, .14), at(-1, .06))
	for _, v := range []float64{-.34, .16} {
		s.line(flat(edge), at(-.1, v), at(.65, v), l*.09, l*.09)
	}
	s.line(flat(edge), at(0, -.34), at(0, .16), l*.03, l*.03)
	s.line(flat(edge), at(.5, -.34), at(.5, .16), l*.03, l*.03)
	s.fill(flat(edge), at(-1, -.04), at(-1.1, -.36), at(-.85, -.3), at(-.7, 0))
	s.line(flat(edge), at(.97, -.3), at(.97, .3), l*.03, l*.03)
}

func tower(s *stage) {
	s.backing(openLand, openWater)
	body, edge := s.strong()
	x, foot, h := s.in(.3, .7)*s.width, s.height*s.in(.84, .95), s.height*s.in(.55, .75)
	w := h * s.in(.13, .24)
	s.fill(fade(body.times(1.4), body), point{x - w*.7, foot - h}, point{x + w*.7, foot - h}, point{x + w, foot}, point{x - w, foot})
	s.fill(flat(body.times(.6)), point{x + w*.1, foot - h}, point{x + w*.7, foot - h}, point{x + w, foot}, point{x + w*.3, foot})
	for i := range 2 + s.IntN(3) {
		y := foot - h*(.15+.22*float64(i))
		s.box(flat(s.lamp), x-w*.25, y-h*.07, x+w*.05, y)
		s.plank(flat(edge), x-w*1.1, y+h*.05, x+w*1.1, y+h*.05, h*.02)
	}
	s.fill(flat(edge), point{x - w*1.1, foot - h}, point{x, foot - h - h*s.in(.12, .26)}, point{x + w*1.1, foot - h})
	s.glow(s.lamp, x, foot-h, s.u(24), .6)
	if s.chance(.5) { // sails
		a := s.in(0, 1.5)
		for i := range 4 {
			sin, cos := math.Sincos(a + float64(i)*math.Pi/2)
			s.line(flat(edge), point{x, foot - h*.85}, point{x + cos*h*.42, foot - h*.85 + sin*h*.42}, h*.02, h*.09)
		}
	}
}

func arches(s *stage) {
	s.backing(openWater, openLand)
	n := 2 + s.IntN(3)
	c := s.far.mix(s.lamp, .35)
	top, foot := s.height*s.in(.34, .5), s.height*s.in(.78, .92)
	s.fill(fade(c.times(1.25), c.times(.7)), point{-9, top + s.u(8)}, point{s.width / 2, top - s.u(s.in(0, 9))}, point{s.width + 9, top + s.u(8)}, point{s.width + 9, foot}, point{-9, foot})
	for i := range n {
		w := s.width / float64(n)
		x := w * (float64(i) + .5)
		hole := fade(s.skyLow, s.near.mix(s.skyLow, .4))
		s.oval(hole, x, top+s.u(14)+w*.34, w*.34, w*.34)
		s.box(hole, x-w*.34, top+s.u(14)+w*.34, x+w*.34, foot+1)
	}
	for x := 0.0; x < s.width; x += s.u(9) {
		s.box(flat(c.times(.5)).thin(.5), x, top+s.u(5), x+s.u(1), top+s.u(10))
	}
}

func village(s *stage) {
	openLand(s)
	n := 3 + s.IntN(6)
	for i := range n {
		t := float64(i) / float64(n)
		x, y := s.in(.05, .85)*s.width, s.height*(.5+.38*t)
		w := s.u(s.in(11, 17) * (.7 + t))
		h := w * s.in(.7, 1.2)
		c := s.lamp.mix(s.far, s.in(.1, .7))
		s.box(fade(c.times(1.1), c.times(.7)), x, y-h, x+w, y)
		s.fill(flat(hsl(s.in(0, 30), .6, s.in(.28, .45))), point{x - w*.12, y - h}, point{x + w*s.in(.3, .7), y - h*1.6}, point{x + w*1.12, y - h})
		s.box(flat(s.near.times(.5)), x+w*.2, y-h*.7, x+w*.4, y-h*.35)
		s.box(flat(s.near.times(.5)), x+w*.6, y-h*.5, x+w*.8, y)
	}
}

func peaks(s *stage) {
	s.sky()
	s.disc(s.in(.1, .9)*s.width, s.in(.1, .3)*s.height, s.u(s.in(4, 8)))
	for range 3 {
		x, w, top := s.in(.1, .9)*s.width, s.width*s.in(.3, .55), s.height*s.in(.14, .4)
		c := s.far.mix(s.near, s.in(.1, .9))
		s.fill(fade(c, c.mix(s.skyLow, .4)), point{x - w, s.height * .8}, point{x, top}, point{x + w, s.height * .8})
		s.fill(flat(c.times(.6)), point{x, top}, point{x + w, s.height * .8}, point{x + w*.1, s.height * .8}, point{x - w*.08, top + s.u(20)})
		s.fill(flat(grey(250)), point{x - w*.25, top + (s.height*.8-top)*.25}, point{x, top}, point{x + w*.25, top + (s.height*.8-top)*.25},
			point{x + w*.08, top + (s.height*.8-top)*.18}, point{x - w*.06, top + (s.height*.8-top)*.3})
	}
	if s.chance(.5) {
		s.sea(s.height * s.in(.68, .8))
	} else {
		s.ridge(fade(s.near.mix(s.far, .4), s.near), s.height*.74, s.u(5))
		x := s.in(.2, .8) * s.width
		s.fill(fade(grey(255), s.skyLow), point{x - s.u(3), s.height * .45}, point{x + s.u(3), s.height * .45}, point{x + s.u(9), s.height}, point{x - s.u(9), s.height})
	}
}

func dunes(s *stage) {
	s.sky()
	s.disc(s.in(.1, .9)*s.width, s.in(.1, .3)*s.height, s.u(s.in(5, 11)))
	for i := range 5 {
		t := float64(i) / 5
		c := s.lamp.mix(s.near, t*.8)
		y, k := s.height*(.36+.14*float64(i)), s.sign()
		crest := s.width * s.in(.2, .8)
		s.fill(fade(c, c.times(.8)), point{-9, y + s.u(14)}, point{crest, y - s.u(s.in(2, 14))}, point{s.width + 9, y + s.u(16)}, point{s.width + 9, s.height + 9}, point{-9, s.height + 9})
		s.fill(flat(c.times(.55)), point{crest, y - s.u(2)}, point{crest + k*s.width*.7, y + s.u(18)}, point{crest + k*s.width*.1, s.height})
	}
}

func flowers(s *stage) {
	s.backing(openLand, indoors, plain)
	n := 5 + s.IntN(6)
	x0, y0 := s.in(.35, .65)*s.width, s.height*s.in(.86, .98)
	for range n {
		x, y, r := x0+s.in(-.36, .36)*s.width, s.height*s.in(.16, .62), s.u(s.in(5, 11))
		s.line(flat(s.near.times(.8)), point{x0 + (x-x0)*.25, y0}, point{x, y}, s.u(1.8), s.u(1))
		c := s.lamp.mix(hsl(s.in(-40, 60), .9, .6), s.Float64())
		petals := 6 + s.IntN(6)
		for i := range petals {
			a := 2 * math.Pi * float64(i) / float64(petals)
			s.fill(flat(c.times(s.in(.85, 1.1))), oval(x+r*.65*math.Cos(a), y+r*.65*math.Sin(a), r*.55, r*.24, a)...)
		}
		s.oval(flat(s.near.times(.5)), x, y, r*.38, r*.38)
	}
	if s.chance(.6) {
		s.fill(fade(s.far.mix(grey(255), .4), s.near), point{x0 - s.u(12), y0 - s.u(16)}, point{x0 + s.u(12), y0 - s.u(16)}, point{x0 + s.u(8), y0 + s.u(8)}, point{x0 - s.u(8), y0 + s.u(8)})
	}
}

func vessel(s *stage) {
	s.backing(indoors, plain)
	body, edge := s.strong()
	n := 1 + s.IntN(3)
	for i := range n {
		x := s.width * (float64(i) + s.in(.35, .65)) / float64(n)
		foot, h := s.height*s.in(.82, .94), s.height*s.in(.3, .52)
		w := h * s.in(.35, .6)
		c := body.mix(s.lamp, .4*float64(i%2))
		s.oval(flat(s.near.times(.3)).thin(.5), x, foot, w*1.2, w*.2)
		s.fill(fade(c.times(1.4), c.times(.8)), append(oval(x, foot-h*.45, w, h*.45, 0), point{x, foot})...)
		s.fill(flat(c.times(.6)), point{x - w*.5, foot - h}, point{x + w*.5, foot - h}, point{x + w*.7, foot - h*.7}, point{x - w*.7, foot - h*.7})
		k := s.sign()
		s.path(flat(edge), w*.14, point{x + k*w*.7, foot - h*.75}, point{x + k*w*1.3, foot - h*.65}, point{x + k*w*1.2, foot - h*.35}, point{x + k*w*.8, foot - h*.25})
		s.oval(flat(grey(255)).thin(.6), x-w*.4, foot-h*.6, w*.14, h*.12)
	}
}

// slab is something flat on a table, seen from above: a board, a book, a map.
func slab(s *stage) {
	s.ground(fade(s.near.mix(s.lamp, .3), s.near))
	a := s.in(-.5, .5)
	sin, cos := math.Sincos(a)
	x, y, l := s.in(.42, .58)*s.width, s.in(.42, .58)*s.height, s.width*s.in(.3, .38)
	at := func(u, v float64) point { return point{x + (u*cos-v*sin)*l, y + (u*sin+v*cos)*l*.9} }
	quad := func(p wash, u0, v0, u1, v1 float64) { s.fill(p, at(u0, v0), at(u1, v0), at(u1, v1), at(u0, v1)) }
	quad(flat(s.near.times(.3)), -1.05, -.95, 1.12, 1.1)
	quad(fade(s.lamp, s.lamp.times(.8)), -1.08, -1.02, 1.02, 1.02)
	n := 3 + s.IntN(6)
	for i := range n {
		for j := range n {
			if (i+j)%2 == 0 && s.chance(.85) {
				u, v := -1+2*float64(i)/float64(n), -1+2*float64(j)/float64(n)
				quad(flat(s.far.mix(s.near, s.Float64())), u+.03, v+.03, u+2/float64(n)-.03, v+2/float64(n)-.03)
			}
		}
	}
	for range 4 {
		p := at(s.in(-.9, .9), s.in(-.9, .9))
		r := s.u(s.in(4, 9))
		s.oval(flat(s.near.times(.4)).thin(.6), p.x+r*.3, p.y+r*.3, r, r)
		s.oval(fade(grey(250), s.far), p.x, p.y, r, r)
	}
}

func circles(s *stage) {
	plain(s)
	for range 9 + s.IntN(8) {
		x, y, r := s.in(0, s.width), s.in(0, s.height), s.u(s.in(4, 24))
		c := of(s.random, s.lamp, s.near, s.far, s.skyTop, grey(245))
		s.oval(flat(c).thin(s.in(.6, 1)), x, y, r, r)
		s.oval(flat(c.times(.6)).thin(.7), x+r*.15, y+r*.15, r*.6, r*.6)
	}
}

func spiral(s *stage) {
	plain(s)
	cx, cy := s.in(.25, .75)*s.width, s.in(.25, .75)*s.height
	k, turn := s.sign(), s.in(0, 7)
	for i := range 70 {
		t := float64(i) / 70
		a, r := k*t*19+turn, s.width*.8*(1-t)
		sin, cos := math.Sincos(a)
		x, y, w := cx+r*cos, cy+r*sin, s.u(13*(1-t)+1)
		c := s.lamp.mix(s.near, t)
		if i%2 == 0 {
			c = s.far.times(.6 + t)
		}
		s.fill(flat(c), point{x + w*cos, y + w*sin}, point{x - w*sin - w*.5*cos, y + w*cos - w*.5*sin}, point{x + w*sin - w*.5*cos, y - w*cos - w*.5*sin})
	}
}

func bands(s *stage) {
	plain(s)
	n := 7 + s.IntN(6)
	a, b, f := s.in(0, 7), s.in(0, 7), s.in(3, 8)
	for i := range n {
		var top, low []point
		y := s.height * (float64(i) + .5) / float64(n)
		for x := -9.0; x < s.width+9; x += 8 {
			t := x / s.width
			dy, w := s.u(7)*math.Sin(f*t+a+float64(i)*.4), s.height/float64(n)*(.3+.22*math.Sin(f*1.4*t+b))
			top, low = append(top, point{x, y + dy - w}), append([]point{{x, y + dy + w}}, low...)
		}
		s.fill(fade(s.lamp.mix(s.near, s.Float64()), s.far), append(top, low...)...)
	}
}

func maze(s *stage) {
	plain(s)
	_, edge := s.strong()
	n := 7 + s.IntN(4)
	step := s.width / float64(n)
	for i := range n + 1 {
		for j := range n + 1 {
			x, y := float64(i)*step, float64(j)*step*s.height/s.width
			if s.chance(.5) {
				s.plank(flat(edge), x-step*.1, y, x+step*1.1, y, step*.2)
			} else {
				s.plank(flat(edge), x, y-step*.1, x, y+step*1.1, step*.2)
			}
		}
	}
	for range 3 {
		s.oval(flat(s.lamp), (float64(s.IntN(n))+.5)*step, (float64(s.IntN(n))+.5)*step, step*.3, step*.3)
	}
}

func cubes(s *stage) {
	plain(s)
	x, y := s.in(.35, .65)*s.width, s.height*1.02
	lean := s.in(-.6, .6)
	for i := range 9 {
		w := s.u(s.in(8, 13))
		x += lean*w*.5 + s.in(-.5, .5)*w
		y -= w * s.in(.7, 1)
		s.cube(x, y, w)
		if i%3 == 0 {
			s.cube(s.in(.05, .95)*s.width, s.height*s.in(.5, .98), w*.7)
		}
	}
}

func (s *stage) cube(x, y, w float64) {
	c := s.lamp.mix(s.far, s.Float64())
	s.fill(flat(c.times(1.25)), point{x, y - w*.5}, point{x + w, y - w}, point{x, y - w*1.5}, point{x - w, y - w})
	s.fill(flat(c.times(.8)), point{x - w, y - w}, point{x, y - w*.5}, point{x, y + w*.6}, point{x - w, y + w*.1})
	s.fill(flat(c.times(.45)), point{x + w, y - w}, point{x, y - w*.5}, point{x, y + w*.6}, point{x + w, y + w*.1})
}

func branches(s *stage) {
	plain(s)
	_, edge := s.strong()
	from := point{s.in(.3, .7) * s.width, s.in(.3, .95) * s.height}
	s.glow(s.lamp, from.x, from.y, s.u(50), .9)
	for i := range 5 {
		s.branch(from, 2*math.Pi*float64(i)/5+s.in(-.3, .3), s.u(s.in(17, 25)), 4, edge)
	}
	s.oval(flat(grey(255)), from.x, from.y, s.u(4), s.u(4))
}

func (s *stage) branch(from point, angle, length float64, depth int, c rgb) {
	sin, cos := math.Sincos(angle)
	to := point{from.x + length*cos, from.y + length*sin}
	s.line(flat(c), from, to, s.u(.7*float64(depth)), s.u(.7*float64(depth-1)+.4))
	if depth > 1 {
		s.branch(to, angle+s.in(.2, .7), length*.76, depth-1, c)
		s.branch(to, angle-s.in(.2, .7), length*.76, depth-1, c)
	}
}

func burst(s *stage) {
	plain(s)
	cx, cy := s.in(.3, .7)*s.width, s.in(.3, .7)*s.height
	for range 26 {
		a, r0, r1 := s.in(0, 2*math.Pi), s.u(s.in(3, 14)), s.u(s.in(24, 80))
		w := s.in(.03, .14)
		p := func(r, a float64) point { return point{cx + r*math.Cos(a), cy + r*math.Sin(a)} }
		c := of(s.random, s.lamp, s.near, s.far, grey(245), s.skyTop)
		s.fill(flat(c.times(s.in(.7, 1.2))), p(r0, a), p(r1, a-w), p(r1*1.12, a), p(r1, a+w))
	}
}

func dots(s *stage) {
	plain(s)
	for range 5 {
		cx, cy, spread := s.in(.1, .9)*s.width, s.in(.1, .9)*s.height, s.u(s.in(8, 18))
		c := of(s.random, s.lamp, s.near, s.far, grey(245))
		for range 70 {
			r := s.u(s.in(.8, 2.6))
			s.oval(flat(c), cx+s.NormFloat64()*spread, cy+s.NormFloat64()*spread, r, r)
		}
	}
}
