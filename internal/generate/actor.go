package generate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/actormaker/trainset"
)

// ActorSpec is what the shots of an actor depend on.
type ActorSpec struct {
	Type trainset.ActorType // human when empty
	Sex  trainset.Sex
	// Trigger and Name stand for the actor in captions, by profile.
	Trigger, Name string
	Profile       trainset.CaptionProfile // flux when empty
	// Images is 1 to trainset.MaxActorImages; trainset.DefaultActorImages when 0.
	Images int
	Seed   int64
}

// Shot is one wanted image of an actor: what is asked for and how it is
// described. Technique, Action, Setting, Framing and Light are the phrases that
// captions are made of. A frozen plan stores it.
type Shot struct {
	Index     int             `json:"index"` // from 1
	Scene     string          `json:"scene"`
	Medium    trainset.Medium `json:"medium"`
	Technique string          `json:"technique"`
	Action    string          `json:"action"`
	Setting   string          `json:"setting"`
	Framing   string          `json:"framing"`
	Light     string          `json:"light"`
	Prompt    string          `json:"prompt"`
	// Milder asks for a calmer moment of the same scene; an image made from it
	// is described by MilderCaption.
	Milder        string `json:"milder"`
	Caption       string `json:"caption"`
	MilderCaption string `json:"milder_caption"`
	// Seed is the first attempt's, 0 to 2^31-1: see SeedFor.
	Seed int64 `json:"seed"`
}

// SeedFor returns the seed of the n-th paid attempt at the shot, counted from
// 1. The seeds of all shots and attempts of one job are distinct.
func (s Shot) SeedFor(attempt int) int64 { return nextSeed(s.Seed, 0, attempt) }

// Actor returns the shots of an actor's data set, in order. Twelve are the
// whole catalogue; fewer keep the mix and take the scenes whose framings differ
// most; more begin the catalogue again in other framings. No two shots have
// the same seed, prompt or caption. It panics when spec asks for more images
// than a request may.
func Actor(spec ActorSpec) []Shot {
	if spec.Images == 0 {
		spec.Images = trainset.DefaultActorImages
	}
	if spec.Images < 0 || spec.Images > trainset.MaxActorImages {
		panic(fmt.Sprintf("generate: %d images of an actor", spec.Images))
	}
	picks := choose(spec.Images)
	shots := make([]Shot, len(picks))
	for i, p := range picks {
		shots[i] = spec.shot(i+1, scenes[p.scene], p.round)
	}
	return shots
}

func (spec ActorSpec) shot(index int, s Scene, round int) Shot {
	d := describe(spec.Type, spec.Sex)
	f := s.Framings[round]
	shot := Shot{
		Index:     index,
		Scene:     s.ID,
		Medium:    s.Medium,
		Technique: techniques[s.Technique].caption,
		Framing:   framings[f].caption,
		Light:     lights[s.Light].caption,
		Prompt:    s.prompt(d, s.Moment, f),
		Milder:    s.prompt(d, s.Milder, f, mood),
		Seed:      Seed(spec.Seed, index, 1),
	}
	who := Identity{Trigger: spec.Trigger, Class: d.class, Name: spec.Name}
	shot.MilderCaption = ActorCaption(spec.Profile, who, shot.during(s.Milder))
	shot = shot.during(s.Moment)
	shot.Caption = ActorCaption(spec.Profile, who, shot)
	return shot
}

// during returns the shot with the caption fields of a moment.
func (s Shot) during(m Moment) Shot {
	s.Action, s.Setting = m.action.caption, m.setting.caption
	return s
}

// pick is a scene's position in the catalogue and how often it came before.
type pick struct{ scene, round int }

// choose picks n scenes by the mix, each medium's whole rounds first, and
// orders them by round and catalogue.
func choose(n int) []pick {
	counts, used := mixCounts(n), make(map[Framing]int)
	var picks []pick
	for _, medium := range []trainset.Medium{trainset.MediumPhoto, trainset.MediumBW, trainset.MediumColour} {
		var open []int
		for round := -1; counts[medium] > 0; counts[medium]-- {
			if len(open) == 0 {
				open = catalogue(medium)
				round++
			}
			at := freshest(open, round, used)
			picks = append(picks, pick{open[at], round})
			used[scenes[open[at]].Framings[round]]++
			open = slices.Delete(open, at, at+1)
		}
	}
	slices.SortFunc(picks, func(a, b pick) int {
		return cmp.Or(cmp.Compare(a.round, b.round), cmp.Compare(a.scene, b.scene))
	})
	return picks
}

func catalogue(m trainset.Medium) []int {
	var at []int
	for i, s := range scenes {
		if s.Medium == m {
			at = append(at, i)
		}
	}
	return at
}

// freshest returns the position in open of the scene whose framing is the
// least used so far, the earliest of equals.
func freshest(open []int, round int, used map[Framing]int) int {
	best := 0
	for i, s := range open {
		if used[scenes[s].Framings[round]] < used[scenes[open[best]].Framings[round]] {
			best = i
		}
	}
	return best
}
