package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/config"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/generate"
	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/reference"
	"github.com/actormaker/trainset/internal/replicate"
)

// kinds is what differs between the kinds of jobs in words and bounds.
var kinds = map[trainset.Kind]struct {
	source string // what the request calls its image
	shows  string
	images int
	most   int
	model  string

	captions func() []trainset.CaptionProfile
	profiles string // what they are, for people
}{
	trainset.KindActor: {
		"portrait", "the character's image", trainset.DefaultActorImages, trainset.MaxActorImages, replicate.DefaultActorModel,
		trainset.ActorProfiles, "captions: flux, which has the trigger, or qwen, a sentence without it (default flux)",
	},
	trainset.KindStyle: {
		"image", "an example of the style", trainset.DefaultStyleImages, trainset.MaxStyleImages, replicate.DefaultStyleModel,
		trainset.StyleProfiles, "captions: style, which has the trigger, or none, what is shown alone (default style)",
	},
}

// order is one data set as it is asked for, by flags or by a row of a batch.
// Nothing in it has been checked.
type order struct {
	kind    trainset.Kind
	source  string // of the image: a file or a URL
	subject string // named after the image when empty
	options trainset.Options
	fresh   bool // another set although it may have been asked for before

	// What only requests of one kind have; the rest of both is not looked at.
	actor trainset.ActorRequest
	style trainset.StyleRequest
}

// request is the order as a request, its image being at ref.
func (o order) request(ref trainset.Reference) trainset.Request {
	if o.kind == trainset.KindStyle {
		r := o.style
		r.Options, r.Style, r.Image = o.options, o.subject, ref
		return r.WithDefaults()
	}
	r := o.actor
	r.Options, r.Actor, r.Portrait = o.options, o.subject, ref
	return r.WithDefaults()
}

// checked is an order in which nothing is wrong.
type checked struct {
	order

	request  trainset.Request
	estimate estimate
	image    []byte
}

// check completes the order, reads its image and reports everything that is
// wrong. Fields are named as requests name them.
func (o order) check(ctx context.Context, cfg config.Config) (checked, error) {
	var problems []error
	add := func(err error) { problems = append(problems, err) }
	o.complete(cfg)
	image, err := o.load(ctx, cfg)
	add(err)
	digest := sha256.Sum256(image)
	ref := trainset.Reference{SHA256: hex.EncodeToString(digest[:])}
	o.options.Key = o.key(ref)
	ref.Key = dataset.Upload(o.request(ref).JobID())
	c := checked{order: o, request: o.request(ref), image: image}
	if c.estimate, err = estimateOf(c.request, cfg); err != nil {
		add(err)
	} else {
		add(c.estimate.underCap(c.request.Common().MaxCost))
	}
	add(c.request.Validate())
	add(generate.CheckTrigger(o.options.Trigger))
	return c, flatten(problems)
}

// complete fills what has a default that is not the same everywhere.
func (o *order) complete(cfg config.Config) {
	if o.options.User == "" {
		o.options.User = defaultUser
	}
	if o.subject == "" {
		o.subject = slug(o.source, string(o.kind))
	}
	if o.options.Model == "" {
		o.options.Model = cfg.Provider.Model
	}
	if o.options.Model == "" {
		o.options.Model = kinds[o.kind].model
	}
	o.completeJudge(cfg)
}

// deployed reports whether the workers of a Redis do the work; else this command
// does, as it always makes simulated pictures.
func deployed(cfg config.Config, simulate bool) bool { return cfg.Redis.URL.IsSet() && !simulate }

// completeJudge says who judges, unless that was said or is for workers to say.
// A judge that was named has no model added: whoever works looks that up, and the
// request stays the one that it was.
func (o *order) completeJudge(cfg config.Config) {
	s, elsewhere := &o.style, deployed(cfg, o.options.Simulate)
	if s.Judge != "" {
		return
	}
	who := trainset.Judge(cfg.Judge.Kind)
	switch {
	case s.JudgeModel == "":
		s.JudgeModel = cfg.Judge.JudgeModel
	case elsewhere: // a model alone is the provider's, as workers read it
		who = trainset.JudgeReplicate
	}
	if !elsewhere || cfg.Judge.Given || s.JudgeModel != "" {
		s.Judge = who
	}
}

// key is the idempotency key: the one given, or one of everything that changes
// the result.
func (o order) key(ref trainset.Reference) string {
	key := o.options.Key
	if key == "" {
		key = trainset.DefaultKey(o.request(ref))
	}
	if o.fresh {
		key += "-" + strings.ToLower(rand.Text()[:10])
	}
	return key
}

// load reads the image and makes sure that it will do.
func (o order) load(ctx context.Context, cfg config.Config) ([]byte, error) {
	field := kinds[o.kind].source
	if o.source == "" {
		return nil, trainset.Invalid(field, "is missing", "give a file or an http(s) URL as --"+field)
	}
	data, err := reference.Load(ctx, o.source, reference.Options{Field: field, AllowPrivateHosts: cfg.AllowPrivateHosts})
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", field, err)
	}
	if _, err := reference.Check(data, field, imaging.DefaultLimits); err != nil {
		return nil, fmt.Errorf("checking the %s: %w", field, err)
	}
	return data, nil
}

var notInSlug = regexp.MustCompile(`[^a-z0-9]+`)

// slug makes an ID of a file's or URL's name.
func slug(source, otherwise string) string {
	if u, err := url.Parse(source); err == nil && u.Host != "" {
		source = u.Path
	}
	name := path.Base(strings.ReplaceAll(source, `\`, "/"))
	name = strings.TrimSuffix(name, path.Ext(name))
	name = strings.Trim(notInSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
	name = strings.TrimRight(name[:min(len(name), 48)], "-")
	if name == "" {
		return otherwise
	}
	return name
}

// flatten joins the leaves of joined errors side by side: the field errors
// among them alone, without the words around them.
func flatten(errs []error) error {
	var leaves []error
	for _, err := range errs {
		leaves = append(leaves, leavesOf(err)...)
	}
	return errors.Join(leaves...)
}

func leavesOf(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var leaves []error
		for _, inner := range joined.Unwrap() {
			leaves = append(leaves, leavesOf(inner)...)
		}
		return leaves
	}
	if field, ok := errors.AsType[*trainset.FieldError](err); ok {
		return []error{field}
	}
	return []error{err}
}

// asFlags names fields as the flags do.
func asFlags(err error) error {
	var named []error
	for _, leaf := range leavesOf(err) {
		if field, ok := errors.AsType[*trainset.FieldError](leaf); ok {
			name := field.Field
			if name != strings.ToUpper(name) { // not a variable
				name = strings.ReplaceAll(strings.TrimSuffix(name, "_usd"), "_", "-")
			}
			leaf = trainset.Invalid(name, field.Problem, field.Remedy)
		}
		named = append(named, leaf)
	}
	return errors.Join(named...)
}
