package picture

import "math"

// street runs to a far point between houses, wet and lit by lamps.
func street(s *stage) {
	s.sky()
	s.houses(1.05)
	s.wetRoad()
	lamp := s.open + s.u(s.in(-6, 6))
	for _, dx := range []float64{-2.6, 2.6} { // the waiting car
		x, y := lamp+s.u(dx), s.horizon+s.u(5)
		s.glow(s.lamp, x, y, s.u(16), .9)
		s.oval(flat(grey(255)), x, y, s.u(1), s.u(.9))
		s.fill(flat(s.lamp).thin(.28), point{x, y}, point{x - s.side*s.u(-70), s.height}, point{x - s.side*s.u(-10), s.height})
	}
	s.lamps()
	s.rain(130, .35)
}

// houses line both sides of the way to the open point.
func (s *stage) houses(tall float64) {
	for _, edge := range []float64{-.08 * s.width, 1.08 * s.width} {
		for z := .18; z < 1.7; {
			next := z * s.in(1.25, 1.6)
			s.house(edge, z, next, tall*s.in(.7, 1.25))
			z = next
		}
	}
}

// house is one front between two depths; 1 is the picture's edge.
func (s *stage) house(edge, near, far, tall float64) {
	x := func(z float64) float64 { return s.open + (edge-s.open)*z }
	top := func(z float64) float64 { return s.horizon - s.height*.62*z*tall }
	foot := func(z float64) float64 { return s.horizon + s.height*.34*z }
	wall := s.far.mix(s.near, unit(near*.8)).mix(s.skyLow, s.in(0, .25))
	s.fill(fade(wall.times(1.25), wall.times(.6)), point{x(near), top(near)}, point{x(far), top(far)},
		point{x(far), foot(far)}, point{x(near), foot(near)})
	rows, columns := 3+s.IntN(3), 2+s.IntN(2)
	for i := range rows {
		for j := range columns {
			a, b := s.pane(near, far, j, columns)
			lit := flat(s.lamp.mix(hsl(20, .9, .6), s.in(0, .5))).thin(s.in(.65, 1))
			if !s.chance(.55) || !s.night {
				lit = flat(wall.times(s.in(.4, .8)))
			}
			v0, v1 := (float64(i)+.3)/float64(rows+1), (float64(i)+.8)/float64(rows+1)
			y := func(z, v float64) float64 { return top(z) + (foot(z)-top(z))*v }
			s.fill(lit, point{x(a), y(a, v0)}, point{x(b), y(b, v0)}, point{x(b), y(b, v1)}, point{x(a), y(a, v1)})
		}
	}
}

func (s *stage) pane(near, far float64, j, columns int) (a, b float64) {
	step := (far - near) / float64(columns)
	return near + step*(float64(j)+.25), near + step*(float64(j)+.75)
}

func (s *stage) wetRoad() {
	road := s.near.mix(s.far, .5)
	s.fill(fade(road.mix(s.skyLow, .6), road.times(.7)), point{s.open - s.u(3), s.horizon}, point{s.open + s.u(3), s.horizon},
		point{s.width * 1.4, s.height + 9}, point{-.4 * s.width, s.height + 9})
	for range 34 { // reflections stand upright below what they mirror
		x, y := s.in(0, s.width), s.in(s.horizon+s.u(6), s.height)
		l := s.u(s.in(3, 16))
		c := s.lamp.mix(hsl(s.in(0, 360), .8, .55), s.in(0, .55))
		s.fill(fade(c, road).thin(s.in(.15, .5)), point{x, y - l}, point{x + s.u(1.2), y}, point{x, y + l}, point{x - s.u(1.2), y})
	}
	for range 9 { // puddles
		x, y := s.in(0, s.width), s.in(s.horizon+s.u(14), s.height)
		s.oval(flat(s.skyLow.mix(s.lamp, .25)).thin(.5), x, y, s.u(s.in(6, 18)), s.u(s.in(.6, 1.6)))
	}
}

func (s *stage) lamps() {
	for _, z := range []float64{.3, .55, .95} {
		x := s.open - s.side*s.width*.36*z
		top, foot := s.horizon-s.height*.5*z, s.horizon+s.height*.3*z
		s.plank(flat(s.near.times(.5)), x, foot, x, top, s.u(1.6*z))
		s.glow(s.lamp, x, top, s.u(26*z), .8)
		s.oval(flat(s.lamp.mix(grey(255), .6)), x, top, s.u(2.6*z), s.u(2.1*z))
	}
}

