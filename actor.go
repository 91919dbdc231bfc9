package trainset

import "fmt"

// DefaultActorImages and MaxActorImages bound an actor's data set.
const (
	DefaultActorImages = 12
	MaxActorImages     = 48
)

// ActorType says what sort of being an actor is.
type ActorType string

const (
	TypeHuman           ActorType = "human"
	TypeCreature        ActorType = "creature"
	TypeRobotic         ActorType = "robotic"
	TypeAnthropomorphic ActorType = "anthropomorphic"
	TypeMythical        ActorType = "mythical"
)

// ActorTypes lists every actor type.
func ActorTypes() []ActorType {
	return []ActorType{TypeHuman, TypeCreature, TypeRobotic, TypeAnthropomorphic, TypeMythical}
}

// Sex words a human actor's descriptor; empty means "person".
type Sex string

const (
	SexUnknown Sex = ""
	SexMale    Sex = "male"
	SexFemale  Sex = "female"
)

// ActorRequest asks for a data set of one character from a portrait.
type ActorRequest struct {
	Options
	// Actor is the character's ID.
	Actor string `json:"actor"`
	// Portrait shows the character.
	Portrait Reference `json:"portrait"`
	// Type is human when empty.
	Type ActorType `json:"type,omitempty"`
	// Sex words a human's descriptor: "man", "woman", or "person" when empty.
	Sex Sex `json:"sex,omitempty"`
}

// Kind implements Request.
func (ActorRequest) Kind() Kind { return KindActor }

// JobID implements Request.
func (r ActorRequest) JobID() JobID { return NewJobID(r.User, KindActor, r.Key) }

// Subject implements Request.
func (r ActorRequest) Subject() string { return r.Actor }

// Source implements Request.
func (r ActorRequest) Source() Reference { return r.Portrait }

// Common implements Request.
func (r ActorRequest) Common() Options { return r.Options }

// WithDefaults fills what a request may leave out and is the same everywhere.
func (r ActorRequest) WithDefaults() ActorRequest {
	if r.Version == 0 {
		r.Version = RequestVersion
	}
	if r.Images == 0 {
		r.Images = DefaultActorImages
	}
	if r.Type == "" {
		r.Type = TypeHuman
	}
	return r
}

// Fingerprint implements Request.
func (r ActorRequest) Fingerprint() string {
	r = r.WithDefaults()
	r.Options, r.Portrait = r.Options.identity(ProfileFlux), r.Portrait.identity()
	return fingerprint(r)
}

// Validate implements Request.
func (r ActorRequest) Validate() error {
	var p problems
	r.validate(&p, MaxActorImages, ActorProfiles())
	p.id("actor", r.Actor)
	r.Portrait.validate("portrait", &p)
	switch r.Type {
	case "", TypeHuman, TypeCreature, TypeRobotic, TypeAnthropomorphic, TypeMythical:
	default:
		p.add("type", fmt.Sprintf("%.200q is unknown", r.Type), "use human, creature, robotic, anthropomorphic or mythical")
	}
	switch r.Sex {
	case SexUnknown, SexMale, SexFemale:
	default:
		p.add("sex", fmt.Sprintf("%.200q is unknown", r.Sex), "use male or female, or leave it out")
	}
	return p.err()
}
