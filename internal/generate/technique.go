package generate

import "github.com/actormaker/trainset"

// Technique is the way an image is made: a medium's particular hand.
type Technique string

// Techniques: two of photography, six in black and white, four in colour.
const (
	TechniqueFilmStill    Technique = "film_still"
	TechniqueNaturalLight Technique = "natural_light"
	TechniquePenInk       Technique = "pen_ink"
	TechniqueGraphite     Technique = "graphite"
	TechniqueCharcoal     Technique = "charcoal"
	TechniqueWoodcut      Technique = "woodcut"
	TechniqueMonoVector   Technique = "mono_vector"
	TechniqueManga        Technique = "manga"
	TechniqueComic        Technique = "comic"
	TechniqueFlatVector   Technique = "flat_vector"
	TechniqueWatercolour  Technique = "watercolour"
	TechniqueGouache      Technique = "gouache"
)

// rendering is how a technique is asked for and named.
type rendering struct {
	as      string // completes "Place ... in an entirely new scene, ..."
	finish  string // the marks the hand leaves
	firmly  string // what it is, and what it must not be taken for
	caption string
}

var techniques = map[Technique]rendering{
	TechniqueFilmStill: {
		as:      "shot as a cinematic widescreen 16:9 photograph, like a frame from a feature film",
		finish:  "Real lens depth, fine film grain, true surface detail and restrained, natural colour.",
		firmly:  "It must pass as an unretouched photograph, never as a render, a painting or an illustration.",
		caption: "cinematic photograph",
	},
	TechniqueNaturalLight: {
		as:      "shot as a cinematic widescreen 16:9 photograph by available light",
		finish:  "Shallow focus lets the background melt away, with true surface detail and gentle, natural colour.",
		firmly:  "It must pass as an unretouched photograph, never as a render, a painting or an illustration.",
		caption: "photograph by available light",
	},
	TechniquePenInk: {
		as:      "redrawn as a cinematic widescreen 16:9 black-and-white pen and ink drawing",
		finish:  "Ink lines of varied weight, cross-hatching and stippling build every shadow, and broad areas of paper stay bare and white; no grey washes.",
		firmly:  "It must read as black ink on white paper, never as a photograph.",
		caption: "black-and-white pen and ink drawing",
	},
	TechniqueGraphite: {
		as:      "redrawn as a cinematic widescreen 16:9 black-and-white graphite pencil drawing",
		finish:  "Layered hatching and softly smudged greys, visible paper tooth, lifted highlights and the sharpest marks around the head.",
		firmly:  "It must read as pencil on paper, never as a photograph.",
		caption: "black-and-white graphite pencil drawing",
	},
	TechniqueCharcoal: {
		as:      "redrawn as a cinematic widescreen 16:9 black-and-white charcoal drawing",
		finish:  "Broad, smudged sweeps, velvety blacks, highlights wiped out with an eraser and rough paper grain showing through.",
		firmly:  "It must read as charcoal on paper, never as a photograph.",
		caption: "black-and-white charcoal drawing",
	},
	TechniqueWoodcut: {
		as:      "recut as a cinematic widescreen 16:9 black-and-white woodcut print",
		finish:  "Carved gouge marks, thick angular contours, solid blacks against bare whites; no greys and no halftone dots.",
		firmly:  "It must read as a block print on paper, never as a photograph.",
		caption: "black-and-white woodcut print",
	},
	TechniqueMonoVector: {
		as:      "redrawn as a cinematic widescreen 16:9 black-and-white vector illustration",
		finish:  "Flat shapes of solid black on pure white, razor-sharp edges and bold negative space; no greys, gradients or textures.",
		firmly:  "It must read as clean vector artwork, never as a photograph.",
		caption: "black-and-white vector illustration",
	},
	TechniqueManga: {
		as:      "redrawn as a cinematic widescreen 16:9 black-and-white manga illustration",
		finish:  "Confident brush-pen contours, spotted blacks, dotted screentone and a few speed lines.",
		firmly:  "It must read as inked manga artwork, never as a photograph.",
		caption: "black-and-white manga illustration",
	},
	TechniqueComic: {
		as:      "redrawn as a cinematic widescreen 16:9 full-colour comic book illustration",
		finish:  "Bold ink outlines, flat cel shading, a limited palette and a hint of halftone dots.",
		firmly:  "It must read as inked and coloured comic artwork, never as a photograph.",
		caption: "full-colour comic book illustration",
	},
	TechniqueFlatVector: {
		as:      "redrawn as a cinematic widescreen 16:9 full-colour flat vector illustration",
		finish:  "Clean geometric shapes, a few harmonious flat colours and crisp edges; no outlines, gradients or textures.",
		firmly:  "It must read as flat vector artwork, never as a photograph.",
		caption: "full-colour flat vector illustration",
	},
	TechniqueWatercolour: {
		as:      "repainted as a cinematic widescreen 16:9 watercolour painting",
		finish:  "Transparent washes bleed into each other on rough paper, warm indoors against cool outside, with soft blooms and a few crisp dark accents.",
		firmly:  "It must read as watercolour on paper, never as a photograph.",
		caption: "watercolour painting",
	},
	TechniqueGouache: {
		as:      "repainted as a cinematic widescreen 16:9 gouache painting",
		finish:  "Opaque, chunky, matte brushstrokes, simplified planes and a few saturated accents.",
		firmly:  "It must read as gouache on board, never as a photograph.",
		caption: "gouache painting",
	},
}

// faithful says, by medium, how a likeness survives the change of medium.
var faithful = map[trainset.Medium]string{
	trainset.MediumPhoto:  "Only the pose and the place are new.",
	trainset.MediumBW:     "Every hue of the reference becomes line or tone, strictly black and white, without any tint.",
	trainset.MediumColour: "Only the rendering, the pose and the place are new.",
}
