package generate

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset"
)

var update = flag.Bool("update", false, "write the golden files anew")

// beings is every combination of type and sex that is worded differently.
var beings = []struct {
	kind trainset.ActorType
	sex  trainset.Sex
}{
	{trainset.TypeHuman, trainset.SexMale},
	{trainset.TypeHuman, trainset.SexFemale},
	{trainset.TypeHuman, trainset.SexUnknown},
	{trainset.TypeCreature, trainset.SexUnknown},
	{trainset.TypeRobotic, trainset.SexUnknown},
	{trainset.TypeAnthropomorphic, trainset.SexUnknown},
	{trainset.TypeMythical, trainset.SexUnknown},
}

// actorText is all text of the actor catalogue: every scene for every being,
// then what else a set of 48 shows.
func actorText() string {
	var b strings.Builder
	for _, being := range beings {
		writeShots(&b, ActorSpec{Type: being.kind, Sex: being.sex, Images: 12})
	}
	b.WriteString("######## the other framings\n\n")
	spec := ActorSpec{Type: trainset.TypeHuman, Sex: trainset.SexFemale, Images: trainset.MaxActorImages}
	for _, s := range example(spec)[12:] {
		fmt.Fprintf(&b, "%s, %s\nprompt:  %s\ncaption: %s\n\n", s.Scene, s.Framing, s.Prompt, s.Caption)
	}
	return b.String()
}

func example(spec ActorSpec) []Shot {
	spec.Trigger, spec.Name = "vqbcdfg", "Robin"
	return Actor(spec)
}

func writeShots(b *strings.Builder, spec ActorSpec) {
	fmt.Fprintf(b, "######## %s\n\n", Class(spec.Type, spec.Sex))
	natural := spec
	natural.Profile = trainset.ProfileQwen
	sentences := example(natural)
	for i, s := range example(spec) {
		fmt.Fprintf(b, "%s\nprompt:  %s\nmilder:  %s\ncaption: %s\nmilder:  %s\nqwen:    %s\n\n",
			s.Scene, s.Prompt, s.Milder, s.Caption, s.MilderCaption, sentences[i].Caption)
	}
}

// styleText is all text of the style catalogue.
func styleText() string {
	var b strings.Builder
	for _, s := range Subjects() {
		fmt.Fprintf(&b, "%s, %s\n  %s\n  %s\n  %s\n", s.Category, s.ID, s.Prompt(),
			StyleCaption(trainset.ProfileStyle, "vqbcdfg", s), StyleCaption(trainset.ProfileNone, "", s))
	}
	fmt.Fprintf(&b, "\ngrid:   %s\nmilder: %s\n", GridPrompt(Grid(1, 1)), MilderGridPrompt(Grid(1, 1)))
	return b.String()
}

func TestTextIsGolden(t *testing.T) {
	for name, got := range map[string]string{"actor.golden": actorText(), "style.golden": styleText()} {
		t.Run(name, func(t *testing.T) {
			if *update {
				write(t, name, got)
			}
			if diff := cmp.Diff(strings.Split(read(t, name), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("the text changed; read it and run go test -update (-golden +now):\n%s", diff)
			}
		})
	}
}

// TestTextChangeNeedsNewVersion holds the text against the digest recorded for
// its version. -update adds the line of a new version and never changes one.
func TestTextChangeNeedsNewVersion(t *testing.T) {
	recorded := read(t, "versions.txt")
	sum := sha256.Sum256([]byte(actorText() + styleText()))
	line := CatalogVersion + " " + hex.EncodeToString(sum[:])
	known := strings.Fields(recorded)
	for i := 0; i < len(known); i += 2 {
		if known[i] == CatalogVersion {
			if got := strings.Fields(line)[1]; got != known[i+1] {
				t.Fatalf("the text of catalogue %s is recorded as %s and is now %s: give CatalogVersion a new value", known[i], known[i+1], got)
			}
			return
		}
	}
	if !*update {
		t.Fatalf("catalogue %s is not recorded: run go test -update", CatalogVersion)
	}
	write(t, "versions.txt", recorded+line+"\n")
}

func testdata(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot("testdata")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	})
	return root
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := testdata(t).ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, name, s string) {
	t.Helper()
	if err := testdata(t).WriteFile(name, []byte(s), 0o644); err != nil {
		t.Fatal(err)
	}
}
