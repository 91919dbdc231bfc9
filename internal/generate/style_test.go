package generate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
)

func TestSubjectsFillTheirCategories(t *testing.T) {
	ids, contents, counts := make(map[string]bool), make(map[string]bool), make(map[Category]int)
	for _, s := range Subjects() {
		ids[s.ID], contents[s.Content] = true, true
		counts[s.Category]++
	}
	if len(ids) != 63 || len(contents) != 63 {
		t.Errorf("%d IDs and %d contents, want 63", len(ids), len(contents))
	}
	for _, c := range Categories() {
		if counts[c] != 9 {
			t.Errorf("%s has %d subjects, want 9", c, counts[c])
		}
	}
}

func TestRotationUsesEverySubjectOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, cycle := rapid.Int64().Draw(t, "seed"), rapid.IntRange(0, 20).Draw(t, "cycle")
		used := make(map[string]bool)
		for i := range gridsPerCycle {
			grid := Grid(seed, cycle*gridsPerCycle+i+1)
			if grid != Rotation(seed, cycle)[i] {
				t.Fatalf("grid %d of cycle %d is not the rotation's", i+1, cycle)
			}
			counts := make(map[Category]int)
			for _, s := range grid {
				if used[s.ID] {
					t.Fatalf("%s comes twice in cycle %d", s.ID, cycle)
				}
				used[s.ID] = true
				counts[s.Category]++
			}
			for _, c := range Categories() {
				if counts[c] < 1 || counts[c] > 2 {
					t.Fatalf("grid %d shows %s %d times", i+1, c, counts[c])
				}
			}
		}
		if len(used) != 63 {
			t.Fatalf("a cycle uses %d subjects", len(used))
		}
	})
}

func TestRotationDependsOnSeedAndCycle(t *testing.T) {
	if Grid(1, 1) == Grid(2, 1) || Grid(1, 1) == Grid(1, 8) {
		t.Error("another seed or cycle deals the same grid")
	}
	if Grid(1, 0) != Grid(1, 1) {
		t.Error("grids do not count from 1")
	}
}

// TestRotationIsStable pins a grid of plans that may be in use.
func TestRotationIsStable(t *testing.T) {
	var got []string
	for _, s := range Grid(7, 1) {
		got = append(got, s.ID)
	}
	want := []string{
		"net-mender", "stone-bridge", "maze",
		"bicycle", "elephants", "log-cabin",
		"heron", "storm-lantern", "flower-meadow",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-pinned +now):\n%s", diff)
	}
}

func TestStyleCaptionsAreSound(t *testing.T) {
	for _, p := range []trainset.CaptionProfile{trainset.ProfileStyle, trainset.ProfileNone} {
		var captions []string
		for _, s := range Subjects() {
			captions = append(captions, StyleCaption(p, "vqbcdfg", s))
		}
		for _, w := range lintCaptions(captions, styleRules(p, "vqbcdfg")) {
			t.Errorf("%s: %s", p, w)
		}
	}
}

func TestGridPromptNamesItsSubjectsInOrder(t *testing.T) {
	tiles := Grid(3, 2)
	for name, prompt := range map[string]string{"plain": GridPrompt(tiles), "milder": MilderGridPrompt(tiles)} {
		at := 0
		for _, s := range tiles {
			i := strings.Index(prompt[at:], s.Prompt())
			if i < 0 {
				t.Fatalf("%s: %s is missing or out of order: %s", name, s.ID, prompt)
			}
			at += i
		}
		if !strings.Contains(prompt, "3x3 grid") || !strings.Contains(prompt, "no text") || broken.MatchString(prompt) {
			t.Errorf("%s is malformed: %s", name, prompt)
		}
		if n := len(strings.Fields(prompt)); n > 350 {
			t.Errorf("%s has %d words", name, n)
		}
	}
	if GridPrompt(tiles) == MilderGridPrompt(tiles) {
		t.Error("the milder prompt is the same")
	}
}
