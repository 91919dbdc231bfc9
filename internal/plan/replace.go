package plan

import (
	"slices"
	"time"

	"github.com/actormaker/trainset"
)

// Replace returns the subtasks of an ended job as they are once a person wants
// other images for some of its items, each of which has one: an actor's are open
// once more, with seeds that were not used; a style's tiles are rejected, so that
// Grow chooses spares for their items. The images that there were stay stored.
func Replace(r Record, items []int) []Subtask {
	var subs []Subtask
	all := r.Items()
	for _, index := range items {
		s := all[index-1]
		s.Revision++
		if s.Verb == VerbTile {
			s = s.unwanted()
		} else {
			s.State, s.Winner, s.SettledAt, s.Spent = trainset.ItemPending, 0, nil, len(r.Tries(s.ID))
		}
		subs = append(subs, s)
	}
	return subs
}

func (s Subtask) unwanted() Subtask {
	s.State, s.Reason, s.Winner = trainset.ItemRejected, "a person wanted another", 0
	return s
}

// Unwanted is that a person wanted another image than a tile's for an item: what
// storage keeps of it, for the attempts do not say so.
type Unwanted struct {
	At   time.Time `json:"at"` // the same of all that were replaced at once
	Item int       `json:"item"`
	Grid int       `json:"grid"`
	Tile int       `json:"tile"`
}

// UnwantedOf returns the tiles among subtasks that Replace returned.
func UnwantedOf(replaced []Subtask, at time.Time) []Unwanted {
	var tiles []Unwanted
	for _, s := range replaced {
		if s.Verb == VerbTile {
			tiles = append(tiles, Unwanted{At: at, Item: s.Index, Grid: s.Ask.Grid, Tile: s.Ask.Tile})
		}
	}
	return tiles
}

// Subtask names the subtask that had made an image of the tile.
func (u Unwanted) Subtask() SubtaskID { return TileID(u.Grid, u.Tile) }

// Of is the tile's subtask in a record, as it was left.
func (u Unwanted) Of(r Record) Subtask { return r.Cut(u.Item, u.Grid, u.Tile).unwanted() }

// Rounds sorts unwanted tiles into those that were replaced at once, the first
// ones first: what took their places was chosen beside those that were left.
func Rounds(all []Unwanted) [][]Unwanted {
	slices.SortStableFunc(all, func(a, b Unwanted) int { return a.At.Compare(b.At) })
	var rounds [][]Unwanted
	for _, u := range all {
		if last := len(rounds) - 1; last >= 0 && rounds[last][0].At.Equal(u.At) {
			rounds[last] = append(rounds[last], u)
		} else {
			rounds = append(rounds, []Unwanted{u})
		}
	}
	return rounds
}

// Settled is a subtask that came to an end, with the attempt that made its result,
// or 0. Where another image was wanted and could not be made, what there was stays.
func (s Subtask) Settled(tries []Attempt, state trainset.ItemState, reason string, winner int) Subtask {
	s.State, s.Reason, s.Winner = state, reason, winner
	if kept := made(tries); state != trainset.ItemSucceeded && kept > 0 {
		s.State, s.Reason, s.Winner = trainset.ItemSucceeded, "", kept
	}
	return s
}

// made is the last attempt that made a result; 0 where none did.
func made(tries []Attempt) int {
	for i := len(tries) - 1; i >= 0; i-- {
		if tries[i].Outcome == OutcomeSucceeded {
			return tries[i].Number
		}
	}
	return 0
}
