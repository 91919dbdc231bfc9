package picture

import (
	"encoding/json"
	"fmt"
	"image"
	"math"
	"strings"
)

// verdict is what the judge thinks of one tile, from its pixels alone.
type verdict struct {
	Tile   int    `json:"tile"`
	Unique bool   `json:"unique"`
	Fit    bool   `json:"fit"`
	Shows  int    `json:"shows"` // the line of the question that says what it shows; 0 where none does
	Reason string `json:"reason"`
}

// answer is a language model's. Asked about the tiles of a grid it judges them;
// asked anything else it describes the picture.
func answer(r Request) (Result, error) {
	switch r.Flaw {
	case JudgeEmpty:
		return Result{}, nil
	case JudgeNonsense:
		return Result{Text: "What a lovely set of pictures! Each of them has a charm of its own, and I would happily hang any on my wall."}, nil
	default:
	}
	text, err := reply(r)
	if err != nil {
		return Result{}, fmt.Errorf("simulating %s: %w", r.Model, err)
	}
	if r.Flaw == JudgeFenced {
		text = "Here is my assessment of the tiles:\n\n```json\n" + text + "\n```\n\nLet me know if you would like more detail."
	}
	return Result{Text: text}, nil
}

func reply(r Request) (string, error) {
	if len(r.Images) == 0 {
		return "I can answer questions about pictures, but none came with this one.", nil
	}
	question := strings.ToLower(r.Prompt + " " + r.text("system_prompt") + " " + r.text("system_instruction"))
	at := len(r.Images) - 1 // the reference, if it came along, is first
	var example *source
	if at > 0 && strings.Contains(question, "second is the example") {
		at = 0
		s, err := sourceOf(r.Images[1])
		if err != nil {
			return "", err
		}
		example = &s
	}
	img, err := decode(r.Images[at])
	if err != nil {
		return "", err
	}
	if !containsAny(question, "tile", "grid", "3x3") {
		return describe(img), nil
	}
	verdicts := judge(img, example)
	for i := range verdicts {
		verdicts[i].Shows = verdicts[i].Tile // what a drawing shows cannot be seen in its pixels
	}
	if r.Flaw == JudgeSwapped {
		verdicts[0].Shows, verdicts[1].Shows, verdicts[2].Shows = 2, 1, 0
	}
	return worded(verdicts, question)
}

// worded gives the verdicts in the form that the question names.
func worded(verdicts []verdict, question string) (string, error) {
	var form any = map[string]any{"tiles": verdicts}
	if strings.Contains(question, "unique_tiles") {
		form = listed(verdicts)
	}
	b, err := json.Marshal(form)
	if err != nil {
		return "", fmt.Errorf("writing the verdict: %w", err)
	}
	return string(b), nil
}

func listed(verdicts []verdict) any {
	unique, reasons := []int{}, map[string]string{}
	for _, v := range verdicts {
		if v.Unique && v.Fit {
			unique = append(unique, v.Tile)
		}
		reasons[fmt.Sprint(v.Tile)] = v.Reason
	}
	return map[string]any{"unique_tiles": unique, "reasons": reasons}
}

const (
	// flatness is the deviation of tones below which a tile shows nothing.
	flatness = 8
	// likeness is the correlation above which two tiles are one picture.
	likeness = .8
	// glance is the side of the copies that are compared, and slack how far they
	// may be out of place.
	glance, slack = 24, 2
	// strange is the mean distance from the example's colours from which on a tile
	// is of another style. In grids drawn after fifteen pictures tiles measured at
	// most 8, and in such as ignored them at least 31, mostly twice that.
	strange = 20
)

// judge looks at nine cells: a flat one is blank, the later of two that look
// alike is a duplicate, and one in other colours than the example, if there is
// any, is in another style.
func judge(img *image.RGBA, example *source) []verdict {
	tone := tones(img)
	columns := seams(tone.w, tone.h, func(i, j int) int { return int(tone.row(j)[i]) })
	rows := seams(tone.h, tone.w, func(i, j int) int { return int(tone.row(i)[j]) })
	odd := strangers(img, columns, rows, example)
	var cells [9]plane
	for i := range cells {
		cells[i] = cellAt(img, columns, rows, i)
	}
	out := make([]verdict, 0, len(cells))
	for i := range cells {
		out = append(out, judgeCell(cells[:i+1], out, odd[i]))
	}
	return out
}

// strangers tells which cells are of another style than the example; none without
// one.
func strangers(img *image.RGBA, columns, rows [3][2]int, example *source) (odd [9]bool) {
	if example == nil {
		return odd
	}
	p := coloursOf(example.ref)
	warm, cool := p.tables()
	for i := range odd {
		sum, n := 0.0, 0.0
		box := boxAt(columns, rows, i)
		for y := box.Min.Y; y < box.Max.Y; y += 4 {
			for x := box.Min.X; x < box.Max.X; x += 4 {
				px := img.Pix[img.PixOffset(x, y):]
				sum += strangeness(rgb{float64(px[0]), float64(px[1]), float64(px[2])}, &warm, &cool)
				n++
			}
		}
		odd[i] = sum > strange*n
	}
	return odd
}

