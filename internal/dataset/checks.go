package dataset

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"strings"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// fewImages is what trainers ask for at least.
const fewImages = 10

// checks is what this package reads of an image's checks; the rest is passed on
// as it is.
type checks struct {
	Measures struct {
		DHash string `json:"dhash"` // 16 hexadecimal digits
	} `json:"measures"`
	Findings []struct {
		Severity string `json:"severity"`
		Detail   string `json:"detail"`
	} `json:"findings"`
}

func readChecks(raw json.RawMessage) (checks, bool) {
	var c checks
	return c, len(raw) > 0 && json.Unmarshal(raw, &c) == nil
}

// hash is an image's difference hash.
type hash struct {
	index int
	bits  uint64
}

func hashes(items []trainset.SetItem) []hash {
	var all []hash
	for _, it := range items {
		c, ok := readChecks(it.Checks)
		if !ok || it.File == "" {
			continue
		}
		if b, ok := plan.ParseHash(c.Measures.DHash); ok {
			all = append(all, hash{it.Index, b})
		}
	}
	return all
}

func (h hash) distance(o hash) int { return bits.OnesCount64(h.bits ^ o.bits) }

// diversity counts what the set's images show and measures how much they differ.
func diversity(m trainset.Manifest) trainset.Diversity {
	d := shown(m)
	all := hashes(m.Items)
	least, total, pairs := 64, 0, 0
	for i, a := range all {
		for _, b := range all[i+1:] {
			n := a.distance(b)
			least, total, pairs = min(least, n), total+n, pairs+1
		}
	}
	if pairs > 0 {
		mean := math.Round(float64(total)/float64(pairs)*100) / 100
		d.MinDHash, d.MeanDHash = &least, &mean
	}
	return d
}

// shown counts what the set's images show.
func shown(m trainset.Manifest) trainset.Diversity {
	var d trainset.Diversity
	if m.Plan.Style != nil {
		d.Categories = map[string]int{}
	} else {
		d.Media, d.Framing = map[trainset.Medium]int{}, map[string]int{}
	}
	for _, it := range m.Items {
		switch {
		case it.File == "":
		case m.Plan.Style != nil:
			d.Categories[it.Category]++
		default:
			d.Media[it.Medium]++
			d.Framing[it.Framing]++
		}
	}
	return d
}

// nearest finds the image that looks most like each one, the first of equals.
func nearest(items []trainset.SetItem) map[int]trainset.Nearest {
	near := map[int]trainset.Nearest{}
	all := hashes(items)
	for _, a := range all {
		for _, b := range all {
			n := a.distance(b)
			if best, ok := near[a.index]; a.index != b.index && (!ok || n < best.Distance) {
				near[a.index] = trainset.Nearest{Index: b.index, Distance: n}
			}
		}
	}
	return near
}

// copied is the distance up to which an image may be the reference itself, pasted.
const copied = 10

// warnings says what a person should know before training on the set.
func warnings(m trainset.Manifest, given plan.Reference) []string {
	all := []string{}
	made := 0
	for _, it := range m.Items {
		if it.File == "" {
			continue
		}
		made++
		c, _ := readChecks(it.Checks)
		for _, f := range c.Findings {
			if strings.EqualFold(f.Severity, "warn") {
				all = append(all, fmt.Sprintf("image %d: %s", it.Index, f.Detail))
			}
		}
	}
	hs := hashes(m.Items)
	for i, a := range hs {
		if n, near := given.Near(a.bits, copied); near {
			all = append(all, fmt.Sprintf("image %d looks like a copy of the reference (%d of 64 bits differ)", a.index, n))
		}
		for _, b := range hs[i+1:] {
			if n, near := plan.Near(a.bits, b.bits, plan.NearDuplicate); near {
				all = append(all, fmt.Sprintf("images %d and %d look nearly alike (%d of 64 bits differ)", a.index, b.index, n))
			}
		}
	}
	if m.Plan.Style != nil {
		all = append(all, styleWarnings(m, made)...)
	}
	if made < m.Plan.Images {
		all = append(all, fmt.Sprintf("the set is short: %d of %d images", made, m.Plan.Images))
	}
	if made > 0 && made < fewImages {
		all = append(all, fmt.Sprintf("trainers ask for at least %d images; this set has %d", fewImages, made))
	}
	return all
}
