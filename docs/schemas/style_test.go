package schemas_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/docs/schemas"
)

// style is what the tests of style requests need.
var style = request{
	kind: trainset.KindStyle, schema: schemas.StyleGenerate,
	least: `{"version":1,"user":"u","key":"k","style":"s","image":{"key":"uploads/p"}}`,
	values: values(map[string]tried{
		"style":           ids,
		"image":           references,
		"images":          {[]string{`0`, `1`, `60`, `12.0`, `null`}, []string{`-1`, `61`, `2.5`, `"12"`}},
		"grids":           {[]string{`0`, `1`, `10`, `2.0`, `null`}, []string{`-1`, `11`, `20`, `1.5`, `"3"`}},
		"max_grids":       {[]string{`0`, `3`, `20`, `20.0`, `null`}, []string{`-1`, `21`, `1.5`, `"3"`}},
		"judge":           {[]string{`""`, `"replicate"`, `"openai"`, `"local"`, `null`}, []string{`"gpt"`, `"Local"`, `1`}},
		"judge_model":     {[]string{`""`, `"openai/gpt-4.1-mini"`, `null`, quoted("a/" + strings.Repeat("m", 198))}, []string{quoted("a/" + strings.Repeat("m", 199)), `"gpt-4.1-mini"`, `"a/b\n"`, `"A/b"`, `"a/b/c"`, `1`}},
		"caption_profile": {[]string{`""`, `"style"`, `"none"`, `null`}, []string{`"qwen"`, `"flux"`, `"None"`, `1`}},
		"enhance":         {[]string{`""`, `"grid"`, `"tile"`, `"none"`, `null`}, []string{`"all"`, `true`}},
	}),
}

func TestStyleSchemaAndDecodeRequestAgree(t *testing.T) { style.agreesOnValues(t) }

func TestEveryFieldOfAStyleRequestIsTried(t *testing.T) { style.triesEveryField(t) }

func TestExamplesOfStyleRequestsAreValid(t *testing.T) { style.hasValidExamples(t) }

// TestStyleSchemaAndValidateAgreeOnAnyRequest tries fields together: how many
// grids there may be depends on the most, and the model's name on the judge.
func TestStyleSchemaAndValidateAgreeOnAnyRequest(t *testing.T) {
	s := compile(t, schemas.StyleGenerate)
	rapid.Check(t, func(r *rapid.T) {
		agreeOn(r, s, trainset.StyleRequest{
			Options: options(r), Style: text(r, `[a-zA-Z0-9._-]{1,64}`, "style"),
			Image:      trainset.Reference{Key: text(r, `[a-z]{0,2}`, "image")},
			Grids:      rapid.IntRange(-1, 21).Draw(r, "grids"),
			MaxGrids:   rapid.IntRange(-1, 21).Draw(r, "max grids"),
			Judge:      rapid.SampledFrom([]trainset.Judge{"", trainset.JudgeReplicate, trainset.JudgeOpenAI, trainset.JudgeLocal}).Draw(r, "judge"),
			JudgeModel: text(r, `([a-z-]{1,4}/)?[a-z-]{0,4}`, "judge model"),
			Enhance:    rapid.SampledFrom([]trainset.Enhance{"", trainset.EnhanceGrid, trainset.EnhanceTile, trainset.EnhanceNone}).Draw(r, "enhance"),
		})
	})
}

func TestGridsAtOnceAreBoundedByTheMost(t *testing.T) {
	s := compile(t, schemas.StyleGenerate)
	for most := range 21 {
		bound := most
		if most == 0 {
			bound = trainset.DefaultMaxGrids
		}
		for grids := range 22 {
			r := trainset.StyleRequest{
				Options: trainset.Options{Version: 1, User: "u", Key: "k"}, Style: "s", Image: trainset.Reference{Key: "p"}, MaxGrids: most, Grids: grids,
			}
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			style.agree(t, s, string(b), grids <= bound)
		}
	}
}
