package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
)

func TestBothFormsOfABatchSayTheSame(t *testing.T) {
	jsonl := `{"kind": "actor", "portrait": "zara.png", "actor": "zara", "sex": "female", "images": 6, "max_cost_usd": 0.5, "seed": 7}

{"kind": "style", "image": "https://example.org/ink.png", "user": "ada", "grids": 2, "max_grids": 4, "judge": "local", "enhance": "none", "caption_profile": "none", "sex": null}
`
	table := "kind,portrait,actor,sex,images,max_cost_usd,seed,image,user,grids,max_grids,judge,enhance,caption_profile\n" +
		"actor,zara.png,zara,female,6,0.5,7,,,,,,,\n" +
		"\n" +
		"style,,,,,,,https://example.org/ink.png,ada,2,4,local,none,none\n"
	seed := int64(7)
	zara := order{kind: trainset.KindActor, source: filepath.Join("cast", "zara.png"), subject: "zara"}
	zara.options = trainset.Options{Version: 1, Images: 6, MaxCost: trainset.USD(0.5), Seed: &seed}
	zara.actor.Sex = trainset.SexFemale
	ink := order{kind: trainset.KindStyle, source: "https://example.org/ink.png"}
	ink.options = trainset.Options{Version: 1, User: "ada", CaptionProfile: trainset.ProfileNone}
	ink.style.Grids, ink.style.MaxGrids, ink.style.Judge, ink.style.Enhance = 2, 4, trainset.JudgeLocal, trainset.EnhanceNone
	emptied := strings.Replace(table, "\n\n", "\n,, ,,,,,,,,,,,\n", 1)
	texts := map[string]string{
		"cast/a.jsonl": jsonl, "cast/a.csv": table, "cast/b.csv": byteOrderMark + table, "cast/c.csv": emptied,
		"cast/d.csv": strings.Replace(table, "\n\n", "\n,,,\n", 1),
	}
	for name, text := range texts {
		rows, err := readRows(name, strings.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := []row{{line: 1, order: zara}, {line: 3, order: ink}}
		if strings.HasSuffix(name, "csv") {
			want[0].line, want[1].line = 2, 4
		}
		if diff := cmp.Diff(want, rows, cmp.AllowUnexported(row{}, order{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhatIsWrongInABatchIsSaidWithItsLine(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		want       []string
	}{
		"every line": {
			"a.jsonl", `{"kind": "actor", "colour": "red"}` + "\n" + `{"kind": "dance"}` + "\n" + `{"images": "many", "kind": "style"}`,
			[]string{`line 1: "colour": is unknown; use actor, `, `line 2: kind: "dance" is unknown`, `line 3: images: "many" will not do; give a whole number`},
		},
		"several in one":  {"a.jsonl", `{"kind": "actor", "grids": 3, "seed": "x"}`, []string{"line 1: grids: does not belong to a row of kind actor", "line 1: seed: "}},
		"zeros":           {"a.jsonl", `{"kind": "style", "images": 0, "grids": 0, "max_grids": 0, "max_cost_usd": 0}`, []string{"images: 0", "grids: 0", "max_grids: 0", "max_cost_usd: 0"}},
		"no object":       {"a.jsonl", "[1]\n{\"kind\"", []string{"line 1: row: is no JSON object", "line 2: row: is no JSON object"}},
		"two on a line":   {"a.jsonl", `{"kind": "actor"} {"kind": "actor"}`, []string{"line 1: row: is no JSON object: there is more"}},
		"twice":           {"a.jsonl", `{"kind": "actor", "kind": "style"}`, []string{"line 1: kind: is there twice"}},
		"long line":       {"a.jsonl", "{\"kind\": \"actor\"}\n" + strings.Repeat("x", maxLine+1), []string{"line 2: file: cannot be read further"}},
		"columns":         {"a.csv", "kind,colour,kind\nactor,red,actor\n", []string{`line 1: "colour": is unknown`, "line 1: kind: is there twice"}},
		"cells":           {"a.csv", "kind,actor\nactor\nactor,a,b\nactor,zara\n", []string{"line 2: row: has 1 cells, the header 2", "line 3: row: has 3 cells"}},
		"quotes":          {"a.csv", "kind,actor\nactor,\"zara\nactor,x\n", []string{"row: "}},
		"fraction":        {"a.jsonl", `{"kind": "actor", "images": 2.0, "max_cost_usd": true}`, []string{"images: 2.0 will not do; give a whole number", "max_cost_usd: true will not do; give US dollars"}},
		"number":          {"a.csv", "kind,images\nactor,six\n", []string{`line 2: images: "six" will not do; give a whole number`}},
		"no kind":         {"a.csv", "actor\nzara\n", []string{`line 2: kind: "" is unknown; give actor or style`}},
		"empty":           {"a.csv", "", []string{"file: has no header"}},
		"header only":     {"a.csv", "kind\n", []string{"file: has no rows"}},
		"no rows":         {"a.jsonl", "\n \n", []string{"file: has no rows"}},
		"another ending":  {"a.txt", "kind\n", []string{"file: \"a.txt\" does not say"}},
		"latin-1 cells":   {"a.csv", "kind,key\nactor,Caf\xe9\nactor,Caf\xe8\n", []string{"line 2: key: is not UTF-8; save the file as UTF-8", "line 3: key: is not UTF-8"}},
		"latin-1 values":  {"a.jsonl", "{\"kind\": \"actor\", \"key\": \"Caf\xe9\"}\n{\"kind\": \"actor\", \"name\": \"Zo\xeb\"}", []string{"line 1: key: is not UTF-8; save the file as UTF-8", "line 2: name: is not UTF-8"}},
		"latin-1 kind":    {"a.csv", "kind\n\xe9\n", []string{"line 2: kind: is not UTF-8"}},
		"utf-16":          {"a.csv", "\xff\xfek\x00i\x00n\x00d\x00\n\x00", []string{"file: is not UTF-8"}},
		"capital letters": {"a.jsonl", `{"Kind": "actor"}`, []string{`line 1: "Kind": is unknown`}},
	} {
		_, err := readRows(c.file, strings.NewReader(c.text))
		if err == nil {
			t.Errorf("%s: nothing is wrong", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
		if _, ok := errors.AsType[*trainset.FieldError](err); !ok {
			t.Errorf("%s: %v is no error of the input", name, err)
		}
	}
}

func TestABatchIsBounded(t *testing.T) {
	_, err := readRows("a.jsonl", strings.NewReader(strings.Repeat("{\"kind\": \"actor\"}\n", maxRows+1)))
	if err == nil || !strings.Contains(err.Error(), "more than 10000 rows") {
		t.Errorf("error %v", err)
	}
	if rows, err := readRows("a.csv", strings.NewReader("kind\n"+strings.Repeat("actor\n", maxRows))); err != nil || len(rows) != maxRows {
		t.Errorf("%d rows: %v", len(rows), err)
	}
}

// columns are all there may be.
func columns() []string { return slices.Sorted(maps.Keys(fields)) }

// anyRow draws the fields of a good row as text, as CSV has them.
func anyRow(t *rapid.T) map[string]string {
	kind := rapid.SampledFrom([]string{"actor", "style"}).Draw(t, "kind")
	r := map[string]string{"kind": kind}
	for _, name := range columns() {
		f := fields[name]
		if name == "kind" || f.kind != "" && string(f.kind) != kind || rapid.Bool().Draw(t, "leave out "+name) {
			continue
		}
		if f.number {
			r[name] = strconv.Itoa(rapid.IntRange(1, 999_999_999).Draw(t, name))
		} else {
			r[name] = rapid.StringMatching(`[a-z"',; äß/.-]{0,10}[a-z]`).Draw(t, name)
		}
		r[name] = strings.TrimSpace(r[name])
	}
	return r
}

// A row means the same in either form.
func TestFormsAgreeOnAnyRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(anyRow), 1, 5).Draw(t, "rows")
		header := columns()
		var table, lines bytes.Buffer
		out := csv.NewWriter(&table)
		_ = out.Write(header) // into memory
		for _, r := range all {
			object := map[string]any{}
			cells := make([]string, len(header))
			for i, name := range header {
				cells[i] = r[name]
				switch {
				case r[name] == "":
				case fields[name].number:
					object[name] = json.RawMessage(r[name])
				default:
					object[name] = r[name]
				}
			}
			_ = out.Write(cells)
			_ = json.NewEncoder(&lines).Encode(object)
		}
		out.Flush()
		fromTable, err := readRows("x/a.csv", &table)
		if err != nil {
			t.Fatal(err)
		}
		fromLines, err := readRows("x/a.jsonl", &lines)
		if err != nil {
			t.Fatal(err)
		}
		if len(fromTable) != len(all) || len(fromLines) != len(all) {
			t.Fatalf("%d and %d rows of %d", len(fromTable), len(fromLines), len(all))
		}
		for i := range all {
			if diff := cmp.Diff(fromTable[i].order, fromLines[i].order, cmp.AllowUnexported(order{})); diff != "" {
				t.Fatalf("row %d: %s", i, diff)
			}
		}
	})
}

// lines are the errors that are printed one a line.
func lines(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || err == nil {
		return slices.DeleteFunc([]error{err}, func(err error) bool { return err == nil })
	}
	var all []error
	for _, inner := range joined.Unwrap() {
		all = append(all, lines(inner)...)
	}
	return all
}

var lined = regexp.MustCompile(`^(line \d+: |file: )`)

func FuzzReadRows(f *testing.F) {
	f.Add("a.jsonl", `{"kind": "actor", "portrait": "zara.png", "images": 3}`)
	f.Add("a.jsonl", `{"kind": "style", "image": {"url": 1}}`+"\n\n[]")
	f.Add("a.csv", "kind,portrait\nactor,zara.png\n\"actor\",\"a\"\"b\"\n")
	f.Add("a.csv", "kind,key\nactor,Caf\xe9\n,,\n")
	f.Add("a.csv", "kind,max_cost_usd\nactor,1e999\nactor,-0\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		rows, err := readRows(name, strings.NewReader(text))
		if err == nil && len(rows) == 0 {
			t.Error("neither rows nor an error")
		}
		for _, leaf := range lines(err) {
			if !lined.MatchString(leaf.Error()) {
				t.Errorf("an error without its line: %v", leaf)
			}
		}
		most := strings.Count(text, "\n") + 1
		for _, r := range rows {
			if r.line < 1 || r.line > most {
				t.Errorf("a row in line %d of %d", r.line, most)
			}
			if _, err := json.Marshal(r.order.request(trainset.Reference{})); err != nil {
				t.Errorf("a row that is no request: %v", err)
			}
		}
	})
}
