package generate

import (
	"strings"

	"github.com/actormaker/trainset"
)

// Class returns the class word of an actor: what a caption calls it besides
// the trigger. Only humans have a sex.
func Class(t trainset.ActorType, sex trainset.Sex) string {
	switch t {
	case "", trainset.TypeHuman:
		return humanClass(sex)
	case trainset.TypeCreature:
		return "creature"
	case trainset.TypeRobotic:
		return "robotic character"
	case trainset.TypeAnthropomorphic:
		return "anthropomorphic character"
	case trainset.TypeMythical:
		return "mythical character"
	}
	return "character"
}

func humanClass(sex trainset.Sex) string {
	switch sex {
	case trainset.SexMale:
		return "man"
	case trainset.SexFemale:
		return "woman"
	case trainset.SexUnknown:
	}
	return "person"
}

// descriptor is how prompts speak of an actor. Sentences take the class word
// for their subject wherever they can: the verb is then singular for all, and
// "they" never suggests two people to a model.
type descriptor struct {
	class    string
	their    string
	likeness string // what must stay as it is in the reference
}

const (
	humanLikeness = "the same face and head, the same features and distinguishing marks, the same proportions and build, and the same clothing"
	otherLikeness = "the same head and features, the same markings and surface, the same proportions and build, and anything it wears"
)

func describe(t trainset.ActorType, sex trainset.Sex) descriptor {
	d := descriptor{class: Class(t, sex), their: "its", likeness: otherLikeness}
	if t == "" || t == trainset.TypeHuman {
		d.their, d.likeness = humanPossessive(sex), humanLikeness
	}
	return d
}

func humanPossessive(sex trainset.Sex) string {
	switch sex {
	case trainset.SexMale:
		return "his"
	case trainset.SexFemale:
		return "her"
	case trainset.SexUnknown:
	}
	return "their"
}

// fill puts the actor into a sentence: {class}, {their}, {likeness}.
func (d descriptor) fill(s string) string {
	s = strings.ReplaceAll(s, "{class}", d.class)
	s = strings.ReplaceAll(s, "{their}", d.their)
	return strings.ReplaceAll(s, "{likeness}", d.likeness)
}

// article returns "a" or "an" for a noun of this package.
func article(noun string) string {
	if strings.ContainsRune("aeio", rune(noun[0])) {
		return "an"
	}
	return "a"
}
