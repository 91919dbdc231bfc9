package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/actormaker/trainset"
)

// Bounds of a batch file, which passes through memory.
const (
	maxRows = 10_000
	maxLine = 1 << 20
)

// row is one line of a batch file and what it asks for.
type row struct {
	line  int
	order order
	wrong bool // the order lacks what was refused
}

// field is one value of a row: its name, and the value as JSON, or bytes that are
// not UTF-8 as they were found.
type field struct {
	name  string
	value json.RawMessage
}

// fields are the names that rows may have, and whether their value is a number.
// They are those of the requests' JSON.
var fields = map[string]struct {
	number bool
	kind   trainset.Kind // that alone has it; both when empty
}{
	"kind": {}, "user": {}, "key": {}, "trigger": {}, "name": {}, "caption_profile": {}, "model": {}, "priority": {},
	"seed": {number: true}, "images": {number: true}, "max_cost_usd": {number: true},
	"actor": {kind: trainset.KindActor}, "portrait": {kind: trainset.KindActor},
	"type": {kind: trainset.KindActor}, "sex": {kind: trainset.KindActor},
	"style": {kind: trainset.KindStyle}, "image": {kind: trainset.KindStyle},
	"grids": {true, trainset.KindStyle}, "max_grids": {true, trainset.KindStyle},
	"judge": {kind: trainset.KindStyle}, "judge_model": {kind: trainset.KindStyle}, "enhance": {kind: trainset.KindStyle},
}

func fieldNames() string { return strings.Join(slices.Sorted(maps.Keys(fields)), ", ") }

// readRows reads a batch file: JSON objects, one a line, or CSV with a header,
// by the ending of its name. It reports everything that is wrong, each with its
// line. Paths of images are taken from the file's own folder.
func readRows(name string, r io.Reader) ([]row, error) {
	var rows []row
	var err error
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".jsonl", ".ndjson":
		rows, err = readJSONL(r)
	case ".csv":
		rows, err = readCSV(r)
	default:
		return nil, trainset.Invalid("file", fmt.Sprintf("%q does not say by its ending what is in it", filepath.Base(name)), "name it .jsonl or .csv")
	}
	if len(rows) == 0 && err == nil {
		err = trainset.Invalid("file", "has no rows", "write one data set a line")
	}
	for i := range rows {
		rows[i].order.source = beside(name, rows[i].order.source)
	}
	return rows, err
}

// beside is a path as seen from the batch file; what is no path stays.
func beside(file, source string) string {
	if source == "" || strings.Contains(source, "://") || filepath.IsAbs(source) {
		return source
	}
	return filepath.Join(filepath.Dir(file), source)
}

// collector gathers rows and the problems of all of them.
type collector struct {
	rows     []row
	problems []error
}

func (c *collector) add(line int, values []field) {
	o, err := orderOf(values)
	c.rows = append(c.rows, row{line, o, err != nil})
	c.fail(line, err)
}

func (c *collector) fail(line int, err error) {
	for _, leaf := range leavesOf(err) {
		c.problems = append(c.problems, atLine(line, leaf))
	}
}

func atLine(line int, err error) error { return fmt.Errorf("line %d: %w", line, err) }

func (c *collector) full() bool {
	if len(c.rows) < maxRows {
		return false
	}
	c.problems = append(c.problems, trainset.Invalid("file", fmt.Sprintf("has more than %d rows", maxRows), "split it"))
	return true
}

func (c *collector) done() ([]row, error) { return c.rows, errors.Join(c.problems...) }

func readJSONL(r io.Reader) ([]row, error) {
	var c collector
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	line := 0
	for lines.Scan() {
		line++
		text := bytes.TrimSpace(lines.Bytes())
		if line == 1 {
			text = bytes.TrimPrefix(text, []byte(byteOrderMark))
		}
		if len(text) == 0 {
			continue
		}
		if c.full() {
			break
		}
		values, err := objectFields(text)
		if err != nil {
			c.fail(line, err)
			continue
		}
		c.add(line, values)
	}
	if err := lines.Err(); err != nil {
		c.fail(line+1, trainset.Invalid("file", "cannot be read further: "+err.Error(), fmt.Sprintf("keep lines below %d bytes", maxLine)))
	}
	return c.done()
}

const byteOrderMark = "\ufeff"

