package cores_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/actormaker/trainset/internal/cores"
)

func TestEachDoesEveryPartOnce(t *testing.T) {
	var done [100]atomic.Int32
	if err := cores.Each(len(done), func(i int) error { done[i].Add(1); return nil }); err != nil {
		t.Fatal(err)
	}
	for i := range done {
		if n := done[i].Load(); n != 1 {
			t.Errorf("part %d was done %d times", i, n)
		}
	}
}

func TestErrorsAreTheCallers(t *testing.T) {
	wrong := errors.New("wrong")
	if err := cores.Both(func() error { return nil }, func() error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
}

// A panic in a goroutine would end the process; here it is its caller's, who may
// recover, and the rest has been done by then.
func TestPanicsAreTheCallers(t *testing.T) {
	var others atomic.Int32
	defer func() {
		if p := recover(); p != "hostile" || others.Load() != 9 {
			t.Errorf("recovered %v after %d others", p, others.Load())
		}
	}()
	_ = cores.Each(10, func(i int) error {
		if i == 4 {
			panic("hostile")
		}
		others.Add(1)
		return nil
	})
	t.Error("it went on")
}