// alley is a street with pipes and crates, and one lamp overhead.
func alley(s *stage) {
	s.sky()
	s.houses(1.9)
	floor := s.near.mix(s.far, .4)
	s.fill(fade(floor.mix(s.lamp, .35), floor), point{s.open - s.u(4), s.horizon}, point{s.open + s.u(4), s.horizon},
		point{s.width * 1.5, s.height + 9}, point{-.5 * s.width, s.height + 9})
	x, y := s.open+s.u(s.in(-8, 8)), s.u(s.in(8, 16))
	s.fill(fade(s.lamp, s.lamp.mix(floor, .4)).thin(.5), point{x - s.u(3), y}, point{x + s.u(3), y},
		point{x + s.u(48), s.height}, point{x - s.u(48), s.height})
	s.oval(flat(s.lamp).thin(.7), x, s.height*.9, s.u(52), s.u(9))
	for range 5 { // cables sag from wall to wall
		s.cable(s.in(0, s.horizon*.7))
	}
	s.pipes()
	s.crates()
	s.glow(s.lamp, x, y, s.u(30), 1)
	s.fill(flat(s.near.times(.4)), point{x - s.u(7), y}, point{x - s.u(2), y - s.u(5)}, point{x + s.u(2), y - s.u(5)}, point{x + s.u(7), y})
	s.oval(flat(grey(255)), x, y, s.u(3), s.u(2.4))
}

func (s *stage) cable(y float64) {
	sag, end := s.u(s.in(4, 16)), s.in(0, s.horizon*.7)
	var pts []point
	for i := range 13 {
		t := float64(i) / 12
		pts = append(pts, point{s.width * t, y + (end-y)*t + sag*4*t*(1-t)})
	}
	s.path(flat(s.near.times(.35)), s.u(.5), pts...)
}

func (s *stage) pipes() {
	for range 4 {
		x := s.open - s.side*s.width*s.in(.22, .5)
		p := s.far.mix(s.lamp, s.in(.05, .3))
		s.plank(flat(s.near.times(.5)), x+s.u(.5), 0, x+s.u(.5), s.height*.84, s.u(3))
		s.plank(flat(p), x, 0, x, s.height*.84, s.u(2.2))
	}
}

func (s *stage) crates() {
	for range 6 {
		x, size := s.open-s.side*s.width*s.in(.12, .5), s.u(s.in(9, 17))
		y := s.height*s.in(.8, .98) - size
		c := hsl(30, .4, .34).mix(s.near, .3).mix(s.lamp, s.in(0, .25))
		s.box(fade(c.times(1.3), c), x, y, x+size, y+size)
		for i := range 4 {
			v := y + size*float64(i)/4
			s.plank(flat(c.times(.45)), x, v, x+size, v, s.u(.5))
		}
		s.plank(flat(c.times(.5)), x, y+size, x+size, y, s.u(1.2))
	}
}

// rooftops lie under a moon, in rows that darken towards the viewer.
func rooftops(s *stage) {
	s.sky()
	s.disc(s.open+s.u(s.in(-12, 12)), s.u(s.in(20, 34)), s.u(s.in(8, 13)))
	base := min(s.horizon+s.u(8), s.u(72))
	for i := range 3 {
		t := float64(i) / 2
		s.blocks(s.skyLow.mix(s.near, .45+.5*t), base-s.u(14)+s.u(15)*float64(i), 4+3*t)
	}
	s.ledge()
}

// blocks is one row of houses as silhouettes with lit windows.
func (s *stage) blocks(c rgb, y, size float64) {
	for x := -s.u(s.in(0, 10)); x < s.width; {
		w, top := s.u(size*s.in(1.4, 4)), y-s.u(size*s.in(.2, 4))
		s.box(fade(c, c.times(.8)), x, top, x+w, s.height)
		s.roofthing(c, x+w*s.in(.1, .7), top, size)
		for wy := top + s.u(size*.5); wy < y+s.u(20); wy += s.u(size * .9) {
			for wx := x + s.u(size*.3); wx < x+w-s.u(size*.5); wx += s.u(size * .65) {
				if s.chance(.3) {
					s.box(flat(s.lamp.mix(hsl(32, 1, .6), s.Float64())).thin(s.in(.6, 1)), wx, wy, wx+s.u(size*.28), wy+s.u(size*.42))
				}
			}
		}
		x += w
	}
}

// roofthing is a chimney or a water tank.
func (s *stage) roofthing(c rgb, x, y, size float64) {
	w := s.u(size * .45)
	if s.chance(.6) {
		s.box(flat(c), x, y-w*1.8, x+w, y+1)
		return
	}
	s.box(flat(c), x, y-w*2.6, x+w*2, y-w*.8)
	s.fill(flat(c), point{x - w*.2, y - w*2.6}, point{x + w, y - w*3.5}, point{x + w*2.2, y - w*2.6})
	s.plank(flat(c), x+w*.3, y-w, x+w*.3, y, w*.25)
	s.plank(flat(c), x+w*1.7, y-w, x+w*1.7, y, w*.25)
}

