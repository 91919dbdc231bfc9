package judge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/actormaker/trainset/internal/judge"
)

var contents = []string{
	"a violinist", "a waterfall", "a kettle", "a lighthouse", "a fox",
	"a steam train", "a spiral of circles", "a baker", "a dune",
}

func TestQuestionNumbersTheContents(t *testing.T) {
	q := judge.Question(contents, false)
	for i, content := range contents {
		if line := fmt.Sprintf("\n%d. %s\n", i+1, content); !strings.Contains(q, line) {
			t.Errorf("the question lacks %q", line)
		}
	}
	if strings.Contains(q, "unique_tiles") {
		t.Error("the question names the older form, which a judge might then give")
	}
}

// What is asked fits the pictures that go with it: with an example of the style
// tiles are held to it, without one only to each other.
func TestQuestionSaysWhichPicturesThereAre(t *testing.T) {
	alone, both := judge.Question(contents, false), judge.Question(contents, true)
	for text, want := range map[string]struct{ alone, both bool }{
		"The picture is a grid of nine tiles in three rows": {true, false},
		"plainly another style than the rest":               {true, false},
		"There are two pictures":                            {false, true},
		"The second is the example of the style":            {false, true},
		"The first is a grid of nine tiles in three rows":   {false, true},
		"plainly another style than the example":            {false, true},
		"Name the difference as the reason":                 {false, true},
		"That the example shows other subjects is no fault": {false, true},
	} {
		if strings.Contains(alone, text) != want.alone || strings.Contains(both, text) != want.both {
			t.Errorf("%q: in the question about the grid alone %v, about both %v", text, strings.Contains(alone, text), strings.Contains(both, text))
		}
	}
}

func TestQuestionTakesAnyContents(t *testing.T) {
	q := judge.Question([]string{"two\nlines " + strings.Repeat("x", 1000)}, true)
	if !strings.Contains(q, "\n1. two lines xxx") || !strings.Contains(q, "\n9. (not known)\n") {
		t.Errorf("the question is %s", q)
	}
	if len(q) > 4000 {
		t.Errorf("the question has %d bytes", len(q))
	}
}

// The form that the question shows is the one that is parsed.
func TestQuestionShowsTheFormThatIsParsed(t *testing.T) {
	q := judge.Question(contents, true)
	from, to := strings.Index(q, `{"tile":1,`), strings.Index(q, `,{"tile":2`)
	if from < 0 || to < from {
		t.Fatalf("the question shows no example: %s", q)
	}
	var all []string
	for i := range judge.Tiles {
		all = append(all, strings.ReplaceAll(strings.Replace(q[from:to], `"tile":1`, fmt.Sprintf(`"tile":%d`, i+1), 1), `"shows":1`, fmt.Sprintf(`"shows":%d`, i+1)))
	}
	if _, err := judge.Parse(`{"tiles":[` + strings.Join(all, ",") + `]}`); err != nil {
		t.Error(err)
	}
}

func TestAgainQuotesTheError(t *testing.T) {
	_, err := judge.Parse(answer(t, 8))
	if again := judge.Again(err); !strings.Contains(again, "nothing is said about tile 9") {
		t.Errorf("%q does not say what was wrong: %v", again, err)
	}
	if again := judge.Again(errors.New(strings.Repeat("long\n", 1000))); len(again) > 1000 || strings.Count(again, "\n") != 2 {
		t.Errorf("a long error makes %d bytes", len(again))
	}
	if again := judge.Again(nil); !strings.Contains(again, "could not be read") {
		t.Errorf("without an error: %q", again)
	}
}

// Strict structured output demands that every object closes and requires all.
func TestSchemaIsStrict(t *testing.T) {
	raw, err := json.Marshal(judge.Schema())
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		AdditionalProperties *bool
		Required             []string
		Properties           struct {
			Tiles struct {
				MinItems, MaxItems int
				Items              struct {
					AdditionalProperties *bool
					Required             []string
					Properties           map[string]struct {
						Type string
						Enum []int
					}
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &root); err != nil {
		t.Fatal(err)
	}
	items := root.Properties.Tiles.Items
	for _, closed := range []*bool{root.AdditionalProperties, items.AdditionalProperties} {
		if closed == nil || *closed {
			t.Error("an object is open")
		}
	}
	if !slices.Equal(root.Required, []string{"tiles"}) || root.Properties.Tiles.MinItems != 9 || root.Properties.Tiles.MaxItems != 9 {
		t.Errorf("the list: %s", raw)
	}
	fields := verdictFields(t)
	if len(items.Properties) != len(fields) || len(items.Required) != len(fields) {
		t.Errorf("a verdict has the fields %v, the schema %s", fields, raw)
	}
	for _, f := range fields {
		if _, ok := items.Properties[f]; !ok || !slices.Contains(items.Required, f) {
			t.Errorf("the schema does not require %q", f)
		}
	}
	if !slices.Equal(items.Properties["tile"].Enum, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}) {
		t.Errorf("tiles are %v", items.Properties["tile"].Enum)
	}
}

func verdictFields(t *testing.T) []string {
	t.Helper()
	raw, err := json.Marshal(judge.Verdict{})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range m {
		names = append(names, name)
	}
	return names
}
