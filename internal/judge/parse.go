package judge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	// MaxAnswer is the longest answer that is read, in bytes. One of nine tiles
	// takes less than two thousand.
	MaxAnswer = 64 << 10
	// maxObjects is how many opening braces of an answer are tried.
	maxObjects = 64
	// maxReason is the longest reason that is kept, in characters.
	maxReason = 300
	// maxQuoted is how much of a wrong value is quoted, in characters.
	maxQuoted = 40
)

// ErrAnswer says that an answer is no judgement of nine tiles. The error that
// wraps it says what is wrong, in words that the judge can be told.
var ErrAnswer = errors.New("no judgement of nine tiles")

// Parse reads a judge's answer: the object that Question asks for, or its older
// form {"unique_tiles":[1,4]}, which names the good tiles only. Prose and code
// fences around it do no harm. An answer that holds two different judgements
// is refused rather than picked from.
func Parse(text string) (Verdicts, error) {
	if len(text) > MaxAnswer {
		return Verdicts{}, refuse("it has %d bytes, at most %d are read", len(text), MaxAnswer)
	}
	if strings.TrimSpace(text) == "" {
		return Verdicts{}, refuse("it is empty")
	}
	return settle(candidates(text))
}

// settle agrees on one judgement.
func settle(found []answer, broken error) (Verdicts, error) {
	var agreed *Verdicts
	fault := broken
	for _, a := range found {
		v, err := a.verdicts()
		switch {
		case err != nil:
			fault = err
		case agreed == nil:
			agreed = &v
		case *agreed != v:
			return Verdicts{}, refuse("it holds two different judgements, one is wanted")
		}
	}
	if agreed == nil {
		return Verdicts{}, fault
	}
	return *agreed, nil
}

// answer is an object that may be a judgement.
type answer struct {
	Tiles       *json.RawMessage `json:"tiles"`
	UniqueTiles *json.RawMessage `json:"unique_tiles"`
	Reasons     *json.RawMessage `json:"reasons"`
}

// candidates are the objects in a text that have one of the lists, and why
// there is none if so: what was wrong first, since the rest follows from it.
func candidates(text string) ([]answer, error) {
	var found []answer
	var fault error
	at := 0
	for range maxObjects {
		next := strings.IndexByte(text[at:], '{')
		if next < 0 {
			break
		}
		at += next
		a, length, err := objectAt(text[at:])
		switch {
		case err == nil && a.hasList():
			found = append(found, a)
			at += length
			continue
		case err == nil:
			err = refuse(`its JSON object has no list "tiles"`)
		}
		if fault == nil {
			fault = err
		}
		at++ // the judgement may be inside
	}
	if fault == nil {
		fault = refuse("it holds no JSON object")
	}
	return found, fault
}

func (a answer) hasList() bool { return a.Tiles != nil || a.UniqueTiles != nil }

// objectAt reads the object that a text begins with, and how long it is.
func objectAt(text string) (answer, int, error) {
	d := json.NewDecoder(strings.NewReader(text))
	var a answer
	err := d.Decode(&a)
	switch syntax, ok := errors.AsType[*json.SyntaxError](err); {
	case err == nil:
		return a, int(d.InputOffset()), nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return answer{}, 0, refuse("its JSON ends before it is complete")
	case ok:
		return answer{}, 0, refuse("its JSON is broken: %v", syntax)
	}
	return answer{}, 0, refuse("its JSON cannot be read")
}

func (a answer) verdicts() (Verdicts, error) {
	if a.Tiles != nil {
		return readTiles(*a.Tiles)
	}
	return a.readUnique()
}

// entry is one tile of an answer. Pointers tell what is missing from what is
// false.
type entry struct {
	Tile   *int    `json:"tile"`
	Unique *bool   `json:"unique"`
	Fit    *bool   `json:"fit"`
	Shows  *int    `json:"shows"`
	Reason *string `json:"reason"`
}

func readTiles(list json.RawMessage) (Verdicts, error) {
	items, err := readList("tiles", list)
	if err != nil {
		return Verdicts{}, err
	}
	var all Verdicts
	for i, item := range items {
		v, err := readEntry(i+1, item)
		if err != nil {
			return Verdicts{}, err
		}
		if all[v.Tile-1].Tile != 0 {
			return Verdicts{}, refuse("tile %d comes twice", v.Tile)
		}
		all[v.Tile-1] = v
	}
	return all, complete(all)
}

