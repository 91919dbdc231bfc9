package trainset_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actormaker/trainset"
)

func valid() trainset.ActorRequest {
	return trainset.ActorRequest{
		Options: trainset.Options{Version: 1, User: "u1", Key: "k"}, Actor: "a1",
		Portrait: trainset.Reference{URL: "https://example.org/p.png"},
	}
}

func TestValidateNamesTheField(t *testing.T) {
	seed := int64(-1)
	for field, spoil := range map[string]func(*trainset.ActorRequest){
		"version": func(r *trainset.ActorRequest) { r.Version = 2 },
		"user":    func(r *trainset.ActorRequest) { r.User = "../x" },
		"actor":   func(r *trainset.ActorRequest) { r.Actor = ".hidden" },
		"key":     func(r *trainset.ActorRequest) { r.Key = "" },
		"trigger": func(r *trainset.ActorRequest) { r.Trigger = "two words" },
		"name":    func(r *trainset.ActorRequest) { r.Name = "a\nb" },
		"seed":    func(r *trainset.ActorRequest) { r.Seed = &seed },

		"caption_profile": func(r *trainset.ActorRequest) { r.CaptionProfile = trainset.ProfileNone },
		"images":          func(r *trainset.ActorRequest) { r.Images = 49 },
		"max_cost_usd":    func(r *trainset.ActorRequest) { r.MaxCost = -1 },
		"model":           func(r *trainset.ActorRequest) { r.Model = "model" },
		"priority":        func(r *trainset.ActorRequest) { r.Priority = "urgent" },
		"portrait":        func(r *trainset.ActorRequest) { r.Portrait.URL = "file:///etc/passwd" },
		"type":            func(r *trainset.ActorRequest) { r.Type = "ghost" },
		"sex":             func(r *trainset.ActorRequest) { r.Sex = "x" },
	} {
		r := valid()
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(&r)
		var fe *trainset.FieldError
		if err := r.Validate(); !errors.As(err, &fe) || fe.Field != field || fe.Remedy == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// A trigger that no caption would have is a mistake, not a wish.
func TestATriggerNeedsAProfileThatHasIt(t *testing.T) {
	var fe *trainset.FieldError
	r := valid()
	r.Trigger, r.CaptionProfile = "zrk", trainset.ProfileQwen
	if err := r.Validate(); !errors.As(err, &fe) || fe.Field != "trigger" || !strings.Contains(fe.Remedy, "flux") {
		t.Errorf("%v", err)
	}
	r.Trigger = ""
	if err := r.Validate(); err != nil {
		t.Errorf("%v", err)
	}
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	err := trainset.ActorRequest{}.Validate()
	for _, field := range []string{"version", "user", "key", "actor", "portrait"} {
		if !strings.Contains(err.Error(), field+":") {
			t.Errorf("%s is missing in %v", field, err)
		}
	}
}

func TestFingerprintIgnoresWhatDoesNotChangeTheResult(t *testing.T) {
	a, b := valid(), valid()
	b.Key, b.Priority, b.Images, b.Type = "other", trainset.PriorityHigh, 12, trainset.TypeHuman
	b.CaptionProfile = trainset.ProfileFlux
	if a.Fingerprint() != b.Fingerprint() {
		t.Errorf("%s\n%s", a.Fingerprint(), b.Fingerprint())
	}
	a.Portrait.SHA256, b.Portrait.SHA256 = strings.Repeat("a", 64), strings.Repeat("a", 64)
	b.Portrait.URL = "https://example.org/same-bytes.png"
	if a.Fingerprint() != b.Fingerprint() {
		t.Error("the same bytes from elsewhere are another request")
	}
	for name, change := range map[string]func(*trainset.ActorRequest){
		"simulate": func(r *trainset.ActorRequest) { r.Simulate = true },
		"images":   func(r *trainset.ActorRequest) { r.Images = 3 },
		"trigger":  func(r *trainset.ActorRequest) { r.Trigger = "zk" },
		"captions": func(r *trainset.ActorRequest) { r.CaptionProfile = trainset.ProfileQwen },
		"max cost": func(r *trainset.ActorRequest) { r.MaxCost = 1 },
		"bytes":    func(r *trainset.ActorRequest) { r.Portrait.SHA256 = strings.Repeat("b", 64) },
	} {
		c := a
		change(&c)
		if c.Fingerprint() == a.Fingerprint() || trainset.DefaultKey(c) == trainset.DefaultKey(a) {
			t.Errorf("%s does not change the fingerprint", name)
		}
	}
}

// A key that JSON would change is another job to the worker than to whoever asks.
func TestTextsAreUTF8WithoutControlCharacters(t *testing.T) {
	style := func(spoil func(r *trainset.StyleRequest)) trainset.Request {
		r := trainset.StyleRequest{Options: valid().Options, Style: "s1", Image: valid().Portrait, Judge: trainset.JudgeOpenAI}
		spoil(&r)
		return r
	}
	actor := func(spoil func(r *trainset.ActorRequest)) trainset.Request {
		r := valid()
		spoil(&r)
		return r
	}
	for _, bad := range []string{"caf\xe9", "a\x00b", "a\x1b]0;x\x07", "a\x7f", "a\u0085b", "a\n"} {
		for field, requests := range map[string][]trainset.Request{
			"user":        {actor(func(r *trainset.ActorRequest) { r.User = bad })},
			"actor":       {actor(func(r *trainset.ActorRequest) { r.Actor = bad })},
			"style":       {style(func(r *trainset.StyleRequest) { r.Style = bad })},
			"key":         {actor(func(r *trainset.ActorRequest) { r.Key = bad })},
			"name":        {actor(func(r *trainset.ActorRequest) { r.Name = bad })},
			"trigger":     {actor(func(r *trainset.ActorRequest) { r.Trigger = bad })},
			"model":       {actor(func(r *trainset.ActorRequest) { r.Model = "a/" + bad })},
			"judge_model": {style(func(r *trainset.StyleRequest) { r.JudgeModel = bad })},
			"portrait": {
				actor(func(r *trainset.ActorRequest) { r.Portrait.URL += bad }),
				actor(func(r *trainset.ActorRequest) { r.Portrait = trainset.Reference{Key: bad} }),
				actor(func(r *trainset.ActorRequest) { r.Portrait.SHA256 = bad }),
			},
			"image": {style(func(r *trainset.StyleRequest) { r.Image.URL += bad })},
		} {
			for _, r := range requests {
				var fe *trainset.FieldError
				if err := r.Validate(); !errors.As(err, &fe) || fe.Field != field || fe.Remedy == "" {
					t.Errorf("%s %q: %v", field, bad, err)
				}
			}
		}
	}
	latin := strings.Replace(`{"version":1,"user":"u1","key":"K","actor":"a1","portrait":{"key":"p"}}`, "K", "caf\xe9", 1)
	if _, err := trainset.DecodeRequest(trainset.KindActor, []byte(latin)); err == nil || !strings.Contains(err.Error(), "payload: is not UTF-8; ") {
		t.Errorf("a payload in Latin-1: %v", err)
	}
}

func TestDecodeRequestRefusesWhatItDoesNotKnow(t *testing.T) {
	good, err := json.Marshal(valid())
	if err != nil {
		t.Fatal(err)
	}
	r, err := trainset.DecodeRequest(trainset.KindActor, good)
	if err != nil || r.JobID() != valid().JobID() {
		t.Errorf("%v, %v", r, err)
	}
	for payload, want := range map[string]string{
		`nonsense`:      "payload:",
		`{"version":9}`: "version: 9 is unknown",
		strings.Replace(string(good), `"user"`, `"usr":"x","user"`, 1): "usr",
		`{"version":1}`: "user:",
	} {
		if _, err := trainset.DecodeRequest(trainset.KindActor, []byte(payload)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", payload, err)
		}
	}
}

func TestJobIDsOfDifferentTriplesDiffer(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		draw := func(name string) [3]string {
			return [3]string{rapid.String().Draw(r, name+" user"), rapid.SampledFrom([]string{"actor", "style"}).Draw(r, name+" kind"), rapid.String().Draw(r, name+" key")}
		}
		a, b := draw("a"), draw("b")
		ida := trainset.NewJobID(a[0], trainset.Kind(a[1]), a[2])
		idb := trainset.NewJobID(b[0], trainset.Kind(b[1]), b[2])
		if (a == b) != (ida == idb) {
			r.Fatalf("%q %s, %q %s", a, ida, b, idb)
		}
		if _, err := trainset.ParseJobID(string(ida)); err != nil {
			r.Fatal(err)
		}
	})
	if trainset.NewJobID("ab", "actor", "c") == trainset.NewJobID("a", "actor", "bc") {
		t.Error("parts run into each other")
	}
	if _, err := trainset.ParseJobID("nonsense"); err == nil {
		t.Error("nonsense is a job ID")
	}
}

func TestMoney(t *testing.T) {
	for text, want := range map[string]string{"1.5": "$1.50", "$0.025": "$0.025", "0": "$0.00", "-2": "-$2.00", "12.345678": "$12.345678"} {
		m, err := trainset.ParseMoney(text)
		if err != nil || m.String() != want {
			t.Errorf("%s: %s, %v", text, m, err)
		}
	}
	for _, text := range []string{"", "much", "NaN", "1e300"} {
		if m, err := trainset.ParseMoney(text); err == nil {
			t.Errorf("%q is %s", text, m)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		m := trainset.Money(rapid.Int64Range(-1e14, 1e14).Draw(r, "millionths"))
		b, err := json.Marshal(m)
		if err != nil {
			r.Fatal(err)
		}
		var back trainset.Money
		if err := json.Unmarshal(b, &back); err != nil || back != m {
			r.Fatalf("%d became %d by way of %s, %v", m, back, b, err)
		}
	})
}
