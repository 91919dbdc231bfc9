package schemas_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/docs/schemas"
)

// actor is what the tests of actor requests need.
var actor = request{
	kind: trainset.KindActor, schema: schemas.ActorGenerate,
	least: `{"version":1,"user":"u","key":"k","actor":"a","portrait":{"key":"uploads/p"}}`,
	values: values(map[string]tried{
		"actor":           ids,
		"portrait":        references,
		"images":          {[]string{`0`, `1`, `48`, `12.0`, `1.2e1`, `null`}, []string{`-1`, `49`, `2.5`, `"12"`}},
		"type":            {[]string{`""`, `"human"`, `"creature"`, `"robotic"`, `"anthropomorphic"`, `"mythical"`, `null`}, []string{`"ghost"`, `"Human"`, `1`}},
		"caption_profile": {[]string{`""`, `"flux"`, `"qwen"`, `null`}, []string{`"none"`, `"style"`, `"Flux"`, `1`}},
		"sex":             {[]string{`""`, `"male"`, `"female"`, `null`}, []string{`"m"`, `1`}},
	}),
}

func TestActorSchemaAndDecodeRequestAgree(t *testing.T) { actor.agreesOnValues(t) }

func TestEveryFieldOfAnActorRequestIsTried(t *testing.T) { actor.triesEveryField(t) }

func TestExamplesOfActorRequestsAreValid(t *testing.T) { actor.hasValidExamples(t) }

func TestActorSchemaAndValidateAgreeOnAnyRequest(t *testing.T) {
	s := compile(t, schemas.ActorGenerate)
	rapid.Check(t, func(r *rapid.T) {
		agreeOn(r, s, trainset.ActorRequest{
			Options: options(r), Actor: text(r, `[a-zA-Z0-9._-]{1,64}`, "actor"),
			Portrait: trainset.Reference{Key: text(r, `[a-z]{0,2}`, "portrait")},
		})
	})
}
