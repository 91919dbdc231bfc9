package trainset

import (
	"fmt"
	"slices"
)

// CaptionProfile is a way to write captions, by what the trainer wants to read.
type CaptionProfile string

const (
	// ProfileFlux names an actor by its trigger; the default of actor sets.
	ProfileFlux CaptionProfile = "flux"
	// ProfileQwen is a natural sentence about an actor, without a rare word.
	ProfileQwen CaptionProfile = "qwen"
	// ProfileStyle names a style by its trigger; the default of style sets.
	ProfileStyle CaptionProfile = "style"
	// ProfileNone describes a style's content alone.
	ProfileNone CaptionProfile = "none"
)

// ActorProfiles lists the profiles of actors' captions, the default first.
func ActorProfiles() []CaptionProfile { return []CaptionProfile{ProfileFlux, ProfileQwen} }

// StyleProfiles lists the profiles of styles' captions, the default first.
func StyleProfiles() []CaptionProfile { return []CaptionProfile{ProfileStyle, ProfileNone} }

// HasTrigger reports whether captions of the profile have the trigger in them.
func (c CaptionProfile) HasTrigger() bool { return c != ProfileQwen && c != ProfileNone }

// validateCaptions makes sure that the profile is one of the kind's, and that no
// trigger is given that nobody would ever read.
func (o Options) validateCaptions(p *problems, profiles []CaptionProfile) {
	c := o.CaptionProfile
	switch {
	case c != "" && !slices.Contains(profiles, c):
		p.add("caption_profile", fmt.Sprintf("%.200q is unknown", c), fmt.Sprintf("use %s or %s", profiles[0], profiles[1]))
	case o.Trigger != "" && !c.HasTrigger():
		p.add("trigger", fmt.Sprintf("is in no caption of profile %s", c), fmt.Sprintf("leave it out, or use caption profile %s", profiles[0]))
	}
}
