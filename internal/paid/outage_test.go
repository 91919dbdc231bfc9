package paid_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/paid"
	"github.com/actormaker/trainset/internal/plan"
	"github.com/actormaker/trainset/internal/replicate"
)

// away is a provider whose predictions cannot be asked about for a number of times.
type away struct {
	*provider

	questions int
}

func (p *away) Get(ctx context.Context, id string) (replicate.Prediction, error) {
	if p.questions > 0 {
		p.questions--
		return replicate.Prediction{}, &replicate.Error{Class: replicate.ClassTransient}
	}
	return p.provider.Get(ctx, id)
}

// What is asked again and again, because the provider does nothing of the kind, is
// told from the third failure on. A single one is none.
func TestWhatIsRepeatedIsTold(t *testing.T) {
	cut := &replicate.Error{Class: replicate.ClassTransient}
	for name, c := range map[string]struct {
		provider away
		told     int
	}{
		"nothing fails":                   {away{provider: &provider{}}, 0},
		"some creates":                    {away{provider: &provider{script: []create{refusesDown, refusesBusy, accepts}}}, 0},
		"creates":                         {away{provider: &provider{script: []create{refusesDown, refusesBusy, refusesDown, refusesDown, accepts}}}, 2},
		"creates without an answer":       {away{provider: &provider{script: []create{dropsSilent, dropsSilent, dropsSilent, accepts}}}, 1},
		"some questions":                  {away{provider: &provider{}, questions: 2}, 0},
		"questions":                       {away{provider: &provider{}, questions: 5}, 3},
		"downloads":                       {away{provider: &provider{fetch: []error{cut, cut, cut, cut}}}, 2},
		"a little of everything, in turn": {away{provider: &provider{script: []create{refusesDown, refusesDown, accepts}, fetch: []error{cut, cut}}, questions: 2}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, p, told := &journal{m: map[string]plan.Attempt{}}, &c.provider, 0
				o := paid.Options{Outage: func(_ context.Context, job trainset.JobID, err error, back time.Duration) {
					if told++; job != "job" || err == nil || back <= 0 {
						t.Errorf("job %s, %v, back in %s", job, err, back)
					}
				}}
				a, out, err := paid.New(j, p, &freely{}, paid.NewSearch(p.provider, j, paid.SearchOptions{}), &paid.Pace{}, o).Once(t.Context(), fresh("image.1.1"))
				if err != nil || len(out.Data) == 0 || told != c.told {
					t.Errorf("%s, %d bytes, told %d times, not %d: %v", a.State, len(out.Data), told, c.told, err)
				}
			})
		})
	}
}
