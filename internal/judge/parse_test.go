package judge_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset/internal/judge"
)

// some is a judgement: tile 3 repeats another, tile 5 is not fit.
func some() judge.Verdicts {
	var v judge.Verdicts
	for i := range v {
		v[i] = judge.Verdict{Tile: i + 1, Unique: i != 2, Fit: i != 4, Shows: i + 1, Reason: "clear"}
	}
	return v
}

// answer is a judge's answer about the first n tiles.
func answer(tb testing.TB, n int) string {
	tb.Helper()
	all := some()
	raw, err := json.Marshal(map[string]any{"tiles": all[:n]})
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

func TestParseReadsWhatJudgesWrite(t *testing.T) {
	plain := answer(t, 9)
	for name, text := range map[string]string{
		"plain":                    plain,
		"spaces":                   "\n\t " + plain + "\n",
		"fence":                    "```json\n" + plain + "\n```",
		"prose":                    "Sure! Tile {3} repeats tile 1.\n\n```\n" + plain + "\n```\nTell me if {more} is needed.",
		"said twice":               plain + "\nOnce more: " + plain,
		"wrapped":                  `{"result":` + plain + `}`,
		"more fields":              strings.Replace(plain, `{"tile":1,`, `{"score":0.9,"tile":1,`, 1),
		"after a bad draft":        answer(t, 4) + "\nCorrected:\n" + plain,
		"byte order mark":          "\ufeff" + plain,
		"nothing of what it shows": strings.Replace(plain, `"shows":4,`, "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := judge.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if got != some() {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestParseSortsTiles(t *testing.T) {
	all := some()
	all[0], all[8], all[3] = all[8], all[0], all[5]
	all[5] = some()[3]
	raw, err := json.Marshal(map[string]any{"tiles": all})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := judge.Parse(string(raw)); err != nil || got != some() {
		t.Errorf("got %+v, %v", got, err)
	}
}

// What shows something that was not asked for in its grid cannot be named.
func TestWhatShowsNoneOfTheNineIsNotGood(t *testing.T) {
	got, err := judge.Parse(strings.Replace(answer(t, 9), `"shows":1,`, `"shows":0,`, 1))
	if err != nil || got[0].Shows != 0 || got[0].Good() || !got[1].Good() {
		t.Errorf("got %+v, %v", got[:2], err)
	}
}

func TestParseReadsTheOlderForm(t *testing.T) {
	got, err := judge.Parse("```json\n{\"unique_tiles\": [7, 2], \"reasons\": {\"2\": \"sharp\", \"4\": \"blank\", \"5\": 7}}\n```")
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		want := i+1 == 2 || i+1 == 7
		if v.Tile != i+1 || v.Good() != want || !want && v.Reason == "" {
			t.Errorf("%+v", v)
		}
	}
	if got[1].Reason != "sharp" || got[3].Reason != "blank" {
		t.Errorf("reasons %q, %q", got[1].Reason, got[3].Reason)
	}
	if none, err := judge.Parse(`{"unique_tiles":[]}`); err != nil || none[0].Good() {
		t.Errorf("no good tile: %+v, %v", none, err)
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	plain := answer(t, 9)
	other := strings.Replace(plain, `"fit":false`, `"fit":true`, 1)
	with := func(old, replacement string) string { return strings.Replace(plain, old, replacement, 1) }
	for name, tt := range map[string]struct{ text, says string }{
		"empty":             {"", "it is empty"},
		"blank":             {" \n ", "it is empty"},
		"prose":             {"All of the tiles look lovely.", "no JSON object"},
		"another object":    {`{"verdict":"good"}`, `no list "tiles"`},
		"null":              {`{"tiles":null}`, `no list "tiles"`},
		"truncated":         {plain[:len(plain)-20], "ends before it is complete"},
		"ellipsis":          {`{"tiles":[{"tile":1,"unique":true}, ...]}`, "JSON is broken"},
		"no list":           {`{"tiles":{"1":true}}`, `"tiles" is no list`},
		"eight":             {answer(t, 8), "nothing is said about tile 9"},
		"none":              {`{"tiles":[]}`, "tile 1, 2, 3, 4, 5, 6, 7, 8, 9"},
		"ten":               {with(`{"tile":1,`, `{"tile":1,"unique":true,"fit":true},{"tile":1,`), "has 10 entries"},
		"tile 0":            {with(`"tile":4`, `"tile":0`), "entry 4 is about tile 0"},
		"tile 10":           {with(`"tile":4`, `"tile":10`), "entry 4 is about tile 10"},
		"twice":             {with(`"tile":4`, `"tile":3`), "tile 3 comes twice"},
		"text for a tile":   {with(`"tile":4`, `"tile":"4"`), `"tile" of entry 4 is a string, want a whole number`},
		"half a tile":       {with(`"tile":4`, `"tile":4.5`), "number 4.5, want a whole number"},
		"text for a truth":  {with(`"unique":true`, `"unique":"yes"`), `"unique" of entry 1 is a string, want true or false`},
		"number for truth":  {with(`"fit":true`, `"fit":1`), `"fit" of entry 1 is a number`},
		"shows line 10":     {with(`"shows":4`, `"shows":10`), "entry 4 shows line 10"},
		"shows a text":      {with(`"shows":4`, `"shows":"a fox"`), `"shows" of entry 4 is a string, want a whole number`},
		"null for a truth":  {with(`"fit":true`, `"fit":null`), `entry 1 has no "fit"`},
		"no unique":         {with(`"unique":true,`, ``), `entry 1 has no "unique"`},
		"no tile":           {with(`"tile":1,`, ``), `entry 1 has no "tile"`},
		"list for a reason": {with(`"clear"`, `[]`), `"reason" of entry 1 is a array, want a text`},
		"numbers only":      {`{"tiles":[1,2,3]}`, "entry 1 of \"tiles\" is no object"},
		"two judgements":    {plain + other, "two different judgements"},
		"old: text":         {`{"unique_tiles":["1"]}`, `entry 1 of "unique_tiles" is "1", want`},
		"old: range":        {`{"unique_tiles":[1,11]}`, `entry 2 of "unique_tiles" is 11, want`},
		"old: twice":        {`{"unique_tiles":[1,1]}`, "tile 1 comes twice"},
		"old: null":         {`{"unique_tiles":[null]}`, "is null, want"},
		"old: no list":      {`{"unique_tiles":"all"}`, `"unique_tiles" is no list`},
		"too long":          {plain + strings.Repeat(" ", judge.MaxAnswer), "at most 65536 are read"},
		"braces":            {strings.Repeat("{", 60000), "JSON"},
		"deep":              {strings.Repeat(`{"a":`, 12000), "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := judge.Parse(tt.text)
			if !errors.Is(err, judge.ErrAnswer) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %+v, error %v, want it to say %q", got, err, tt.says)
			}
			if got != (judge.Verdicts{}) {
				t.Errorf("a refused answer gives %+v", got)
			}
		})
	}
}

func TestParseBoundsReasons(t *testing.T) {
	text := strings.Replace(answer(t, 9), "clear", strings.Repeat(`é\u0007\n`, 2000), 1)
	got, err := judge.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if r := got[0].Reason; utf8.RuneCountInString(r) > 300 || strings.ContainsAny(r, "\a\n") {
		t.Errorf("the reason is %q", r)
	}
}

// Whatever prose is put around a judgement, it is read back or, where the prose
// holds another, refused; it is never read as something else.
func TestParseReadsBackAnyJudgement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want judge.Verdicts
		order := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8}).Draw(t, "order")
		list := make([]judge.Verdict, len(order))
		for i, place := range order {
			want[place] = judge.Verdict{
				Tile:   place + 1,
				Unique: rapid.Bool().Draw(t, "unique"),
				Fit:    rapid.Bool().Draw(t, "fit"),
				Shows:  rapid.IntRange(0, judge.Tiles).Draw(t, "shows"),
				Reason: rapid.StringMatching(`([a-z{}"\[\]]{1,8} ){0,6}[a-z]`).Draw(t, "reason"),
			}
			list[i] = want[place]
		}
		raw, err := json.Marshal(map[string]any{"tiles": list})
		if err != nil {
			t.Fatal(err)
		}
		around := rapid.StringMatching("[ a-z`.,\n]{0,60}")
		got, err := judge.Parse(around.Draw(t, "before") + string(raw) + around.Draw(t, "after"))
		if err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(answer(f, 9))
	f.Add("```json\n" + answer(f, 8) + "\n```")
	f.Add(`{"unique_tiles":[1,5,9],"reasons":{"1":"ok"}}`)
	f.Add(`{"tiles":[{"tile":1e400,"unique":{}}]}`)
	f.Add("{{{[[[\"\\u0000\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := judge.Parse(text)
		if err != nil {
			if !errors.Is(err, judge.ErrAnswer) || len(judge.Again(err)) > 4*300+400 {
				t.Fatalf("error %v", err)
			}
			return
		}
		for i, v := range got {
			if v.Tile != i+1 || !utf8.ValidString(v.Reason) || utf8.RuneCountInString(v.Reason) > 300 {
				t.Fatalf("verdict %d is %+v", i+1, v)
			}
		}
	})
}