// readList reads a list, which must not be longer than there are tiles.
func readList(name string, list json.RawMessage) ([]json.RawMessage, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, refuse("%q is no list", name)
	}
	if len(items) > Tiles {
		return nil, refuse("%q has %d entries, there are %d tiles", name, len(items), Tiles)
	}
	return items, nil
}

func readEntry(number int, item json.RawMessage) (Verdict, error) {
	var e entry
	if err := json.Unmarshal(item, &e); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
			return Verdict{}, refuse("%q of entry %d is a %s, want %s", wrong.Field, number, clean(wrong.Value, maxQuoted), wanted[wrong.Field])
		}
		return Verdict{}, refuse("entry %d of \"tiles\" is no object", number)
	}
	switch {
	case e.Tile == nil:
		return Verdict{}, missing("tile", number)
	case e.Unique == nil:
		return Verdict{}, missing("unique", number)
	case e.Fit == nil:
		return Verdict{}, missing("fit", number)
	case !inGrid(*e.Tile):
		return Verdict{}, refuse("entry %d is about tile %d, they are numbered 1 to %d", number, *e.Tile, Tiles)
	}
	v := Verdict{Tile: *e.Tile, Unique: *e.Unique, Fit: *e.Fit, Shows: *e.Tile} // as asked, where nothing else is said
	if e.Shows != nil {
		v.Shows = *e.Shows
	}
	if v.Shows != 0 && !inGrid(v.Shows) {
		return Verdict{}, refuse("entry %d shows line %d, they are numbered 1 to %d, and 0 is none", number, v.Shows, Tiles)
	}
	if e.Reason != nil { // good to have, no reason to ask again
		v.Reason = clean(*e.Reason, maxReason)
	}
	return v, nil
}

// wanted is what each field of an entry must be.
var wanted = map[string]string{
	"tile": "a whole number", "unique": "true or false", "fit": "true or false", "shows": "a whole number", "reason": "a text",
}

func missing(field string, number int) error {
	return refuse("entry %d has no %q", number, field)
}

func complete(all Verdicts) error {
	var absent []string
	for i, v := range all {
		if v.Tile == 0 {
			absent = append(absent, strconv.Itoa(i+1))
		}
	}
	if len(absent) > 0 {
		return refuse("nothing is said about tile %s", strings.Join(absent, ", "))
	}
	return nil
}

// readUnique reads the older form. A tile that is not named is neither unique
// nor fit: which of the two it lacks is not said.
func (a answer) readUnique() (Verdicts, error) {
	items, err := readList("unique_tiles", *a.UniqueTiles)
	if err != nil {
		return Verdicts{}, err
	}
	var named []int
	for i, item := range items {
		var tile *int
		if err := json.Unmarshal(item, &tile); err != nil || tile == nil || !inGrid(*tile) {
			return Verdicts{}, refuse("entry %d of \"unique_tiles\" is %s, want a whole number from 1 to %d", i+1, clean(string(item), maxQuoted), Tiles)
		}
		if slices.Contains(named, *tile) {
			return Verdicts{}, refuse("tile %d comes twice", *tile)
		}
		named = append(named, *tile)
	}
	return a.explain(named), nil
}

// explain makes verdicts of the tiles that were named.
func (a answer) explain(named []int) Verdicts {
	var all Verdicts
	reasons := a.reasons()
	for i := range all {
		good := slices.Contains(named, i+1)
		reason := clean(reasons[strconv.Itoa(i+1)], maxReason)
		if reason == "" && !good {
			reason = "not among the tiles that the judge named"
		}
		all[i] = Verdict{Tile: i + 1, Unique: good, Fit: good, Shows: i + 1, Reason: reason}
	}
	return all
}

// reasons by the tile's number, as far as there are any.
func (a answer) reasons() map[string]string {
	var raw map[string]any
	if a.Reasons == nil || json.Unmarshal(*a.Reasons, &raw) != nil {
		return nil
	}
	texts := make(map[string]string, len(raw))
	for tile, reason := range raw {
		if text, ok := reason.(string); ok {
			texts[tile] = text
		}
	}
	return texts
}

func inGrid(tile int) bool { return 1 <= tile && tile <= Tiles }

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrAnswer}, args...)...)
}

// clean makes one line of at most most characters of a text that somebody
// else wrote.
func clean(text string, most int) string {
	text = strings.ToValidUTF8(text, "")
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = strings.TrimSpace(string(runes[:most-1])) + "…"
	}
	return text
}