// judgeCell looks at the last cell, knowing those before it.
func judgeCell(cells []plane, before []verdict, odd bool) verdict {
	last := cells[len(cells)-1]
	if last.spread() < flatness {
		return verdict{Tile: len(cells), Reason: "nearly one flat colour: it shows nothing"}
	}
	if odd {
		return verdict{Tile: len(cells), Unique: true, Reason: "another style than the example: a palette that it does not have"}
	}
	for i, v := range before {
		if v.Fit && alike(cells[i], last) {
			return verdict{Tile: len(cells), Fit: true, Reason: fmt.Sprintf("the same picture as tile %d", v.Tile)}
		}
	}
	return verdict{Tile: len(cells), Unique: true, Fit: true, Reason: "a clear picture of its own"}
}

// boxAt is where a tile lies, without the part near its edges.
func boxAt(columns, rows [3][2]int, i int) image.Rectangle {
	x, y := columns[i%3], rows[i/3]
	box := image.Rect(x[0], y[0], x[1], y[1])
	return box.Inset(min(box.Dx(), box.Dy()) / 24)
}

// cellAt is a small copy of one tile.
func cellAt(img *image.RGBA, columns, rows [3][2]int, i int) plane {
	box := boxAt(columns, rows, i)
	out := newPlane(glance, glance)
	for v := range glance {
		for u := range glance {
			out.row(v)[u] = patchMean(img, image.Rect(
				box.Min.X+u*box.Dx()/glance, box.Min.Y+v*box.Dy()/glance,
				box.Min.X+(u+1)*box.Dx()/glance, box.Min.Y+(v+1)*box.Dy()/glance))
		}
	}
	return out
}

// seams finds the two boundaries along one axis: of the places near a third,
// the one where most of the picture jumps, or the two on both sides of a gutter.
// at is the tone at a place along the axis and across it.
func seams(along, across int, at func(i, j int) int) [3][2]int {
	near, far := 0, along
	for near < along/40 && plainLine(across, func(j int) int { return at(near, j) }) {
		near++
	}
	for far > along-along/40 && plainLine(across, func(j int) int { return at(far-1, j) }) {
		far--
	}
	out := [3][2]int{{near, 0}, {0, 0}, {0, far}}
	for k := range 2 {
		third := along * (k + 1) / 3
		lo, hi := max(1, third-along/20), min(along-1, third+along/20)
		if hi <= lo { // too small to have any
			out[k][1], out[k+1][0] = third, third
			continue
		}
		jumps := make([]int, hi-lo)
		best := 0
		for i := range jumps {
			for j := 0; j < across; j += 2 {
				if abs(at(lo+i, j)-at(lo+i-1, j)) > 12 {
					jumps[i]++
				}
			}
			if jumps[i] > jumps[best] {
				best = i
			}
		}
		first, last := twin(jumps, best, along/50)
		out[k][1], out[k+1][0] = lo+first, lo+last
	}
	return out
}

// plainLine tells whether a line across the picture is of one tone, as an outer
// margin is.
func plainLine(n int, at func(int) int) bool {
	lo, hi := 255, 0
	for j := range n {
		lo, hi = min(lo, at(j)), max(hi, at(j))
	}
	return hi-lo < 12
}

// twin is the other side of a gutter, if there is one about as sharp nearby.
func twin(jumps []int, best, within int) (first, last int) {
	first, last = best, best
	for i := max(0, best-within); i < min(len(jumps), best+within+1); i++ {
		if jumps[i]*3 > jumps[best]*2 {
			first, last = min(first, i), max(last, i)
		}
	}
	return first, last
}

func patchMean(img *image.RGBA, r image.Rectangle) uint8 {
	r.Max.X, r.Max.Y = max(r.Max.X, r.Min.X+1), max(r.Max.Y, r.Min.Y+1)
	r = r.Intersect(img.Rect)
	sum, n := 0, 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[y*img.Stride:]
		for x := r.Min.X; x < r.Max.X; x++ {
			sum += int(luma8(row[4*x], row[4*x+1], row[4*x+2]))
			n++
		}
	}
	return octetOf(sum / max(1, n))
}

// alike tells whether two cells correlate at some small displacement.
func alike(a, b plane) bool {
	for dy := -slack; dy <= slack; dy++ {
		for dx := -slack; dx <= slack; dx++ {
			if correlation(a, b, dx, dy) > likeness {
				return true
			}
		}
	}
	return false
}

func correlation(a, b plane, dx, dy int) float64 {
	var sa, sb, saa, sbb, sab, n float64
	for y := slack; y < glance-slack; y++ {
		ra, rb := a.row(y), b.row(y+dy)
		for x := slack; x < glance-slack; x++ {
			p, q := float64(ra[x]), float64(rb[x+dx])
			sa, sb, saa, sbb, sab, n = sa+p, sb+q, saa+p*p, sbb+q*q, sab+p*q, n+1
		}
	}
	spread := root((saa - sa*sa/n) * (sbb - sb*sb/n))
	if spread == 0 || math.IsNaN(spread) {
		return 0
	}
	return (sab - sa*sb/n) / spread
}

// describe is a caption from what can be measured.
func describe(img *image.RGBA) string {
	c := &canvas{RGBA: img, w: img.Rect.Dx(), h: img.Rect.Dy()}
	sat, light, std := c.survey()
	tone, colours, contrast := "dark", "in black and white", "soft"
	if light > 110 {
		tone = "light"
	}
	if sat > .08 {
		colours = "in muted colours"
	}
	if sat > .3 {
		colours = "in strong colours"
	}
	if std > 55 {
		contrast = "strong"
	}
	return fmt.Sprintf("A %s picture %s, with %s contrast, %d pixels wide and %d high.", tone, colours, contrast, c.w, c.h)
}
