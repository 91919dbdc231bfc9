package plan_test

import (
	"testing"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/plan"
)

// A job that waits to be accepted says what it is asked for.
func TestAQueuedJobSaysHowManyImagesAreWanted(t *testing.T) {
	for request, want := range map[string]int{
		`{"version":1,"user":"ada","key":"k","actor":"zara","type":"creature","portrait":{"url":"https://example.org/p.png"}}`:             trainset.DefaultActorImages,
		`{"version":1,"user":"ada","key":"k","actor":"zara","type":"creature","portrait":{"url":"https://example.org/p.png"},"images":30}`: 30,
		`{"version":99}`: 0,
		``:               0,
	} {
		r := plan.Record{Kind: trainset.KindActor, State: trainset.JobQueued, Request: []byte(request)}
		if got := r.Job().Wanted; got != want {
			t.Errorf("%d images of %s, want %d", got, request, want)
		}
	}
	style := plan.Record{Kind: trainset.KindStyle, Request: []byte(`{"version":1,"user":"ada","key":"k","style":"ink","image":{"url":"https://example.org/i.png"},"max_cost_usd":1.5}`)}
	if j := style.Job(); j.Wanted != trainset.DefaultStyleImages || j.Cost.Cap != trainset.USD(1.50) {
		t.Errorf("%d images for at most %s", j.Wanted, j.Cost.Cap)
	}
}
