package imaging

import (
	"fmt"
	"math"

	"github.com/actormaker/trainset"
)

// CheckVersion names the thresholds of this code.
const CheckVersion = "qc/2"

// blur says, of a medium's sharpest parts, what is too soft to use and what a
// person should look at.
type blur struct{ fail, warn float64 }

// thresholds say where a measure becomes a fault.
type thresholds struct {
	cropLoss   float64 // A2: how far the aspect may be off, to be cropped
	blankStd   float64 // A4: with less than blankRange there is nothing to see
	blankRange int
	fullStd    float64 // B1: with less deviation, less is asked of the sharpest parts,
	leastBlur  float64 // but never less than this
	barsPart   float64 // A5: per cent of the frame
	borderPx   int     // A6
	blur       map[trainset.Medium]blur
	monoMSE    float64 // B3, B4: at most this is monochrome
	castLevels float64 // B3: more is tinted
	saturation float64 // B4: per cent; less is pale
}

// qc2 is the one table of thresholds. Most are in use elsewhere for cleaning
// training sets; monoMSE is the usual one for telling grey thumbnails from
// coloured ones. For blur, 150 is usual for photographs, but a rejected picture
// is paid for, and a clean drawing with smooth shades measures 50: so only what
// is surely blurred fails. Photographs measure 600 to 3400 at their own size,
// 60 to 100 enlarged three times, and 10 enlarged six times. Darkened, or in fog, to
// a quarter of their contrast they measure a sixteenth of that and are as sharp as
// before. Fog, night, high key and thin grey lines have a deviation of 5 to 12 and a
// range of 20 to 60, grain on blank paper one of 6.
var qc2 = thresholds{
	cropLoss: 0.06, blankStd: 12, blankRange: 20, fullStd: 40, leastBlur: 20, barsPart: 4, borderPx: 2, monoMSE: 22, castLevels: 12, saturation: 10,
	blur: map[trainset.Medium]blur{
		trainset.MediumPhoto:  {fail: 60, warn: 150},
		trainset.MediumColour: {fail: 20, warn: 40},
		trainset.MediumBW:     {fail: 20, warn: 40},
	},
}

// Severity is how much a finding matters.
type Severity string

// Severities.
const (
	Fail Severity = "fail" // the picture must not be used
	Warn Severity = "warn" // a person should look at it
)

// Finding is one thing that is wrong with a picture.
type Finding struct {
	Check    string   `json:"check"` // "aspect", "size", "blank", "contrast", "bars", "border", "blur", "mono", "colour"
	Severity Severity `json:"severity"`
	Detail   string   `json:"detail"` // a short sentence with the numbers
}

// Want is what a picture should be.
type Want struct {
	Medium           trainset.Medium
	AspectW, AspectH int // any aspect when 0
	MinSide          int // px, of the shorter side after cropping
	// Ink says that the picture is drawn in lines or flat areas: softness and
	// dark margins may then be meant, and only warn.
	Ink bool
}

// Check says what is wrong with a picture, given its measures before it is
// cropped; what matters most comes first. Nothing wrong is an empty list.
func Check(m Measures, want Want) []Finding {
	found := []Finding{}
	add := func(check string, s Severity, format string, args ...any) {
		found = append(found, Finding{Check: check, Severity: s, Detail: fmt.Sprintf(format, args...)})
	}
	t := qc2
	soft := Fail
	if want.Ink {
		soft = Warn
	}
	switch {
	case m.Blank():
		add("blank", Fail, "it is blank: its grey varies by %.1f levels, less than %g", m.Std, t.blankStd)
	case m.Std < t.blankStd:
		add("contrast", Warn, "it is nearly of one tone: its grey varies by %.1f levels, less than %g", m.Std, t.blankStd)
	}
	if off := aspectOff(m, want); off > t.cropLoss {
		add("aspect", Fail, "its shape is %d x %d, %.0f%% from %d:%d", m.Width, m.Height, 100*off, want.AspectW, want.AspectH)
	}
	if side := shortSide(m, want); side < want.MinSide {
		add("size", Fail, "its shorter side has %d pixels, fewer than %d", side, want.MinSide)
	}
	if m.Bars > t.barsPart {
		add("bars", soft, "black bars cover %.1f%% of it, more than %g%%", m.Bars, t.barsPart)
	}
	if b := t.blur[want.Medium]; !m.Blank() && m.SharpP90 < b.least(m.Std) {
		add("blur", soft, "it is blurred: its sharpest parts measure %.0f, less than %.0f", m.SharpP90, b.least(m.Std))
	} else if !m.Blank() && m.SharpP90 < b.warn {
		add("blur", Warn, "it is soft: its sharpest parts measure %.0f, less than %g", m.SharpP90, b.warn)
	}
	found = append(found, checkColour(m, want, t)...)
	if m.Border >= t.borderPx && m.Bars <= t.barsPart {
		add("border", Warn, "it has an even border %d pixels wide", m.Border)
	}
	return found
}

// Blank reports whether there is nothing to see. A picture in fog or at night, or in
// thin lines, has hardly more deviation than bare paper, but a range.
func (m Measures) Blank() bool { return m.Std < qc2.blankStd && m.Range < qc2.blankRange }

// least is the least sharpness of a picture of some deviation: the variance of a
// Laplacian grows with the square of the contrast.
func (b blur) least(std float64) float64 {
	part := min(std/qc2.fullStd, 1)
	return max(b.fail*part*part, min(b.fail, qc2.leastBlur))
}

// checkColour checks that grey is grey, and colour is colour.
func checkColour(m Measures, want Want, t thresholds) []Finding {
	grey := m.MonoMSE <= t.monoMSE
	switch {
	case want.Medium == trainset.MediumBW && !grey:
		return []Finding{{"mono", Fail, fmt.Sprintf("it has colours (%.0f from grey, more than %g) where black and white was asked for", m.MonoMSE, t.monoMSE)}}
	case want.Medium == trainset.MediumBW && m.Cast > t.castLevels:
		return []Finding{{"mono", Warn, fmt.Sprintf("it is tinted by %.0f levels where black and white was asked for", m.Cast)}}
	case want.Medium == trainset.MediumColour && grey:
		return []Finding{{"colour", Fail, fmt.Sprintf("it is grey (%.0f from grey, at most %g) where colour was asked for", m.MonoMSE, t.monoMSE)}}
	case want.Medium == trainset.MediumColour && m.Saturation < t.saturation:
		return []Finding{{"colour", Warn, fmt.Sprintf("its colours are pale: %.0f%% saturated, less than %g%%", m.Saturation, t.saturation)}}
	case want.Medium == trainset.MediumPhoto && grey:
		return []Finding{{"colour", Warn, fmt.Sprintf("the photograph is grey (%.0f from grey, at most %g)", m.MonoMSE, t.monoMSE)}}
	}
	return nil
}

func aspectOff(m Measures, want Want) float64 {
	if want.AspectW <= 0 || want.AspectH <= 0 || m.Width <= 0 || m.Height <= 0 {
		return 0
	}
	return math.Abs(float64(m.Width)*float64(want.AspectH)/(float64(m.Height)*float64(want.AspectW)) - 1)
}

func shortSide(m Measures, want Want) int {
	w, h := cropSize(m.Width, m.Height, want.AspectW, want.AspectH)
	return min(w, h)
}
