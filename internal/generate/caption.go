package generate

import (
	"fmt"
	"strings"

	"github.com/actormaker/trainset"
)

// Identity is how captions may name an actor.
type Identity struct {
	Trigger, Class, Name string
}

// ActorCaption describes a shot in one line, from its fields. What stays the
// same from image to image is left out, so that the trigger comes to mean it.
// Profiles other than ProfileQwen are written as ProfileFlux.
func ActorCaption(p trainset.CaptionProfile, who Identity, s Shot) string {
	scene := strings.Join([]string{s.Action, s.Setting, s.Light, s.Framing}, ", ")
	if p == trainset.ProfileQwen {
		return fmt.Sprintf("%s %s of %s %s", upperArticle(s.Technique), s.Technique, who.natural(), scene)
	}
	return fmt.Sprintf("%s %s, %s, %s", who.Trigger, who.Class, s.Technique, scene)
}

// natural names an actor in a sentence.
func (who Identity) natural() string {
	noun := article(who.Class) + " " + who.Class
	if who.Name == "" {
		return noun
	}
	return noun + " named " + who.Name
}

func upperArticle(noun string) string {
	return map[string]string{"a": "A", "an": "An"}[article(noun)]
}

// StyleCaption describes a tile by its content. The style itself is never
// named: the trigger, or what all captions leave out, comes to mean it.
// Profiles other than ProfileNone are written as ProfileStyle.
func StyleCaption(p trainset.CaptionProfile, trigger string, s Subject) string {
	if p == trainset.ProfileNone {
		return s.Content
	}
	return trigger + " style, " + s.Content
}
