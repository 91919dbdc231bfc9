package picture

import (
	"fmt"
	"image"
	"image/draw"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var subjects = []string{
	"a fisherman mending a net on an upturned boat", "a violinist playing beside an open upstairs window",
	"a waterfall dropping into a pool between mossy rocks", "wind-carved desert dunes beneath a wide and empty sky",
	"a still lake mirroring a ring of snowy peaks", "a smoking volcano rising above a belt of forest",
	"a copper kettle steaming on a cast-iron stove", "an hourglass half run through on a marble mantelpiece",
	"a jug of sunflowers next to a stack of books", "a lighthouse on a rocky point above rough water",
	"an arched stone bridge over a slow, narrow river", "a cluster of glass towers rising above low rooftops",
	"a fox stepping over a fallen log in snow", "an owl perched on a fence post at nightfall",
	"an octopus curling round a rock on the seabed", "a steam train crossing a viaduct above a deep valley",
	"a bicycle with a basket propped against a wall", "overlapping circles of many sizes floating in empty space",
	"a maze of right-angled paths folding in on itself", "a burst of sharp shards flying out from the middle",
	"something that nobody has a word for",
}

// gridPrompt asks for nine of the subjects, from the given one on.
func gridPrompt(from int) string {
	var rows []string
	for r, name := range []string{"Top", "Middle", "Bottom"} {
		var row []string
		for i := range 3 {
			row = append(row, subjects[(from+3*r+i)%len(subjects)]+" in this artistic style")
		}
		rows = append(rows, name+" row, from left to right: "+strings.Join(row, "; ")+".")
	}
	return "Make one square image that is a 3x3 grid of nine separate square pictures. " + strings.Join(rows, " ") + " There is no text anywhere."
}

func gridRequest(tb testing.TB, from int, seed int64) Request {
	tb.Helper()
	return Request{Model: painter, Prompt: gridPrompt(from), Seed: seed, Images: [][]byte{portraitOf(tb)}, Aspect: "1:1"}
}

func TestSubjectsAreReadRowByRow(t *testing.T) {
	got := subjectsOf(gridPrompt(0))
	for i, s := range got {
		if want := strings.ToLower(subjects[i]) + " in this artistic style"; s != want {
			t.Errorf("subject %d is %q, want %q", i, s, want)
		}
	}
	seen := map[string]bool{}
	for _, s := range subjectsOf("a 3x3 grid of whatever you like") {
		seen[s] = true
	}
	if len(seen) != 9 {
		t.Errorf("a prompt without rows has %d subjects", len(seen))
	}
}

func TestLayoutIsAPlausibleGrid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := GridOf(rapid.String().Draw(t, "prompt"), rapid.Int64().Draw(t, "seed"))
		for i, b := range l.Boxes {
			if b.Empty() || !b.In(image.Rect(0, 0, square, square)) {
				t.Fatalf("tile %d is %v", i, b)
			}
			third := image.Rect(i%3*square/3, i/3*square/3, (i%3+1)*square/3, (i/3+1)*square/3)
			if slack := mostDrift + mostGutter + 1; !b.In(third.Inset(-slack)) || !third.Inset(slack).In(b) {
				t.Fatalf("tile %d at %v is far from %v", i, b, third)
			}
			for j := range i {
				if b.Overlaps(l.Boxes[j]) {
					t.Fatalf("tiles %d and %d overlap", j, i)
				}
			}
		}
		if gap := l.Boxes[1].Min.X - l.Boxes[0].Max.X; gap < 0 || gap > mostGutter {
			t.Fatalf("gutter of %d pixels", gap)
		}
		if l.Of >= l.Duplicate || l.Blank == l.Of || l.Blank == l.Duplicate || l.Blank > 8 || l.Duplicate > 8 || l.Of < 0 || l.Blank < 0 {
			t.Fatalf("duplicate %d of %d, blank %d", l.Duplicate, l.Of, l.Blank)
		}
	})
}

func TestLayoutsVaryWithTheSeed(t *testing.T) {
	gutters, blanks, duplicates := map[int]bool{}, map[int]bool{}, map[int]bool{}
	for seed := range int64(200) {
		l := GridOf("a 3x3 grid", seed)
		gutters[l.Boxes[1].Min.X-l.Boxes[0].Max.X] = true
		blanks[l.Blank] = true
		duplicates[l.Duplicate] = true
	}
	if len(gutters) != mostGutter+1 || len(blanks) != 9 || len(duplicates) != 8 {
		t.Errorf("%d gutters, %d places for the blank, %d for the duplicate", len(gutters), len(blanks), len(duplicates))
	}
}

func crop(img *image.RGBA, r image.Rectangle) *image.RGBA {
	out := image.NewRGBA(image.Rectangle{Max: r.Size()})
	draw.Draw(out, out.Rect, img, r.Min, draw.Src)
	return out
}

