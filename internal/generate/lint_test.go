package generate

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/actormaker/trainset"
)

// captionRules is what a caption must keep to besides being one clean line of
// enough words: see actorRules and styleRules.
type captionRules struct {
	trigger string         // must come first; none is expected when empty
	alone   *regexp.Regexp // finds the trigger as a word of its own: must be once
	name    string         // a display name, whose own words are not held against a caption
	leaks   *regexp.Regexp // finds words that name what the training is to learn
}

// minCaptionWords: shorter captions leave too much unsaid, and what is unsaid
// is learnt as part of the subject.
const minCaptionWords = 8

var (
	identityLeaks = regexp.MustCompile(`(?i)\b(faces?|faced|facial|eyes?|eyed|eyebrows?|skin|skinned|complexion|hair\w*|haired|beard\w*|moustaches?|` +
		`jaw\w*|noses?|lips?|cheek\w*|chins?|foreheads?|wrinkl\w*|freckl\w*|scars?|tattoos?|fur|furry|feather\w*|scal(?:es|y)|` +
		`aged?|ages|ageing|old|older|young\w*|elderly|teen\w*|child\w*|boys?|girls?)\b`)
	styleLeaks = regexp.MustCompile(`(?i)\b(styl\w*|artistic|aesthetic\w*|art|artwork|paint\w*|watercolou?r\w*|gouache|oils?|acrylic\w*|draw(?:n|ing|ings)|` +
		`sketch\w*|illustrat\w*|cartoon\w*|comics?|anime|manga|photo\w*|render\w*|vector\w*|pixel\w*|brush\w*|strokes?|ink\w*|pencil\w*|charcoal|` +
		`pastel\w*|palette\w*|colou?r\w*|monochrome|black-and-white|textur\w*|impressionis\w*|cubis\w*|surreal\w*|abstract\w*|minimalis\w*|vintage|retro)\b`)
	markup = regexp.MustCompile(`[{}|\r\n\t]`)
)

// actorRules returns the rules of an actor's captions.
func actorRules(p trainset.CaptionProfile, who Identity) captionRules {
	r := captionRules{name: who.Name, leaks: identityLeaks}
	if p == trainset.ProfileQwen {
		return r
	}
	return r.triggered(who.Trigger)
}

// styleRules returns the rules of a style's captions.
func styleRules(p trainset.CaptionProfile, trigger string) captionRules {
	r := captionRules{leaks: styleLeaks}
	if p == trainset.ProfileNone {
		return r
	}
	return r.triggered(trigger)
}

func (r captionRules) triggered(trigger string) captionRules {
	r.trigger = trigger
	r.alone = regexp.MustCompile(`(?i)(^|[^\pL\pN])` + regexp.QuoteMeta(trigger) + `($|[^\pL\pN])`)
	return r
}

// lintCaption returns what is wrong with a caption, a sentence each; nil when
// it is sound.
func lintCaption(s string, r captionRules) []string {
	var wrong []string
	if markup.MatchString(s) || s != strings.TrimSpace(s) {
		wrong = append(wrong, "is not one clean line: trainers give line breaks, braces and bars a meaning")
	}
	if n := len(strings.Fields(s)); n < minCaptionWords {
		wrong = append(wrong, fmt.Sprintf("has %d words, fewer than %d", n, minCaptionWords))
	}
	if r.trigger != "" {
		wrong = append(wrong, r.lintTrigger(s)...)
	}
	for _, leak := range r.leaks.FindAllString(r.described(s), -1) {
		wrong = append(wrong, fmt.Sprintf("names what is to be learnt: %q", leak))
	}
	return wrong
}

func (r captionRules) lintTrigger(s string) []string {
	var wrong []string
	if first, _, _ := strings.Cut(s, " "); first != r.trigger {
		wrong = append(wrong, fmt.Sprintf("does not begin with the trigger %q", r.trigger))
	}
	if n := len(r.alone.FindAllStringIndex(s, -1)); n != 1 {
		wrong = append(wrong, fmt.Sprintf("has the trigger %q %d times", r.trigger, n))
	}
	return wrong
}

// described is a caption without the words its user chose.
func (r captionRules) described(s string) string {
	if r.trigger != "" {
		s = strings.TrimPrefix(strings.TrimPrefix(s, r.trigger), " style,")
	}
	if r.name != "" {
		s = strings.Replace(s, "named "+r.name, "", 1)
	}
	return s
}

// lintCaptions checks a whole set: each caption, and that none comes twice.
// Each sentence begins with the caption's number, from 1.
func lintCaptions(captions []string, r captionRules) []string {
	var wrong []string
	first := make(map[string]int, len(captions))
	for i, c := range captions {
		for _, w := range lintCaption(c, r) {
			wrong = append(wrong, fmt.Sprintf("caption %d %s", i+1, w))
		}
		if n, ok := first[c]; ok {
			wrong = append(wrong, fmt.Sprintf("caption %d is the same as caption %d", i+1, n))
			continue
		}
		first[c] = i + 1
	}
	return wrong
}
