package generate

import (
	"regexp"
	"strings"
	"testing"

	"github.com/actormaker/trainset"
)

func TestCatalogueIsBalanced(t *testing.T) {
	media, urban := make(map[trainset.Medium]int), 0
	framed, lit, sides := make(map[Framing]bool), make(map[Light]bool), make(map[Side]int)
	techs, ids := make(map[Technique]bool), make(map[string]bool)
	for _, s := range Scenes() {
		media[s.Medium]++
		if s.Urban {
			urban++
		}
		framed[s.Framings[0]], lit[s.Light], techs[s.Technique], ids[s.ID] = true, true, true, true
		sides[s.Side]++
	}
	if media[trainset.MediumPhoto] != 2 || media[trainset.MediumBW] != 6 || media[trainset.MediumColour] != 4 {
		t.Errorf("media: %v, want 2 photo, 6 bw, 4 colour", media)
	}
	if urban > 6 {
		t.Errorf("%d of 12 scenes are urban", urban)
	}
	if len(framed) < 5 || len(lit) < 6 {
		t.Errorf("%d framings and %d lights, want at least 5 and 6", len(framed), len(lit))
	}
	if len(techs) != 12 || len(ids) != 12 {
		t.Errorf("%d techniques and %d IDs, want 12 of each", len(techs), len(ids))
	}
	if sides[SideLeft] != 6 || sides[SideRight] != 6 {
		t.Errorf("sides: %v, want 6 each", sides)
	}
}

func TestScenesAreWhole(t *testing.T) {
	for _, s := range Scenes() {
		if techniques[s.Technique] == (rendering{}) || lights[s.Light] == (phrase{}) || s.Constraint == "" {
			t.Errorf("%s lacks a technique, a light or a constraint", s.ID)
		}
		seen := make(map[Framing]bool)
		for _, f := range s.Framings {
			if framings[f] == (phrase{}) || seen[f] {
				t.Errorf("%s: framing %q is unknown or comes twice", s.ID, f)
			}
			seen[f] = true
		}
		if s.Moment.action == s.Milder.action {
			t.Errorf("%s: the milder moment is the same", s.ID)
		}
	}
}

// everyPrompt calls f for each prompt, plain and milder: twelve scenes for every
// being, and every framing for the last.
func everyPrompt(f func(s Shot, prompt string)) {
	for i, being := range beings {
		images := trainset.DefaultActorImages
		if i == len(beings)-1 {
			images = trainset.MaxActorImages
		}
		for _, s := range example(ActorSpec{Type: being.kind, Sex: being.sex, Images: images}) {
			f(s, s.Prompt)
			f(s, s.Milder)
		}
	}
}

var colourWords = regexp.MustCompile(`(?i)\b(red|orange|yellow|green|blue|indigo|violet|purple|pink|magenta|cyan|teal|turquoise|brown|tan|beige|` +
	`cream|ivory|gold|golden|silver|silvery|bronze|copper|brass|amber|rust|rusty|crimson|scarlet|maroon|burgundy|ochre|sepia|umber|sienna|mustard|lime|` +
	`olive|emerald|jade|navy|azure|cobalt|lavender|lilac|mauve|peach|coral|salmon|rose|rosy|ruby|neon|rainbow|sunset|` +
	`warm|cool|colou?r\w*|full-colou?r|saturated|vivid|tinted|palette)\b`)

func TestColourWordsAreFound(t *testing.T) {
	for text, want := range map[string]bool{
		"soft orange window light":                true,
		"a Golden hour":                           true,
		"neon signs":                              true,
		"a tired oranger":                         false,
		"black ink, white paper, grey light":      false,
		"Every hue becomes tone without any tint": false,
	} {
		if got := colourWords.MatchString(text); got != want {
			t.Errorf("%q has a colour: %t, want %t", text, got, want)
		}
	}
}

func TestBlackAndWhitePromptsNameNoColour(t *testing.T) {
	everyPrompt(func(s Shot, prompt string) {
		if s.Medium != trainset.MediumBW {
			return
		}
		if w := colourWords.FindAllString(prompt, -1); w != nil {
			t.Errorf("%s names %v: %s", s.Scene, w, prompt)
		}
		if !strings.Contains(prompt, "black-and-white") || !strings.Contains(s.Caption, "black-and-white") {
			t.Errorf("%s does not say black-and-white", s.Scene)
		}
	})
}

var (
	needsHands = regexp.MustCompile(`(?i)\b(hands?|fingers?|fists?|arms?|elbows?|grip\w*|grasp\w*|hold\w*|carr(?:y|ies|ying)|lac(?:es|ing)|clutch\w*|point(?:s|ing)|phones?)\b`)
	needsHair  = regexp.MustCompile(`(?i)\b(hair\w*|beard\w*|braid\w*|ponytails?)\b`)
	plural     = regexp.MustCompile(`(?i)\b(they|them|are they|it's)\b`)
	broken     = regexp.MustCompile(`[{}]|\s\s|\.\.|,,|,\s*\.|\ba [aeio]|\ban [^aeiou]|;\.|\. [a-z]`)
	sentences  = regexp.MustCompile(`^[A-Z].*\.$`)
)

func TestPromptsAreWellFormed(t *testing.T) {
	everyPrompt(func(s Shot, prompt string) {
		for what, re := range map[string]*regexp.Regexp{"needs hands": needsHands, "needs hair": needsHair, "speaks of several": plural, "is broken": broken} {
			if w := re.FindAllString(prompt, -1); w != nil {
				t.Errorf("%s %s %q: %s", s.Scene, what, w, prompt)
			}
		}
		if !sentences.MatchString(prompt) {
			t.Errorf("%s is no run of sentences: %s", s.Scene, prompt)
		}
		if n := len(strings.Fields(prompt)); n > maxPromptWords {
			t.Errorf("%s has %d words", s.Scene, n)
		}
	})
}

// maxPromptWords keeps a prompt within the 512 tokens that text encoders of
// image models read, at 1.4 tokens a word with room to spare.
const maxPromptWords = 300

func TestPromptsAskForWhatEveryImageNeeds(t *testing.T) {
	everyPrompt(func(s Shot, prompt string) {
		for _, want := range []string{
			"from the reference image", "unmistakably the same individual", "features", "markings|marks", "build",
			"16:9", "cinematic", "candid", "off centre", "only subject", "without text, watermark", "border", "split panels",
		} {
			if !regexp.MustCompile(want).MatchString(prompt) {
				t.Errorf("%s lacks %q: %s", s.Scene, want, prompt)
			}
		}
		drawn := strings.Contains(prompt, "never as a photograph")
		if photo := s.Medium == trainset.MediumPhoto; photo == drawn {
			t.Errorf("%s is %s, and says it is none: %t", s.Scene, s.Medium, drawn)
		}
	})
}