func TestGridHasOneBlankOneDuplicateAndSevenOthers(t *testing.T) {
	for seed := range some(4, 1) {
		r := gridRequest(t, int(seed)*5, seed)
		img, l := pixels(t, r), GridOf(r.Prompt, seed)
		if img.Rect.Size() != image.Pt(square, square) {
			t.Fatalf("size %v", img.Rect.Size())
		}
		var hash [9]uint64
		for i, b := range l.Boxes {
			tile := crop(img, b)
			hash[i] = dHash(tile)
			if std := tones(tile).spread(); (std < 5) != (i == l.Blank) || (i != l.Blank && std < 25) {
				t.Errorf("seed %d, tile %d: deviation %.1f, blank is %d", seed, i, std, l.Blank)
			}
		}
		for i := range hash {
			for j := range i {
				if i == l.Blank || j == l.Blank {
					continue
				}
				d := distance(hash[i], hash[j])
				if twin := i == l.Duplicate && j == l.Of; twin && d > 8 {
					t.Errorf("seed %d: the duplicate is %d bits off", seed, d)
				} else if !twin && d <= 8 {
					t.Errorf("seed %d: tiles %d and %d are %d bits apart", seed, j, i, d)
				}
			}
		}
	}
}

func TestLargeGridHasTheSameLayoutAtTwiceTheSize(t *testing.T) {
	if slow {
		t.Skip("four million pixels: left to the run without the race detector")
	}
	r := gridRequest(t, 2, 9)
	r.Options = map[string]any{"resolution": "2K"}
	img, l := pixels(t, r), GridOf(r.Prompt, r.Seed)
	if img.Rect.Size() != image.Pt(2*square, 2*square) {
		t.Fatalf("size %v", img.Rect.Size())
	}
	if std := tones(crop(img, scaled(l.Boxes[l.Blank], 2*square))).spread(); std >= 5 {
		t.Errorf("the blank tile is not where it should be: deviation %.1f", std)
	}
}

// Tiles of different subjects must stay apart in whatever grids they are.
func TestTilesOfDifferentSubjectsDiffer(t *testing.T) {
	type made struct {
		subject int
		hash    uint64
	}
	var all []made
	p := paletteOf(stripes(60, 80))
	for i, s := range subjects {
		for seed := range some(6, 1) {
			tile := tileOf(s, seed, p, image.Pt(180, 168))
			all = append(all, made{i, dHash(tile.RGBA)})
		}
	}
	for i, a := range all {
		for _, b := range all[:i] {
			if d := distance(a.hash, b.hash); a.subject != b.subject && d <= 8 {
				t.Errorf("%q and %q are %d bits apart", subjects[a.subject], subjects[b.subject], d)
			}
		}
	}
}

func TestGridTakesItsColoursFromTheReference(t *testing.T) {
	colourful := pixels(t, gridRequest(t, 0, 1))
	if sat := saturation(colourful); sat < .2 {
		t.Errorf("saturation %.2f", sat)
	}
	r := gridRequest(t, 0, 1)
	r.Images = [][]byte{encoded(t, tones(stripes(90, 90)).image())}
	if !isGrey(pixels(t, r)) {
		t.Error("a grey reference gave a grid in colour")
	}
}

func TestFlawsOfGrids(t *testing.T) {
	r := gridRequest(t, 3, 2)
	if n := jumps(pixels(t, r)); n < 4 {
		t.Fatalf("a good grid has %d boundaries to be seen", n)
	}
	r.Flaw = NoGrid
	if n := jumps(pixels(t, r)); n != 0 {
		t.Errorf("the single picture has %d boundaries of a grid", n)
	}
	r.Flaw = TruncatedGrid
	two := pixels(t, r)
	if two.Rect.Size() != image.Pt(square, square) {
		t.Fatalf("size %v", two.Rect.Size())
	}
	if n := jumpsAt(two, square/2, across); n < square/2 {
		t.Errorf("between its two rows %d of %d pixels jump", n, square)
	}
}

// across and along read a picture's tone with the first index down or along it.
func across(img *image.RGBA, i, j int) int { return toneAt(img, j, i) }
func along(img *image.RGBA, i, j int) int  { return toneAt(img, i, j) }

func toneAt(img *image.RGBA, x, y int) int {
	p := img.Pix[y*img.Stride+4*x:]
	return int(luma8(p[0], p[1], p[2]))
}

// jumpsAt counts the pixels at which the tone jumps between line i-1 and line i.
func jumpsAt(img *image.RGBA, i int, at func(*image.RGBA, int, int) int) int {
	n := 0
	for j := range square {
		if abs(at(img, i, j)-at(img, i-1, j)) > 12 {
			n++
		}
	}
	return n
}

// jumps counts the boundaries near a third at which most of the picture jumps.
func jumps(img *image.RGBA) int {
	n := 0
	for _, at := range []func(*image.RGBA, int, int) int{across, along} {
		lines := seams(square, square, func(i, j int) int { return at(img, i, j) })
		for _, i := range []int{lines[0][1], lines[1][1]} {
			if jumpsAt(img, i, at)*2 > square {
				n++
			}
		}
	}
	return n
}

func ExampleGridOf() {
	l := GridOf("a 3x3 grid", 1)
	fmt.Println(len(l.Boxes), l.Of < l.Duplicate, l.Blank != l.Duplicate)
	// Output: 9 true true
}
