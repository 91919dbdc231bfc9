package app_test

import (
	"strings"
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/redistest"
)

// What a request says of captions is what is in them, and in the manifest.
func TestCaptionsFollowTheProfile(t *testing.T) {
	t.Parallel()
	s := newSystem(t, redistest.Any(t))
	s.start()
	for profile, begins := range map[trainset.CaptionProfile]string{
		"": "zrkink style, ", trainset.ProfileStyle: "zrkink style, ", trainset.ProfileNone: "",
	} {
		req := s.styleRequest("style"+string(profile), func(r *trainset.StyleRequest) {
			small(r)
			r.Images, r.Judge, r.CaptionProfile = 2, trainset.JudgeLocal, profile
			if begins == "" {
				r.Trigger = ""
			}
		})
		job := s.style(req)
		m := s.styleManifest(req)
		named := strings.TrimSuffix(begins, " style, ")
		if m.Subject.CaptionProfile == "" || profile != "" && m.Subject.CaptionProfile != string(profile) || m.Subject.Trigger != named || job.Trigger != named {
			t.Errorf("%q: the manifest says %+v, the job %q", profile, m.Subject, job.Trigger)
		}
		for _, it := range m.Items {
			if !strings.HasPrefix(it.Caption.Text, begins) || begins == "" && strings.Contains(it.Caption.Text, " style, ") {
				t.Errorf("%q: image %d is captioned %q", profile, it.Index, it.Caption.Text)
			}
		}
	}
}

func TestAnActorsCaptionsMayBeSentences(t *testing.T) {
	t.Parallel()
	s := quickSystem(t, redistest.Any(t))
	s.start()
	req := s.request("k", 2)
	req.Trigger, req.Name, req.CaptionProfile = "", "Zara", trainset.ProfileQwen
	s.ended(s.enqueue(req))
	m := s.manifest(req)
	if m.Subject.CaptionProfile != "qwen" || m.Subject.Trigger != "" {
		t.Errorf("the manifest says %+v", m.Subject)
	}
	for _, it := range m.Items {
		if !strings.Contains(it.Caption.Text, "named Zara") {
			t.Errorf("image %d is captioned %q", it.Index, it.Caption.Text)
		}
	}
}
