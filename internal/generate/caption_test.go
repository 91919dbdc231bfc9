package generate

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
)

func TestActorCaption(t *testing.T) {
	shot := Shot{Technique: "etching", Action: "humming", Setting: "cellar", Light: "candle", Framing: "close-up"}
	robot := Identity{Trigger: "vqbcdfg", Class: "anthropomorphic character", Name: "Robin"}
	for _, tc := range []struct {
		profile trainset.CaptionProfile
		who     Identity
		want    string
	}{
		{"", robot, "vqbcdfg anthropomorphic character, etching, humming, cellar, candle, close-up"},
		{trainset.ProfileFlux, robot, "vqbcdfg anthropomorphic character, etching, humming, cellar, candle, close-up"},
		{trainset.ProfileQwen, robot, "An etching of an anthropomorphic character named Robin humming, cellar, candle, close-up"},
		{trainset.ProfileQwen, Identity{Class: "woman"}, "An etching of a woman humming, cellar, candle, close-up"},
	} {
		if got := ActorCaption(tc.profile, tc.who, shot); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.profile, got, tc.want)
		}
	}
}

func TestLintCaption(t *testing.T) {
	actor := actorRules(trainset.ProfileFlux, Identity{Trigger: "vqbcdfg", Name: "Old Skinner"})
	style := styleRules(trainset.ProfileStyle, "vqbcdfg")
	const rest = " woman, pen drawing, running, city street, dusk, wide shot"
	for _, tc := range []struct {
		name, caption string
		rules         captionRules
		want          string // "" for a sound caption
	}{
		{"sound", "vqbcdfg" + rest, actor, ""},
		{"facing is no face", "vqbcdfg woman facing left," + rest, actor, ""},
		{"trigger missing", "a" + rest, actor, "does not begin"},
		{"trigger late", "a vqbcdfg" + rest, actor, "does not begin"},
		{"trigger twice", "vqbcdfg woman vqbcdfg," + rest, actor, "2 times"},
		{"trigger in part of a word", "vqbcdfgh" + rest, actor, "0 times"},
		{"short", "vqbcdfg woman, running fast", actor, "has 4 words"},
		{"two lines", "vqbcdfg" + rest + "\nand more", actor, "one clean line"},
		{"wildcard", "vqbcdfg {red|blue}" + rest, actor, "one clean line"},
		{"trailing space", "vqbcdfg" + rest + " ", actor, "one clean line"},
		{"eyes", "vqbcdfg blue-eyed" + rest, actor, `"eyed"`},
		{"hair", "vqbcdfg red-haired" + rest, actor, `"haired"`},
		{"skin", "vqbcdfg dark Skin" + rest, actor, `"Skin"`},
		{"age", "vqbcdfg young" + rest, actor, `"young"`},
		{"face", "vqbcdfg with a round face" + rest, actor, `"face"`},
		{"name has its own words", "A pen drawing of a woman named Old Skinner running on a street", actorRules(trainset.ProfileQwen, Identity{Name: "Old Skinner"}), ""},
		{"style sound", "vqbcdfg style, a fox stepping over a fallen log in snow", style, ""},
		{"style may name age and face", "vqbcdfg style, an old sailor with a round face and hat", style, ""},
		{"style named", "vqbcdfg style, a watercolour painting of a fox over a log", style, `"watercolour"`},
		{"style twice", "vqbcdfg style, a fox in this style over a fallen log", style, `"style"`},
		{"none with style", "a fox in this artistic style over a fallen log", styleRules(trainset.ProfileNone, "vqbcdfg"), `"artistic"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := strings.Join(lintCaption(tc.caption, tc.rules), "; ")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("lintCaption(%q) = %q, want %q", tc.caption, got, tc.want)
			}
		})
	}
}

func TestLintCaptionsFindsRepeats(t *testing.T) {
	c := "vqbcdfg style, a fox stepping over a fallen log in snow"
	got := lintCaptions([]string{c, c}, styleRules(trainset.ProfileStyle, "vqbcdfg"))
	if len(got) != 1 || got[0] != "caption 2 is the same as caption 1" {
		t.Errorf("got %q", got)
	}
}

var triggerForm = regexp.MustCompile(`^[a-z]{6,8}$`)

func TestTriggerIsRareAndStable(t *testing.T) {
	if a, b := Trigger("ada", "robin"), Trigger("adar", "obin"); a == b {
		t.Errorf("two subjects share trigger %s", a)
	}
	if got, want := Trigger("local", "astronaut"), "vqvzvkf"; got != want {
		t.Errorf("Trigger(local, astronaut) = %s, pinned as %s", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		user, subject := rapid.String().Draw(t, "user"), rapid.String().Draw(t, "subject")
		got := Trigger(user, subject)
		if !triggerForm.MatchString(got) || strings.ContainsAny(got, "aeiouy") {
			t.Fatalf("Trigger(%q, %q) = %q", user, subject, got)
		}
		if got != Trigger(user, subject) || CheckTrigger(got) != nil {
			t.Fatalf("%q is not stable, or a caption's own word", got)
		}
	})
}

func TestCheckTriggerRefusesWordsOfCaptions(t *testing.T) {
	for _, word := range []string{"man", "Light", "rooftop", "fox", "style", "view", "close-up"} {
		var fe *trainset.FieldError
		if err := CheckTrigger(word); !errors.As(err, &fe) || fe.Field != "trigger" || fe.Remedy == "" {
			t.Errorf("CheckTrigger(%q) = %v", word, err)
		}
	}
	if err := CheckTrigger("ohwx"); err != nil {
		t.Errorf("CheckTrigger(ohwx) = %v", err)
	}
}