// objectFields reads one JSON object, in order. A map would hide names that
// stand there twice.
func objectFields(text []byte) ([]field, error) {
	notOne := func(detail string) error {
		return trainset.Invalid("row", "is no JSON object: "+detail, `write one a line, like {"kind": "actor", "portrait": "zara.png"}`)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, notOne("it does not begin with {")
	}
	var values []field
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, notOne(err.Error())
		}
		f := field{name: fmt.Sprint(name)}
		if err := d.Decode(&f.value); err != nil {
			return nil, notOne(err.Error())
		}
		values = append(values, f)
	}
	if _, err := d.Token(); err != nil {
		return nil, notOne(err.Error())
	}
	if d.InputOffset() < int64(len(text)) {
		return nil, notOne("there is more behind it")
	}
	return values, nil
}

func readCSV(r io.Reader) ([]row, error) {
	var c collector
	in := csv.NewReader(io.LimitReader(r, maxRows*maxLine))
	header, err := in.Read()
	if err != nil {
		return nil, trainset.Invalid("file", "has no header: "+err.Error(), "name the columns in its first line: "+fieldNames())
	}
	header[0] = strings.TrimPrefix(header[0], byteOrderMark)
	if !utf8.ValidString(strings.Join(header, "")) {
		return nil, notUTF8("file")
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
	}
	c.fail(1, checkNames(header))
	if len(c.problems) > 0 {
		return c.done() // every row would repeat it
	}
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return c.done()
		}
		var bad *csv.ParseError
		wide := errors.As(err, &bad) && errors.Is(bad.Err, csv.ErrFieldCount)
		switch {
		case (err == nil || wide) && blank(cells):
			continue // spreadsheets leave such rows
		case wide:
			c.fail(bad.StartLine, trainset.Invalid("row", fmt.Sprintf("has %d cells, the header %d", len(cells), len(header)), "quote cells that have a comma in them"))
			continue
		case errors.As(err, &bad):
			c.fail(bad.StartLine, trainset.Invalid("row", bad.Err.Error(), "quote cells like \"this\", and a quote in them twice"))
			return c.done()
		case err != nil:
			c.problems = append(c.problems, fmt.Errorf("reading the file: %w", err))
			return c.done()
		}
		line, _ := in.FieldPos(0)
		if c.full() {
			return c.done()
		}
		c.add(line, cellFields(header, cells))
	}
}

func blank(cells []string) bool { return strings.TrimSpace(strings.Join(cells, "")) == "" }

func checkNames(names []string) error {
	var problems []error
	seen := map[string]bool{}
	for _, name := range names {
		switch _, ok := fields[name]; {
		case !ok:
			problems = append(problems, trainset.Invalid(quoted(name), "is unknown", "use "+fieldNames()))
		case seen[name]:
			problems = append(problems, trainset.Invalid(name, "is there twice", "give it once"))
		}
		seen[name] = true
	}
	return errors.Join(problems...)
}

// quoted is a name that someone wrote, fit for a message.
func quoted(name string) string {
	if len(name) > 64 {
		name = name[:64] + "..."
	}
	return strconv.Quote(name)
}

// notUTF8 is said of bytes that would each become the same sign: different keys
// would be one, and captions lose their letters.
func notUTF8(field string) error {
	return trainset.Invalid(field, "is not UTF-8", "save the file as UTF-8 (in Excel: CSV UTF-8)")
}

// cellFields gives cells the JSON that they stand for; empty ones are left out.
func cellFields(header, cells []string) []field {
	var values []field
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		if cell == "" {
			continue
		}
		value := json.RawMessage(cell)
		if utf8.Valid(value) && (!fields[header[i]].number || !json.Valid(value)) {
			value, _ = json.Marshal(cell) // a string always has a JSON
		}
		values = append(values, field{header[i], value})
	}
	return values
}

