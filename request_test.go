package trainset_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
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

func TestMoreThanWorkersReadIsRefused(t *testing.T) {
	for _, cost := range []trainset.Money{trainset.USD(1e9) + 1, trainset.USD(2e9), math.MaxInt64, math.MinInt64} {
		r := valid()
		r.MaxCost = cost
		var fe *trainset.FieldError
		if err := r.Validate(); !errors.As(err, &fe) || fe.Field != "max_cost_usd" || !strings.Contains(fe.Remedy, "1000000000") {
			t.Errorf("%d millionths: %v", cost, err)
		}
	}
	r := valid()
	if r.MaxCost = trainset.USD(1e9); r.Validate() != nil {
		t.Errorf("%v", r.Validate())
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

// seldom is true once in a while, lest hardly any request be valid.
func seldom(r *rapid.T, name string) bool { return rapid.IntRange(0, 29).Draw(r, name+" is odd") == 29 }

// textOf draws texts that a field takes, and others.
func textOf(r *rapid.T, name, pattern string) string {
	switch {
	case !seldom(r, name):
		return rapid.StringMatching(pattern).Draw(r, name)
	case rapid.Bool().Draw(r, name+" is UTF-8"):
		return rapid.String().Draw(r, name)
	}
	return string(rapid.SliceOf(rapid.Byte()).Draw(r, name))
}

// numberOf draws numbers that a field takes, and others.
func numberOf(r *rapid.T, name string, least, most int64) int64 {
	if seldom(r, name) {
		return rapid.Int64().Draw(r, name)
	}
	return rapid.Int64Range(least, most).Draw(r, name)
}

func optionsOf(r *rapid.T) trainset.Options {
	o := trainset.Options{
		Version: int(numberOf(r, "version", 1, 1)), User: textOf(r, "user", `[a-z0-9]{1,8}`), Key: textOf(r, "key", `[ -~]{1,9}`),
		Trigger: textOf(r, "trigger", `[a-z]{0,3}`), Name: textOf(r, "name", `[a-zë漢<&]{0,9}`), Images: int(numberOf(r, "images", 0, 48)),
		MaxCost: trainset.Money(numberOf(r, "cost", 0, 1e15)), Model: textOf(r, "model", `(a/b)?`), Simulate: rapid.Bool().Draw(r, "simulate"),
		Priority: trainset.Priority(textOf(r, "priority", `(low|high|)`)),
	}
	if rapid.Bool().Draw(r, "has a seed") {
		seed := numberOf(r, "seed", 0, 1<<31-1)
		o.Seed = &seed
	}
	return o
}

func referenceOf(r *rapid.T) (ref trainset.Reference) {
	if rapid.Bool().Draw(r, "has a URL") {
		ref.URL = "https://example.org" + textOf(r, "url", `(/[!-~]{0,9})?`)
	} else {
		ref.Key = textOf(r, "storage key", `[!-~]{1,9}`)
	}
	ref.SHA256 = textOf(r, "digest", `([0-9a-f]{64})?`)
	return ref
}

// What a producer may enqueue, a worker must read, as the same job.
func TestWhatIsValidIsReadAsItWasWritten(t *testing.T) {
	read := 0
	rapid.Check(t, func(r *rapid.T) {
		requests := []trainset.Request{
			trainset.ActorRequest{
				Options: optionsOf(r), Actor: textOf(r, "actor", `[a-z0-9]{1,8}`), Portrait: referenceOf(r),
				Type: trainset.ActorType(textOf(r, "type", `(robotic|)`)), Sex: trainset.Sex(textOf(r, "sex", `(male|)`)),
			},
			trainset.StyleRequest{
				Options: optionsOf(r), Style: textOf(r, "style", `[a-z0-9]{1,8}`), Image: referenceOf(r),
				Grids: int(numberOf(r, "grids", 0, 10)), MaxGrids: int(numberOf(r, "max grids", 0, 20)),
				Judge: trainset.Judge(textOf(r, "judge", `(openai|)`)), JudgeModel: textOf(r, "judge model", `(a/b)?`), Enhance: trainset.Enhance(textOf(r, "enhance", `(tile|)`)),
			},
		}
		for _, req := range requests {
			if req.Validate() != nil {
				continue
			}
			read++
			b, err := json.Marshal(req)
			if err != nil {
				r.Fatal(err)
			}
			got, err := trainset.DecodeRequest(req.Kind(), b)
			if err != nil || !reflect.DeepEqual(got, req) || got.JobID() != req.JobID() || got.Fingerprint() != req.Fingerprint() {
				r.Fatalf("%s was read as %+v, %v", b, got, err)
			}
		}
	})
	if read == 0 {
		t.Error("no request was valid")
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

// Whoever writes another language reads the field and what to do, not a Go type.
func TestDecodeRequestNamesTheField(t *testing.T) {
	for spoiled, want := range map[string]string{
		`"key":7`:                  "key: is JSON of type number; give a text",
		`"key":"k","key":"l"`:      "key: is there twice; give it once",
		`"key":"k","Key":"l"`:      "Key: is unknown; ",
		`"key":"k","images":1.5`:   "images: 1.5 is no whole number; ",
		`"key":"k","images":"12"`:  "images: is no number; ",
		`"key":"k","seed":1e400`:   "seed: +Inf is out of range; ",
		`"key":"k","simulate":1`:   "simulate: is JSON of type number; give true or false",
		`"key":"k","portrait":"x"`: "portrait: is no JSON object; ",

		`"key":"k","max_cost_usd":1e-9`:            "max_cost_usd: an amount of 1e-09 US dollars is less than a millionth; ",
		`"key":"k","max_cost_usd":-1e-9`:           "max_cost_usd: an amount of -1e-09 US dollars is less than a millionth; ",
		`"key":"k","max_cost_usd":1e-400`:          "max_cost_usd: an amount of US dollars is less than a millionth; ",
		`"key":"k","max_cost_usd":2e9`:             "max_cost_usd: an amount of 2e+09 US dollars is out of range; ",
		`"key":"k","portrait":{"path":"x"}`:        "portrait.path: is unknown; ",
		`"key":"k","portrait":{"url":"ftp://a/b"}`: "portrait: its URL is not http or https; ",

		`"key":"k","portrait":{"url":"https://a/100%.jpg"}`:  "portrait: its URL has a % that begins no code; percent-encode it",
		`"key":"k","portrait":{"url":"https://a b/x"}`:       "portrait: its URL has no valid host or port; ",
		`"key":"k","portrait":{"url":"https://a:port/x"}`:    "portrait: its URL has no valid host or port; ",
		`"key":"k","portrait":{"url":"https://[::1::2]/x"}`:  "portrait: its URL has no valid host or port; ",
		`"key":"k","portrait":{"url":"https://a","url":"b"}`: "url: is there twice; ",
	} {
		payload := `{"version":1,"user":"u1","actor":"a1",` + spoiled + `}`
		var fe *trainset.FieldError
		if _, err := trainset.DecodeRequest(trainset.KindActor, []byte(payload)); !errors.As(err, &fe) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", spoiled, err)
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
	if id := trainset.NewJobID("ada", "actor", "order-7"); id != "1a9574af-3796-87f5-8580-2ee3a9c0ea07" { // as docs/operations.md has it
		t.Error(id)
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
	for _, text := range []string{"", "much", "NaN", "1e300", "0.0000001"} {
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

// A request is kept in Redis and in storage, and repeated in errors and logs.
func TestNoTextIsTooLongForErrorsAndRecords(t *testing.T) {
	huge := strings.Repeat("a/", 1<<20)
	for field, set := range map[string]func(*trainset.StyleRequest){
		"user":        func(r *trainset.StyleRequest) { r.User = huge },
		"key":         func(r *trainset.StyleRequest) { r.Key = huge },
		"name":        func(r *trainset.StyleRequest) { r.Name = huge },
		"trigger":     func(r *trainset.StyleRequest) { r.Trigger = huge },
		"model":       func(r *trainset.StyleRequest) { r.Model = "a/" + strings.Repeat("b", 1<<20) },
		"judge_model": func(r *trainset.StyleRequest) { r.JudgeModel = "a/" + strings.Repeat("b", 1<<20) },
		"judge":       func(r *trainset.StyleRequest) { r.Judge = trainset.Judge(huge) },
		"priority":    func(r *trainset.StyleRequest) { r.Priority = trainset.Priority(huge) },
		"image":       func(r *trainset.StyleRequest) { r.Image = trainset.Reference{URL: "https://example.org/" + huge} },
		"style":       func(r *trainset.StyleRequest) { r.Style = huge },
	} {
		var r trainset.StyleRequest
		r.Version, r.User, r.Key, r.Style, r.Image.URL = 1, "ada", "k", "ink", "https://example.org/ink.png"
		set(&r)
		var fe *trainset.FieldError
		if err := r.Validate(); !errors.As(err, &fe) || fe.Field != field || len(err.Error()) > 1000 {
			t.Errorf("%s: %.300v", field, err)
		}
	}
}

func TestAPayloadWithAnImageInItIsNotRead(t *testing.T) {
	payload := `{"version":1,"user":"ada","key":"k","actor":"zara","portrait":{"url":"https://example.org/zara.png"},"image_base64":"` + strings.Repeat("A", 128<<10) + `"}`
	var fe *trainset.FieldError
	if _, err := trainset.DecodeRequest(trainset.KindActor, []byte(payload)); !errors.As(err, &fe) || fe.Field != "payload" || !strings.Contains(fe.Remedy, "URL or storage key") {
		t.Errorf("%.300v", err)
	}
}

// A signed URL is a secret for as long as it is valid, and conflicts are logged.
func TestAConflictNamesWhatDiffersAndNoAddress(t *testing.T) {
	a, b := valid(), valid()
	a.Portrait = trainset.Reference{URL: "https://ann:hunter2@files.example.org/p.png?X-Amz-Signature=cafe"}
	b.Portrait = trainset.Reference{URL: "https://ann:hunter2@files.example.org/p.png?X-Amz-Signature=babe"}
	a.Images, b.Sex, b.Trigger = 12, trainset.SexMale, "zrk"
	b.Images = 3
	said := (&trainset.ConflictError{Key: "k", JobID: a.JobID(), Existing: a.Fingerprint(), Given: b.Fingerprint()}).Error()
	for _, part := range []string{"images 12, this one 3", `no trigger, this one "zrk"`, "another portrait, by its sha256", "use another key"} {
		if !strings.Contains(said, part) {
			t.Errorf("%q is missing in %s", part, said)
		}
	}
	for _, secret := range []string{"hunter2", "cafe", "babe"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q is in %s", secret, said)
		}
	}
	if said := (&trainset.ConflictError{Key: "k", Existing: "?", Given: "{}"}).Error(); !strings.HasSuffix(said, "use another key") {
		t.Error(said)
	}
}
