package tasks

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/generate"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
)

// plan freezes what a job asks for.
func (h *Handlers) plan(req trainset.Request, m replicate.Model, ref plan.Reference) (plan.Plan, error) {
	raw, err := json.Marshal(req)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("encoding the request: %w", err)
	}
	var p plan.Plan
	switch req := req.(type) {
	case trainset.ActorRequest:
		p = actorPlan(req.WithDefaults(), m, h.o.MaxAttempts)
	case trainset.StyleRequest:
		if p, err = h.stylePlan(req.WithDefaults(), m); err != nil {
			return p, err
		}
	default:
		return p, trainset.Invalid("kind", fmt.Sprintf("%q is unknown", req.Kind()), "use actor or style")
	}
	p.Request, p.Reference, p.Simulate, p.Frozen = raw, ref, h.o.Simulated, h.o.Now().UTC()
	return p, nil
}

// actorPlan is the part of an actor's plan that depends on the request alone.
func actorPlan(req trainset.ActorRequest, m replicate.Model, maxAttempts int) plan.Plan {
	id := req.JobID()
	p := plan.Plan{
		Version: plan.Version, JobID: id, Kind: trainset.KindActor, User: req.User, Subject: req.Actor, Key: req.Key,
		Type: string(req.Type), Sex: string(req.Sex), Class: generate.Class(req.Type, req.Sex), Name: req.Name,
		Trigger: trigger(req), CaptionProfile: string(cmp.Or(req.CaptionProfile, trainset.ProfileFlux)), CatalogVersion: generate.CatalogVersion,
		Seed: seedOf(id), Model: m.Name, Price: m.Price, PriceSource: m.PriceSource, PriceDate: m.PriceDate,
		Images: req.Images, MaxAttempts: maxAttempts, MaxCost: req.MaxCost, Estimated: m.Price * trainset.Money(req.Images),
	}
	if req.Seed != nil {
		p.Seed = *req.Seed
	}
	shots := generate.Actor(generate.ActorSpec{
		Type: req.Type, Sex: req.Sex, Trigger: p.Trigger, Name: p.Name, Profile: req.CaptionProfile, Images: p.Images, Seed: p.Seed,
	})
	for _, s := range shots {
		p.Asks = append(p.Asks, ask(s, maxAttempts))
	}
	return p
}

// trigger is the word that stands for the subject in captions; none where they
// are to have none.
func trigger(req trainset.Request) string {
	o := req.Common()
	if !o.CaptionProfile.HasTrigger() {
		return ""
	}
	return cmp.Or(o.Trigger, generate.Trigger(o.User, req.Subject()))
}

// rounds is how often all of an item's attempts may be used up: a person may ask
// to try again. Each attempt has a seed of its own.
const rounds = 4

func ask(s generate.Shot, maxAttempts int) plan.Ask {
	a := plan.Ask{
		Index: s.Index, Scene: s.Scene, Medium: s.Medium, Technique: s.Technique, Framing: s.Framing,
		Prompt: s.Prompt, Milder: s.Milder, Caption: s.Caption, MilderCaption: s.MilderCaption,
	}
	for n := 1; n <= maxAttempts*rounds; n++ {
		a.Seeds = append(a.Seeds, s.SeedFor(n))
	}
	return a
}

// seedOf derives a job's seed from its ID, 0 to 2^31-1.
func seedOf(id trainset.JobID) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return int64(h.Sum64() & math.MaxInt32)
}

// sum is the hex SHA-256 of bytes.
func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