// ledge is the two roofs in front, and the gap between them.
func (s *stage) ledge() {
	gap := s.open + s.u(s.in(-14, 14))
	c := s.near.mix(s.far, .25)
	for _, r := range [][2]float64{{-9, gap - s.u(11)}, {gap + s.u(11), s.width + 9}} {
		y := s.height * s.in(.86, .92)
		s.box(fade(c.mix(s.lamp, .4), c), r[0], y, r[1], y+s.u(3))
		s.box(fade(c, c.times(.4)), r[0], y+s.u(3), r[1], s.height)
	}
}

// greenhouse is panes of light behind layers of leaves.
func greenhouse(s *stage) {
	s.ground(fade(s.skyTop, s.skyLow))
	s.glow(s.lamp, s.open, s.u(22), s.u(90), .5)
	s.panes()
	for i := range 3 {
		t := float64(i) / 2
		s.leaves(s.far.mix(s.near, t), 26+14*i, 5+4*t, .62+.14*t)
	}
	for range 8 { // blossoms
		x, y, r := s.in(0, s.width), s.height*s.in(.5, .9), s.u(s.in(1, 2.4))
		c := hsl(s.in(-40, 50), .8, .66)
		for i := range 5 {
			a := float64(i) * 2 * math.Pi / 5
			s.oval(flat(c), x+r*math.Cos(a), y+r*math.Sin(a), r*.75, r*.75)
		}
		s.oval(flat(hsl(48, .9, .6)), x, y, r*.6, r*.6)
	}
}

func (s *stage) panes() {
	bar := flat(s.near.mix(s.skyTop, .3))
	apex := point{s.open, -s.u(s.in(4, 30))}
	n := 9
	for i := range n { // every pane has its own light
		a, b := s.width*1.6*float64(i)/float64(n)-s.width*.3, s.width*1.6*float64(i+1)/float64(n)-s.width*.3
		s.fill(flat(s.skyTop.mix(s.far, s.in(0, .8))).thin(.45), apex, point{a, s.u(46)}, point{b, s.u(46)})
		s.fill(flat(s.skyLow.mix(s.far, s.in(0, .8))).thin(.4), point{a, s.u(46)}, point{b, s.u(46)}, point{b, s.height}, point{a, s.height})
		s.line(bar, apex, point{a, s.u(46)}, s.u(.6), s.u(1.3))
		s.plank(bar, a, s.u(46), a, s.height, s.u(1.3))
	}
	for _, y := range []float64{18, 46, 72} {
		s.plank(bar, 0, s.u(y), s.width, s.u(y+s.in(-3, 3)), s.u(1.2))
	}
}

// leaves grow from the bottom and thin out towards the figure's head.
func (s *stage) leaves(c rgb, n int, size, from float64) {
	for range n {
		x := s.in(0, s.width)
		y := s.height*from + s.u(s.in(-26, 40))*unit(.4+math.Abs(x/s.width-.5))
		a := -math.Pi/2 + s.in(-1.1, 1.1)
		l := s.u(size * s.in(1, 2.4))
		k := c.mix(s.lamp, s.in(0, .3))
		tip := point{x + l*math.Cos(a), y + l*math.Sin(a)}
		s.line(flat(k.times(.7)), point{x - .2*(tip.x-x), s.height + 9}, point{x, y}, s.u(.7), s.u(.4))
		s.fill(fade(k.times(1.2), k.times(.8)), oval((x+tip.x)/2, (y+tip.y)/2, l*.6, l*s.in(.16, .28), a)...)
		s.line(flat(k.times(1.4)), point{x, y}, tip, s.u(.3), s.u(.1))
	}
}

// sea is water to the horizon with islands on it.
func (s *stage) sea(y float64) {
	for i := range 3 {
		s.islands(s.far.mix(s.skyLow, .6-.3*float64(i)), y)
	}
	s.box(fade(s.far.mix(s.skyLow, .5), s.near), -9, y, s.width+9, s.height+9)
	for range 120 {
		t := s.Float64()
		v := y + (s.height-y)*t*t
		l := s.u(2 + 16*t*s.Float64())
		x := s.in(-l, s.width)
		c := s.skyLow.mix(s.lamp, .4)
		if s.chance(.4) {
			c = s.near.times(.8)
		}
		s.oval(flat(c).thin(s.in(.25, .7)), x, v, l, s.u(.2+.7*t))
	}
}

func (s *stage) islands(c rgb, y float64) {
	for range 2 {
		x, w, h := s.in(0, s.width), s.u(s.in(12, 40)), s.u(s.in(3, 13))
		k := s.in(.25, .75)
		s.fill(fade(c.mix(s.lamp, .2), c), point{x - w, y + 1}, point{x - w*.6, y - h*.4}, point{x - w + 2*w*k, y - h},
			point{x + w*.5, y - h*.5}, point{x + w, y + 1})
	}
}

