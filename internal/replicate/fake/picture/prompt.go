package picture

import "strings"

// hand is the technique that a prompt asks for.
type hand int

const (
	photograph hand = iota
	penInk
	graphite
	charcoal
	woodcut
	vector
	manga
	comic
	watercolour
	gouache
)

// hands are the words that name a technique, the more particular ones first: a
// drawing's prompt also says "never as a photograph".
var hands = []struct {
	words string
	hand  hand
}{
	{"pen and ink", penInk},
	{"graphite", graphite},
	{"pencil", graphite},
	{"charcoal", charcoal},
	{"woodcut", woodcut},
	{"block print", woodcut},
	{"vector", vector},
	{"manga", manga},
	{"comic", comic},
	{"watercolour", watercolour},
	{"watercolor", watercolour},
	{"gouache", gouache},
	{"oil painting", gouache},
	{"acrylic", gouache},
	{"photograph", photograph},
}

// brief is what a prompt asks for, as far as it can be drawn.
type brief struct {
	hand  hand
	mono  bool
	side  float64 // of the figure: -1 left, 1 right
	view  view
	place func(*stage)
	light light
	seed  int64
	text  string
}

func read(r Request) brief {
	words := strings.ToLower(r.Prompt)
	d := dice("brief", r.Prompt, r.Seed)
	return brief{
		hand: handOf(words),
		mono: asksForMono(words) && r.Flaw != Colour,
		side: sideOf(words, d), view: viewOf(words), place: placeOf(words, d), light: lightOf(words, d),
		seed: r.Seed, text: r.Prompt,
	}
}

func asksForMono(words string) bool {
	return containsAny(words, "black-and-white", "black and white", "monochrome")
}

func handOf(words string) hand {
	for _, h := range hands {
		if strings.Contains(words, h.words) {
			return h.hand
		}
	}
	return photograph
}

func sideOf(words string, d random) float64 {
	switch {
	case strings.Contains(words, "left third"):
		return -1
	case strings.Contains(words, "right third"):
		return 1
	default:
		return d.sign()
	}
}

// view is how the figure stands in the picture.
type view struct {
	// height of the subject as it was given, or of its whole body, in parts of
	// the picture's.
	height float64
	body   bool
	// horizon is its height from the top; lean tilts the picture, in radians.
	horizon, lean float64
	foreground    bool
}

var views = []struct {
	words string
	view  view
}{
	{"medium close-up", view{height: 1.02, horizon: .52}},
	{"close-up", view{height: 1.14, horizon: .5}},
	{"full-length", view{height: .88, body: true, horizon: .5}},
	{"wide shot", view{height: .56, body: true, horizon: .56}},
	{"profile", view{height: .9, horizon: .55}},
	{"low viewpoint", view{height: .98, horizon: .76}},
	{"high viewpoint", view{height: .72, horizon: .24}},
	{"tilted", view{height: .86, horizon: .5, lean: .11}},
	{"from behind", view{height: .84, horizon: .48}},
	{"foreground", view{height: .8, horizon: .5, foreground: true}},
}

func viewOf(words string) view {
	for _, v := range views {
		if strings.Contains(words, v.words) {
			return v.view
		}
	}
	return view{height: .86, horizon: .5}
}

// light is a scene's colours and how bright they are.
type light struct {
	skyTop, skyLow, far, near, lamp rgb
	night                           bool
}

// lights are recognised by their sentence. Hues are in degrees.
var lights = []struct {
	words string
	make  func(turn float64) light
}{
	{"headlights", func(t float64) light {
		return light{hsl(226+t, .6, .13), hsl(268+t, .5, .3), hsl(235+t, .45, .2), hsl(225+t, .5, .1), hsl(38, .95, .62), true}
	}},
	{"through the panes", func(t float64) light {
		return light{hsl(62+t, .5, .86), hsl(88+t, .4, .72), hsl(105+t, .42, .48), hsl(128+t, .5, .22), hsl(52, .9, .8), false}
	}},
	{"overcast", func(t float64) light {
		return light{hsl(205+t, .3, .84), hsl(195+t, .25, .92), hsl(205+t, .28, .6), hsl(200+t, .35, .3), hsl(60, .3, .9), false}
	}},
	{"first low light", func(t float64) light {
		return light{hsl(215+t, .45, .66), hsl(28+t, .85, .8), hsl(268+t, .3, .56), hsl(250+t, .3, .24), hsl(38, .95, .8), false}
	}},
	{"shaft of light", func(t float64) light {
		return light{hsl(28+t, .45, .2), hsl(30+t, .5, .3), hsl(28+t, .5, .26), hsl(24+t, .5, .12), hsl(44, .95, .72), true}
	}},
	{"beams slant", func(t float64) light {
		return light{hsl(70+t, .5, .72), hsl(95+t, .4, .6), hsl(120+t, .35, .4), hsl(140+t, .4, .13), hsl(55, .95, .8), false}
	}},
	{"glazed roof", func(t float64) light {
		return light{hsl(205+t, .4, .8), hsl(40+t, .4, .86), hsl(215+t, .25, .56), hsl(222+t, .35, .22), hsl(48, .9, .85), false}
	}},
	{"bare lamp", func(t float64) light {
		return light{hsl(222+t, .4, .12), hsl(210+t, .35, .24), hsl(215+t, .35, .24), hsl(225+t, .4, .09), hsl(46, .95, .74), true}
	}},
	{"full moon", func(t float64) light {
		return light{hsl(222+t, .65, .2), hsl(196+t, .55, .5), hsl(222+t, .5, .34), hsl(236+t, .55, .14), hsl(48, .75, .86), true}
	}},
	{"low sun", func(t float64) light {
		return light{hsl(194+t/2, .62, .6), hsl(34+t/2, .95, .74), hsl(200+t, .42, .42), hsl(206+t, .55, .26), hsl(42, 1, .76), false}
	}},
	{"dusk", func(t float64) light {
		return light{hsl(244+t, .42, .42), hsl(18+t, .7, .64), hsl(262+t, .35, .38), hsl(18+t/2, .5, .24), hsl(36, .95, .7), false}
	}},
	{"midday sun", func(t float64) light {
		return light{hsl(204+t/2, .75, .58), hsl(190+t/2, .65, .84), hsl(84+t, .42, .5), hsl(36+t, .58, .44), hsl(52, 1, .86), false}
	}},
}

func lightOf(words string, d random) light {
	turn := d.in(-16, 16)
	for _, l := range lights {
		if strings.Contains(words, l.words) {
			return l.make(turn)
		}
	}
	return lights[d.IntN(len(lights))].make(turn)
}

// places are recognised by a word of their own, looked for in this order.
var places = []struct {
	words string
	draw  func(*stage)
}{
	{"greenhouse", greenhouse},
	{" café", cafe},
	{" cafe", cafe},
	{" jetty", jetty},
	{" train", carriage},
	{" barn", barn},
	{" forest", forest},
	{" station", hall},
	{" backstreet", alley},
	{" narrow lane", alley},
	{" rooftop", rooftops},
	{" ferry", ferry},
	{"hillside", hillside},
	{" street", street},
	{" town", street},
	{" city", rooftops},
	{" woods", forest},
	{" sea", ferry},
	{" lake", jetty},
	{" mountain", hillside},
	{" room", cafe},
	{" field", hillside},
}

func placeOf(words string, d random) func(*stage) {
	for _, p := range places {
		if strings.Contains(words, p.words) {
			return p.draw
		}
	}
	return places[d.IntN(len(places))].draw
}