// wish is a row's JSON. What a row does not have is nil.
type wish struct {
	Kind     trainset.Kind           `json:"kind"`
	User     string                  `json:"user"`
	Key      string                  `json:"key"`
	Trigger  string                  `json:"trigger"`
	Name     string                  `json:"name"`
	Profile  trainset.CaptionProfile `json:"caption_profile"`
	Seed     *int64                  `json:"seed"`
	Images   *int                    `json:"images"`
	MaxCost  *trainset.Money         `json:"max_cost_usd"`
	Model    string                  `json:"model"`
	Priority trainset.Priority       `json:"priority"`

	Actor    string             `json:"actor"`
	Portrait string             `json:"portrait"`
	Type     trainset.ActorType `json:"type"`
	Sex      trainset.Sex       `json:"sex"`

	Style      string           `json:"style"`
	Image      string           `json:"image"`
	Grids      *int             `json:"grids"`
	MaxGrids   *int             `json:"max_grids"`
	Judge      trainset.Judge   `json:"judge"`
	JudgeModel string           `json:"judge_model"`
	Enhance    trainset.Enhance `json:"enhance"`
}

// orderOf reads a row's fields and reports all that are wrong.
func orderOf(values []field) (order, error) {
	var w wish
	var problems []error
	var given []string
	for _, f := range values {
		given = append(given, f.name)
		if _, ok := fields[f.name]; !ok {
			continue // checkNames says so
		}
		if !utf8.Valid(f.value) {
			problems = append(problems, notUTF8(f.name))
			continue
		}
		next := w
		one, err := json.Marshal(map[string]json.RawMessage{f.name: f.value})
		if err == nil {
			err = json.Unmarshal(one, &next)
		}
		if err != nil {
			problems = append(problems, trainset.Invalid(f.name, shown(f.value)+" will not do", expected(f.name)))
			continue
		}
		w = next
	}
	problems = append(problems, checkNames(given), checkKind(w.Kind, values), w.checkZeros())
	return w.order(), errors.Join(problems...)
}

func shown(value json.RawMessage) string {
	if len(value) > 64 {
		return string(value[:64]) + "..."
	}
	return string(value)
}

func expected(name string) string {
	switch {
	case name == "max_cost_usd":
		return "give US dollars, like 1.50"
	case fields[name].number:
		return "give a whole number"
	}
	return "give a text"
}

// checkKind makes sure that the row says what it is, and has no field of the
// other kind.
func checkKind(kind trainset.Kind, values []field) error {
	if kind != trainset.KindActor && kind != trainset.KindStyle {
		return trainset.Invalid("kind", fmt.Sprintf("%q is unknown", kind), "give actor or style")
	}
	var problems []error
	for _, f := range values {
		if of := fields[f.name].kind; of != "" && of != kind && string(f.value) != "null" {
			problems = append(problems, trainset.Invalid(f.name, fmt.Sprintf("does not belong to a row of kind %s", kind), "leave it out, or give kind "+string(of)))
		}
	}
	return errors.Join(problems...)
}

// checkZeros refuses numbers that would count as left out.
func (w wish) checkZeros() error {
	var problems []error
	zero := func(name, remedy string) {
		problems = append(problems, trainset.Invalid(name, "0 is out of range", remedy))
	}
	if w.Images != nil && *w.Images == 0 {
		zero("images", "give at least 1, or leave it out")
	}
	if w.Grids != nil && *w.Grids == 0 {
		zero("grids", "give at least 1, or leave it out")
	}
	if w.MaxGrids != nil && *w.MaxGrids == 0 {
		zero("max_grids", "give at least 1, or leave it out")
	}
	if w.MaxCost != nil && *w.MaxCost == 0 {
		zero("max_cost_usd", "give an amount above zero, or leave it out")
	}
	return errors.Join(problems...)
}

func (w wish) order() order {
	o := order{kind: w.Kind, source: w.Portrait, subject: w.Actor, options: trainset.Options{
		Version: trainset.RequestVersion, User: w.User, Key: w.Key, Trigger: w.Trigger, Name: w.Name,
		CaptionProfile: w.Profile, Seed: w.Seed, Images: given(w.Images), MaxCost: given(w.MaxCost), Model: w.Model, Priority: w.Priority,
	}}
	o.actor.Type, o.actor.Sex = w.Type, w.Sex
	if w.Kind == trainset.KindStyle {
		o.source, o.subject = w.Image, w.Style
		o.style.Grids, o.style.MaxGrids = given(w.Grids), given(w.MaxGrids)
		o.style.Judge, o.style.JudgeModel, o.style.Enhance = w.Judge, w.JudgeModel, w.Enhance
	}
	return o
}

func given[T any](v *T) (value T) {
	if v != nil {
		value = *v
	}
	return value
}