// ferry is a deck with a rail before a calm sea.
func ferry(s *stage) {
	s.sky()
	s.disc(s.open+s.u(s.in(-20, 20)), s.horizon-s.u(s.in(8, 24)), s.u(6))
	s.sea(s.horizon)
	deck := s.height * s.in(.8, .86)
	wood := hsl(26, .55, .5).mix(s.near, .25)
	s.box(fade(wood.times(1.2), wood.times(.7)), -9, deck, s.width+9, s.height+9)
	for i := range 12 {
		x := s.width * (float64(i)/11*1.6 - .3)
		s.line(flat(wood.times(.6)), point{s.open + (x-s.open)*.7, deck}, point{x, s.height + 9}, s.u(.4), s.u(.8))
		s.fill(flat(s.near).thin(.4), point{s.open + (x-s.open)*.7, deck}, point{s.open + (x-s.open)*.7 + s.u(1), deck},
			point{x + s.side*s.u(22), s.height + 9}, point{x + s.side*s.u(18), s.height + 9})
	}
	rail := grey(244).mix(s.skyLow, .2)
	for x := s.u(s.in(0, 14)); x < s.width; x += s.u(17) {
		s.plank(flat(rail), x, deck-s.u(21), x, deck+s.u(2), s.u(1.4))
	}
	for _, y := range []float64{21, 14, 7} {
		s.plank(flat(rail), -9, deck-s.u(y), s.width+9, deck-s.u(y), s.u(1.5))
	}
	s.bag(s.open+s.u(s.in(-10, 10)), deck+s.u(8))
}

func (s *stage) bag(x, y float64) {
	c := hsl(s.in(340, 380), .62, .42)
	s.path(flat(c.times(.5)), s.u(1), point{x + s.u(5), y - s.u(10)}, point{x + s.u(6), y - s.u(14)}, point{x + s.u(12), y - s.u(14)}, point{x + s.u(13), y - s.u(10)})
	s.box(fade(c.times(1.2), c.times(.8)), x, y-s.u(10), x+s.u(18), y)
	s.box(flat(c.times(.55)), x+s.u(3), y-s.u(10), x+s.u(4.2), y)
	s.box(flat(c.times(.55)), x+s.u(14), y-s.u(10), x+s.u(15.2), y)
}

// jetty is a roof on posts over a lake with reeds, in the rain.
func jetty(s *stage) {
	s.sky()
	s.ridge(fade(s.far.mix(s.skyLow, .4), s.far), s.horizon-s.u(5), s.u(5))
	s.sea(s.horizon)
	for range 16 { // rings of raindrops
		x, t := s.in(0, s.width), s.Float64()
		y, r := s.horizon+(s.height-s.horizon)*(.2+.8*t), s.u(2+5*t)
		s.oval(flat(grey(245)).thin(.8), x, y, r, r*.28)
		s.oval(flat(s.far.mix(s.near, t)), x, y, r*.8, r*.19)
	}
	c := s.near.times(.6)
	lift := s.u(s.in(-4, 4))
	s.fill(flat(c), point{-9, -9}, point{s.width + 9, -9}, point{s.width + 9, s.u(7) + lift}, point{s.open, s.u(14)}, point{-9, s.u(7) - lift})
	for i, x := range []float64{.04, .37, .63, .96} {
		px := s.width * (x + s.in(-.03, .03))
		if math.Abs(x-.5+s.side*-.17) < .3 && (i == 1) != (s.side > 0) {
			continue // no post before the figure
		}
		s.plank(fade(c.times(1.6), c), px, 0, px, s.height*.9, s.u(3.4))
	}
	y := s.height * .87
	s.box(fade(s.near.mix(s.far, .6), c), -9, y, s.width+9, s.height+9)
	for v := y + s.u(3); v < s.height; v += s.u(3.2) {
		s.plank(flat(c.times(.5)), 0, v, s.width, v, s.u(.4))
	}
	s.reeds()
	s.rain(160, .7)
}

func (s *stage) reeds() {
	for range 46 {
		x := s.open - s.side*s.width*s.in(-.1, .34)
		h, lean := s.u(s.in(18, 46)), s.u(s.in(-6, 6))
		top := point{x + lean, s.height*.93 - h}
		s.line(flat(s.near.times(s.in(.5, 1.3))), point{x, s.height * .96}, top, s.u(1), s.u(.2))
		if s.chance(.35) {
			s.fill(flat(s.near.times(.45)), oval(top.x, top.y, s.u(.9), s.u(4), lean/h)...)
		}
	}
}

