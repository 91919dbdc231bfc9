package generate

import "github.com/actormaker/trainset"

// mix is how many images of each medium twelve have, in the order that ties
// are settled: the rarer medium first.
var mix = [...]struct {
	medium trainset.Medium
	weight int
}{
	{trainset.MediumPhoto, 2},
	{trainset.MediumColour, 4},
	{trainset.MediumBW, 6},
}

const mixTotal = 12

// Mix divides n images into media as 2:6:4 by largest remainder. Every medium
// gets its whole share; what is left goes to the largest fractions, and of
// equal ones to the medium that is rarer in the mix, so that three images show
// all three media. The counts add up to n, and none shrinks as n grows.
func Mix(n int) (photo, bw, colour int) {
	c := mixCounts(n)
	return c[trainset.MediumPhoto], c[trainset.MediumBW], c[trainset.MediumColour]
}

func mixCounts(n int) map[trainset.Medium]int {
	counts := make(map[trainset.Medium]int, len(mix))
	if n < 1 {
		return counts
	}
	left := n
	for _, m := range mix {
		counts[m.medium] = n * m.weight / mixTotal
		left -= counts[m.medium]
	}
	given := make(map[trainset.Medium]bool, len(mix))
	for range left {
		m := largestRemainder(n, given)
		counts[m]++
		given[m] = true
	}
	return counts
}

func largestRemainder(n int, given map[trainset.Medium]bool) trainset.Medium {
	best, most := trainset.Medium(""), -1
	for _, m := range mix {
		if r := n * m.weight % mixTotal; !given[m.medium] && r > most {
			best, most = m.medium, r
		}
	}
	return best
}
