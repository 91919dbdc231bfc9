package plan

import "github.com/actormaker/trainset"

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
			s.State, s.Reason, s.Winner = trainset.ItemRejected, "a person wanted another", 0
		} else {
			s.State, s.Winner, s.SettledAt, s.Spent = trainset.ItemPending, 0, nil, len(r.Tries(s.ID))
		}
		subs = append(subs, s)
	}
	return subs
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
