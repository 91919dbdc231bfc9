// Package judge says which of a grid's nine tiles are unique and fit for
// training. It words the question to a vision model, reads the answer, and
// decides by measuring where no model's answer can be had.
//
// It must not know who answers, what it costs or how often it may be asked: a
// judgement is a paid call, and paid makes it. Nor does it choose among tiles:
// plan does, across grids.
package judge

// Tiles is how many tiles are judged at once, numbered from 1 row by row.
const Tiles = 9

// Verdict is the judgement of one tile.
type Verdict struct {
	Tile   int  `json:"tile"`   // 1 to 9
	Unique bool `json:"unique"` // repeats no tile before it
	Fit    bool `json:"fit"`    // worth training on
	// Shows is the tile whose content it shows, which need not be its own: models
	// swap and repeat what they are asked for. 0 where it shows none of the nine.
	Shows  int    `json:"shows"`
	Reason string `json:"reason"` // why, in a few words
}

// Good tells a tile that may be chosen.
func (v Verdict) Good() bool { return v.Unique && v.Fit && v.Shows != 0 }

// Verdicts are those of a grid's tiles, in their order.
type Verdicts [Tiles]Verdict