// carriage is a train's window on hills, with a blind and seats.
func carriage(s *stage) {
	wall := s.near.mix(s.far, .45)
	s.ground(fade(s.skyTop, s.skyLow))
	s.disc(s.open+s.u(s.in(-20, 20)), s.u(s.in(22, 40)), s.u(5))
	y := s.u(s.in(40, 52))
	for i := range 4 {
		t := float64(i) / 3
		s.ridge(fade(s.far.mix(s.skyLow, .7-.6*t), s.far.mix(s.near, t)), y+s.u(9)*float64(i), s.u(8-t*3))
	}
	for i := range 3 { // poles go by
		x := s.open + s.u(s.in(-60, 60)) + float64(i)*s.u(20)
		s.plank(flat(s.near), x, s.u(16), x, s.u(80), s.u(.9))
		s.plank(flat(s.near), x-s.u(4), s.u(20), x+s.u(4), s.u(20), s.u(.7))
	}
	x0, x1 := s.open-s.u(s.in(50, 64)), s.open+s.u(s.in(50, 64))
	top, low := s.u(s.in(8, 13)), s.u(s.in(66, 74))
	s.box(fade(wall.times(1.25), wall), -9, -9, x0, s.height+9)
	s.box(fade(wall.times(1.25), wall), x1, -9, s.width+9, s.height+9)
	s.box(flat(wall.times(1.2)), x0-1, -9, x1+1, top)
	s.box(fade(wall, wall.times(.7)), x0-1, low, x1+1, s.height+9)
	blind := s.in(.12, .4)
	s.box(fade(s.lamp.mix(wall, .45), s.lamp.mix(wall, .25)), x0, top, x1, top+(low-top)*blind)
	for i := range 7 {
		v := top + (low-top)*blind*float64(i)/7
		s.plank(flat(wall).thin(.5), x0, v, x1, v, s.u(.4))
	}
	frame := flat(wall.times(.45))
	s.path(frame, s.u(2.6), point{x0, top}, point{x1, top}, point{x1, low}, point{x0, low}, point{x0, top})
	s.plank(frame, (x0+x1)/2, top, (x0+x1)/2, low, s.u(1.2))
	s.seats(wall)
	for range 4 { // broken bands of light
		x := s.in(0, s.width)
		s.fill(flat(s.lamp).thin(.22), point{x, low}, point{x + s.u(12), low}, point{x + s.u(30), s.height}, point{x + s.u(10), s.height})
	}
}

func (s *stage) seats(wall rgb) {
	c := hsl(352, .5, .34).mix(wall, .3)
	for _, x := range []float64{s.open - s.side*s.u(62), s.open + s.side*s.u(40)} {
		s.box(fade(c.times(1.4), c.times(.7)), x-s.u(20), s.u(58), x+s.u(20), s.height+9)
		s.oval(flat(c.times(1.4)), x, s.u(58), s.u(20), s.u(7))
		s.oval(flat(wall.mix(s.lamp, .5)), x, s.u(60), s.u(12), s.u(4))
	}
}

// barn is dark planks with light between them, and an open door.
func barn(s *stage) {
	s.ground(fade(s.near, s.far))
	for x := -s.u(s.in(0, 6)); x < s.width; x += s.u(7) {
		c := s.far.mix(s.near, s.in(0, .8))
		s.box(fade(c.times(.8), c.times(1.3)), x, 0, x+s.u(6.2), s.height*.8)
		if s.chance(.55) {
			s.box(fade(s.lamp, s.lamp.mix(s.far, .5)).thin(s.in(.4, 1)), x+s.u(6.2), s.u(s.in(4, 30)), x+s.u(6.2)+s.u(s.in(.3, .9)), s.height*s.in(.6, .8))
		}
	}
	d0, d1, top := s.open-s.u(s.in(14, 24)), s.open+s.u(s.in(12, 24)), s.u(s.in(22, 34))
	s.box(fade(s.lamp.mix(grey(255), .5), s.lamp), d0, top, d1, s.height*.82)
	s.ridgeIn(d0, d1)
	s.door(d0, d1, top)
	s.box(fade(s.far.mix(s.lamp, .3), s.near), -9, s.height*.8, s.width+9, s.height+9)
	s.fill(fade(s.lamp, s.far).thin(.6), point{d0, s.height * .8}, point{d1, s.height * .8}, point{d1 + s.u(30), s.height}, point{d0 - s.u(34), s.height})
	s.trusses()
	gap := s.width * s.in(.2, .8)
	s.fill(fade(s.lamp, s.lamp.mix(s.far, .2)).thin(.34), point{gap, 0}, point{gap + s.u(7), 0},
		point{gap + s.side*s.u(30) + s.u(24), s.height}, point{gap + s.side*s.u(30) - s.u(8), s.height})
	s.straw()
}

// ridgeIn is the yard's hills as the door shows them.
func (s *stage) ridgeIn(x0, x1 float64) {
	y := s.height * s.in(.58, .66)
	s.fill(fade(s.far.mix(s.lamp, .55), s.far.mix(s.lamp, .2)), point{x0, y}, point{x0 + (x1-x0)*s.in(.2, .5), y - s.u(6)},
		point{x1, y + s.u(2)}, point{x1, s.height * .82}, point{x0, s.height * .82})
}

