package generate

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Category is what sort of thing a style's subject is.
type Category string

// Categories, nine subjects each.
const (
	CategoryPeople       Category = "people"
	CategoryNature       Category = "nature"
	CategoryObjects      Category = "objects"
	CategoryArchitecture Category = "architecture"
	CategoryAnimals      Category = "animals"
	CategoryTransport    Category = "transport"
	CategoryAbstract     Category = "abstract"
)

// Categories lists every category.
func Categories() []Category {
	return []Category{
		CategoryPeople, CategoryNature, CategoryObjects, CategoryArchitecture,
		CategoryAnimals, CategoryTransport, CategoryAbstract,
	}
}

// GridTiles is how many subjects a grid shows, gridsPerCycle how many grids
// show every subject once.
const (
	GridTiles     = 9
	gridsPerCycle = 7
)

// Subject is one thing that a style is shown on.
type Subject struct {
	ID       string   `json:"id"`
	Category Category `json:"category"`
	// Content says what is to be seen, and nothing of how it is made.
	Content string `json:"content"`
}

// Prompt is the subject as a grid's prompt asks for it.
func (s Subject) Prompt() string { return s.Content + " in this artistic style" }

// Subjects returns all 63, nine a category.
func Subjects() []Subject { return slices.Clone(subjects) }

// Grid returns the subjects of a style job's index-th grid, counted from 1, row
// by row. Seven grids in a row (1 to 7, 8 to 14 ...) use every subject once;
// each grid shows every category, and none more than twice.
func Grid(seed int64, index int) [GridTiles]Subject {
	index = max(index, 1) - 1
	return Rotation(seed, index/gridsPerCycle)[index%gridsPerCycle]
}

// Rotation deals all subjects into seven grids; cycle, from 0, says how often
// that was done before.
//
// Each grid takes one subject of each category, and one more of two of them: in
// a ring of the categories, those at the grid's own place and the next. Around
// the ring every category so gives nine in all.
func Rotation(seed int64, cycle int) [gridsPerCycle][GridTiles]Subject {
	deal := dealer{seed, cycle}
	decks := make(map[Category][]Subject, gridsPerCycle)
	for _, s := range deal.shuffle("subject", subjects) {
		decks[s.Category] = append(decks[s.Category], s)
	}
	ring := deal.ring()
	var grids [gridsPerCycle][GridTiles]Subject
	for g := range grids {
		hand := append(slices.Clone(ring), ring[g], ring[(g+1)%len(ring)])
		tiles := make([]Subject, 0, GridTiles)
		for _, c := range hand {
			tiles, decks[c] = append(tiles, decks[c][0]), decks[c][1:]
		}
		copy(grids[g][:], deal.shuffle("tile", tiles))
	}
	return grids
}

// dealer orders things by hash: an order that no library's shuffle can change.
type dealer struct {
	seed  int64
	cycle int
}

func (d dealer) shuffle(purpose string, in []Subject) []Subject {
	out := slices.Clone(in)
	slices.SortFunc(out, func(a, b Subject) int { return cmp.Compare(d.rank(purpose, a.ID), d.rank(purpose, b.ID)) })
	return out
}

func (d dealer) ring() []Category {
	ring := Categories()
	slices.SortFunc(ring, func(a, b Category) int { return cmp.Compare(d.rank("ring", string(a)), d.rank("ring", string(b))) })
	return ring
}

func (d dealer) rank(purpose, name string) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(d.seed)) //nolint:gosec // every bit pattern is welcome
	b = binary.BigEndian.AppendUint64(b, uint64(d.cycle))   //nolint:gosec // counts from 0
	sum := sha256.Sum256(append(b, purpose+"\x00"+name...))
	return string(sum[:])
}
