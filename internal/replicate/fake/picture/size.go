package picture

import (
	"fmt"
	"image"
	"math"
	"strconv"
	"strings"
)

// kontext are the only sizes that Kontext makes, by rising width.
var kontext = []image.Point{
	{672, 1568},
	{688, 1504},
	{720, 1456},
	{752, 1392},
	{800, 1328},
	{832, 1248},
	{880, 1184},
	{944, 1104},
	{1024, 1024},
	{1104, 944},
	{1184, 880},
	{1248, 832},
	{1328, 800},
	{1392, 752},
	{1456, 720},
	{1504, 688},
	{1568, 672},
}

const (
	square     = 1024
	leastSide  = 64
	mostSide   = 4096
	gridWindow = 2 * square // the largest grid, and the largest square
)

// sizeOf is the size that the model would answer with.
func sizeOf(r Request) (image.Point, error) {
	if w, h := r.number("width"), r.number("height"); w != 0 && h != 0 {
		return exactSize(w, h)
	}
	ratio, err := aspectOf(r)
	if err != nil {
		return image.Point{}, err
	}
	size := nearest(ratio)
	if size.X == size.Y && wantsLarge(r) {
		return image.Pt(gridWindow, gridWindow), nil
	}
	return size, nil
}

func exactSize(w, h float64) (image.Point, error) {
	if w < leastSide || h < leastSide || w > mostSide || h > mostSide || w*h > gridWindow*gridWindow {
		return image.Point{}, fmt.Errorf("size %v x %v: a side must be %d to %d pixels, and the picture at most %d x %d",
			w, h, leastSide, mostSide, gridWindow, gridWindow)
	}
	return image.Pt(int(w), int(h)), nil
}

// wantsLarge knows how the models' inputs ask for about 2000 pixels a side.
func wantsLarge(r Request) bool {
	for _, name := range []string{"resolution", "size", "image_size"} {
		if s := r.text(name); s == "2k" || s == "4k" || s == "2048" || s == "2048x2048" || s == "4 mp" {
			return true
		}
	}
	return r.number("side") >= gridWindow
}

// aspectOf reads the aspect. A grid is square unless the request says otherwise;
// other pictures take after their input.
func aspectOf(r Request) (float64, error) {
	switch aspect := strings.TrimSpace(r.Aspect); {
	case aspect == "" && asksForGrid(r.Prompt):
		return 1, nil
	case aspect == "", aspect == "match_input_image":
		return inputAspect(r)
	default:
		return parseAspect(aspect)
	}
}

func parseAspect(s string) (float64, error) {
	left, right, _ := strings.Cut(s, ":")
	w, errW := strconv.ParseFloat(left, 64)
	h, errH := strconv.ParseFloat(right, 64)
	if errW != nil || errH != nil || !(w > 0 && h > 0) || w/h > 100 || h/w > 100 {
		return 0, fmt.Errorf("aspect %q: give width:height, as in 16:9, or match_input_image", s)
	}
	return w / h, nil
}

func inputAspect(r Request) (float64, error) {
	if len(r.Images) == 0 {
		return 1, nil
	}
	size, err := measure(r.Images[0])
	if err != nil {
		return 0, err
	}
	return float64(size.X) / float64(size.Y), nil
}

// nearest is the size whose aspect differs least, as Kontext chooses.
func nearest(ratio float64) image.Point {
	best, least := kontext[0], math.Inf(1)
	for _, s := range kontext {
		if d := math.Abs(float64(s.X)/float64(s.Y) - ratio); d < least {
			best, least = s, d
		}
	}
	return best
}