func (s *stage) door(x0, x1, top float64) {
	c := s.near.mix(s.far, .5)
	hinge, far := x0, x0-s.u(22)
	if s.side < 0 {
		hinge, far = x1, x1+s.u(22)
	}
	s.fill(fade(c.times(1.6), c), point{hinge, top}, point{far, top - s.u(7)}, point{far, s.height * .9}, point{hinge, s.height * .82})
	s.line(flat(c.times(.5)), point{hinge, top + s.u(4)}, point{far, s.height * .84}, s.u(2), s.u(3))
	s.line(flat(c.times(.5)), point{hinge, s.height * .78}, point{far, top + s.u(2)}, s.u(2), s.u(3))
}

func (s *stage) trusses() {
	c := s.near.times(.6)
	y := s.u(s.in(12, 20))
	s.plank(flat(c), -9, y, s.width+9, y+s.u(s.in(-3, 3)), s.u(5))
	for i := range 4 {
		x := s.width * (float64(i) + s.in(.1, .5)) / 4
		s.plank(flat(c), x, y, x+s.u(16)*s.sign(), -9, s.u(3.4))
	}
	x := s.width * (.5 + s.side*.46)
	s.plank(flat(c), x, 0, x, s.height, s.u(7))
}

func (s *stage) straw() {
	for range 120 {
		x, y, a := s.in(0, s.width), s.height*s.in(.82, 1), s.in(0, math.Pi)
		l := s.u(s.in(1.5, 5))
		s.line(flat(hsl(44, .7, s.in(.4, .7))).thin(.8), point{x, y}, point{x + l*math.Cos(a), y - l*math.Sin(a)*.5}, s.u(.45), s.u(.2))
	}
	for range 60 { // dust in the light
		s.oval(flat(s.lamp).thin(s.in(.3, .8)), s.in(0, s.width), s.in(0, s.height), s.u(s.in(.15, .45)), s.u(.3))
	}
}

// forest is bare trunks in depth, with beams between them and a stream.
func forest(s *stage) {
	s.ground(fade(s.skyTop, s.skyLow))
	s.glow(s.lamp, s.open, s.u(20), s.u(80), .6)
	for i := range 3 {
		t := float64(i) / 2
		y := s.horizon + s.u(4+10*t)
		s.ridge(fade(s.far.mix(s.skyLow, .5-.4*t), s.far.mix(s.near, t)), y, s.u(3))
		s.trunks(s.skyLow.mix(s.near, .35+.6*t), 11-3*i, 1.6+3.2*t, y+s.u(4))
	}
	s.stream()
	for range 4 {
		x := s.open + s.u(s.in(-60, 60))
		s.fill(fade(s.lamp, s.skyLow).thin(s.in(.25, .5)), point{x, -9}, point{x + s.u(8), -9},
			point{x - s.side*s.u(34) + s.u(16), s.height}, point{x - s.side*s.u(34) - s.u(4), s.height})
	}
}

func (s *stage) trunks(c rgb, n int, wide, foot float64) {
	for i := range n {
		x := s.width * (float64(i) + s.Float64()) / float64(n)
		w, lean := s.u(wide*s.in(.6, 1.4)), s.u(s.in(-5, 5))
		s.line(flat(c), point{x, foot + s.u(3)}, point{x + lean, -9}, w*1.3, w*.8)
		s.line(flat(c.mix(s.lamp, .4)), point{x - s.side*w*.35, foot}, point{x + lean - s.side*w*.25, -9}, w*.3, w*.15)
		for range 2 {
			y, l := s.in(0, foot*.6), s.u(s.in(6, 15))*s.sign()
			s.line(flat(c), point{x + lean*(1-y/foot), y}, point{x + l, y - math.Abs(l)*.7}, w*.4, w*.1)
		}
	}
}

func (s *stage) stream() {
	c := s.skyTop.mix(grey(255), .45)
	bend := s.u(s.in(-18, 18))
	mid := s.horizon + (s.height-s.horizon)*.5
	s.fill(fade(s.skyLow, c), point{s.open - s.u(4), s.horizon + s.u(12)}, point{s.open + s.u(4), s.horizon + s.u(12)},
		point{s.open + bend + s.u(22), mid + s.u(8)}, point{s.open + s.u(60), s.height + 9}, point{s.open - s.u(52), s.height + 9}, point{s.open + bend - s.u(14), mid + s.u(8)})
	for range 9 {
		t := s.Float64()
		y := mid + (s.height-mid)*t
		x, r := s.open+bend*(1-t)+s.u(s.in(-44, 44))*(.4+.6*t), s.u(2+6*t)
		s.oval(flat(s.near.times(.8)), x, y+r*.2, r*1.1, r*.5)
		s.oval(flat(s.far.mix(s.lamp, .3)), x, y, r, r*.42)
	}
	for range 30 {
		x, y := s.open+s.u(s.in(-50, 50)), s.in(mid, s.height)
		s.oval(flat(s.near).thin(.4), x, y, s.u(s.in(2, 8)), s.u(.3))
	}
}

// hall is a station's columns and arches under a glazed roof.
func hall(s *stage) {
	s.ground(fade(s.skyTop, s.skyLow))
	roof := s.far.mix(s.skyTop, .4)
	for i := range 13 { // the ribs of the roof
		x := s.width * (float64(i)/12*1.8 - .4)
		s.line(flat(roof.times(.7)), point{s.open, s.horizon - s.u(20)}, point{x, -9}, s.u(.6), s.u(2.4))
	}
	for _, z := range []float64{.34, .5, .75, 1.1} {
		y := s.horizon - s.u(20) - s.u(34)*z
		s.plank(flat(roof.times(.75)), 0, y, s.width, y, s.u(1.6*z))
	}
	s.arches()
	floor := s.skyLow.mix(s.far, .35)
	s.box(fade(floor.mix(grey(255), .3), floor.mix(s.near, .3)), -9, s.horizon+s.u(4), s.width+9, s.height+9)
	for i := range 9 { // bars of light and shadow
		a := (float64(i) + s.in(0, .4)) / 9
		x := s.width * (a*1.8 - .4)
		s.fill(flat(s.near).thin(.55), point{s.open + (x-s.open)*.12, s.horizon + s.u(4)}, point{s.open + (x-s.open)*.12 + s.u(1), s.horizon + s.u(4)},
			point{x + s.u(13), s.height + 9}, point{x, s.height + 9})
	}
	for _, z := range []float64{.3, .45, .68, 1.05} {
		for _, side := range []float64{-1, 1} {
			s.column(s.open+side*s.width*.62*z, z)
		}
	}
}

func (s *stage) arches() {
	n := 5
	for i := range n {
		x := s.open + (float64(i)-float64(n-1)/2)*s.u(19)
		w, top := s.u(7), s.horizon-s.u(s.in(13, 17))
		c := s.lamp.mix(grey(255), .3)
		if i != n/2 && s.chance(.4) {
			c = s.far
		}
		s.box(fade(s.far, s.near), x-s.u(9.4), s.horizon-s.u(24), x+s.u(9.4), s.horizon+s.u(5))
		s.oval(flat(c), x, top, w, w)
		s.box(fade(c, s.skyLow), x-w, top, x+w, s.horizon+s.u(5))
		s.plank(flat(s.near), x, top-w, x, s.horizon+s.u(5), s.u(.6))
	}
}

func (s *stage) column(x, z float64) {
	w := s.u(8.5 * z)
	top, foot := s.horizon-s.u(20)-s.u(46)*z, s.horizon+s.u(4)+s.u(38)*z
	c := s.far.mix(s.near, .3+.3*z)
	s.box(fade(c, c.times(.8)), x-w/2, top, x+w/2, foot)
	s.box(flat(c.mix(s.lamp, .65)), x-s.side*w*.48, top, x-s.side*w*.2, foot)
	for _, y := range []float64{top, foot - s.u(3*z)} {
		s.box(flat(c.times(.7)), x-w*.8, y, x+w*.8, y+s.u(3.4*z))
	}
}

// cafe is a rainy window with lights behind it, a lamp and a table with a cup.
func cafe(s *stage) {
	wall := s.near.mix(hsl(14, .6, .42), .5)
	s.ground(fade(s.skyTop, s.skyLow))
	for range 26 { // the street's lights, out of focus
		c := hsl(of(s.random, 8.0, 30, 44, 190, 220, 330)+s.in(-10, 10), .85, .62)
		x, y, r := s.in(0, s.width), s.u(s.in(8, 66)), s.u(s.in(1.5, 6))
		s.oval(flat(c).thin(s.in(.4, .85)), x, y, r, r)
	}
	s.rain(120, .6)
	x0, x1 := s.open-s.u(s.in(46, 60)), s.open+s.u(s.in(46, 60))
	low := s.u(s.in(62, 70))
	s.box(fade(wall.times(1.1), wall.times(.8)), -9, -9, x0, s.height+9)
	s.box(fade(wall.times(1.1), wall.times(.8)), x1, -9, s.width+9, s.height+9)
	s.box(fade(wall.times(.9), wall.times(.6)), x0-1, low, x1+1, s.height+9)
	frame := flat(wall.times(.42))
	for i := range 4 {
		x := x0 + (x1-x0)*float64(i)/3
		s.plank(frame, x, 0, x, low, s.u(2))
	}
	s.plank(frame, x0, s.u(22), x1, s.u(22), s.u(1.6))
	s.plank(frame, x0-s.u(2), low, x1+s.u(2), low, s.u(3.4))
	s.pendant(wall)
	s.table()
}

func (s *stage) pendant(wall rgb) {
	x, y := s.open+s.side*s.u(s.in(20, 40)), s.u(s.in(18, 30))
	s.plank(flat(wall.times(.3)), x, 0, x, y, s.u(.5))
	s.glow(s.lamp, x, y+s.u(4), s.u(40), .75)
	s.fill(flat(hsl(4, .65, .42)), point{x - s.u(2), y - s.u(6)}, point{x + s.u(2), y - s.u(6)}, point{x + s.u(9), y + s.u(3)}, point{x - s.u(9), y + s.u(3)})
	s.oval(flat(s.lamp.mix(grey(255), .5)), x, y+s.u(3), s.u(7), s.u(1.6))
}

func (s *stage) table() {
	x, y := s.open+s.u(s.in(-14, 14)), s.height*s.in(.86, .9)
	wood := hsl(24, .6, .36)
	s.oval(flat(wood.times(.5)), x, y+s.u(3), s.u(52), s.u(12))
	s.oval(fade(wood.times(1.6), wood), x, y, s.u(52), s.u(11))
	cup := x + s.u(s.in(-16, 16))
	s.oval(flat(grey(225)), cup, y+s.u(1), s.u(9), s.u(2.4))
	s.fill(fade(grey(252), hsl(210, .3, .72)), point{cup - s.u(6), y - s.u(9)}, point{cup + s.u(6), y - s.u(9)}, point{cup + s.u(4), y + s.u(.6)}, point{cup - s.u(4), y + s.u(.6)})
	s.oval(flat(hsl(20, .6, .22)), cup, y-s.u(9), s.u(6), s.u(1.5))
	s.path(flat(grey(245)), s.u(1.1), point{cup + s.u(5.6), y - s.u(7)}, point{cup + s.u(9), y - s.u(6)}, point{cup + s.u(8), y - s.u(3)}, point{cup + s.u(5), y - s.u(2)})
	for i := range 3 { // steam
		var pts []point
		for k := range 9 {
			t := float64(k) / 8
			pts = append(pts, point{cup + s.u(float64(i-1)*3) + s.u(2.2)*math.Sin(5*t+float64(i)), y - s.u(11) - s.u(18)*t})
		}
		s.path(flat(grey(255)).thin(.4), s.u(1.1), pts...)
	}
}

// hillside is terraces in the sun with a flight of steps.
func hillside(s *stage) {
	s.sky()
	s.disc(s.open+s.u(s.in(-30, 30)), s.u(s.in(10, 20)), s.u(5))
	y := s.horizon - s.u(8)
	s.ridge(fade(s.skyLow.mix(s.far, .4).mix(s.skyTop, .3), s.far), y, s.u(9))
	for i := range 4 {
		t := float64(i+1) / 4
		c := s.far.mix(s.near, t).mix(hsl(s.in(40, 110), .6, .55), .4)
		top := s.ridge(fade(c.mix(s.lamp, .3), c.times(.75)), y+s.u(10)*float64(i+1), s.u(7))
		for k := 1; k <= 4; k++ { // walls of the terraces
			low := make([]point, len(top))
			for j, p := range top {
				low[j] = point{p.x, p.y + s.u(2.2)*float64(k)}
			}
			s.path(flat(c.times(.6)).thin(.7), s.u(.6), low...)
		}
		s.cypresses(top, t)
	}
	s.steps()
}

func (s *stage) cypresses(line []point, near float64) {
	for range 4 {
		p := line[s.IntN(len(line))]
		h := s.u(5 + 11*near)
		c := hsl(120+s.in(-20, 20), .45, .24)
		s.oval(flat(s.near.times(.5)).thin(.4), p.x-s.side*h*.3, p.y+s.u(2), h*.4, h*.08)
		s.oval(fade(c.times(1.5), c), p.x, p.y-h*.6, h*.16, h*.75)
	}
}

func (s *stage) steps() {
	c := hsl(38, .3, .72).mix(s.near, .15)
	n := 11
	bend := s.u(s.in(-26, 26))
	for i := range n {
		t := float64(i) / float64(n-1)
		y := s.horizon + s.u(10) + (s.height-s.horizon-s.u(10))*math.Pow(t, 1.4)
		next := s.u(1.6 + 4.4*t)
		x, w := s.open+bend*(1-t)*(1-t)-s.side*-s.u(10)*t, s.u(5+26*t)
		s.box(fade(c.times(1.15), c), x-w, y, x+w, y+next*.55)
		s.box(flat(c.times(.5)), x-w, y+next*.55, x+w, y+next*1.25)
	}
}
