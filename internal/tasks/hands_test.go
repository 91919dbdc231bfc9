package tasks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// noted is what a worker has in hand by what was written of it.
type noted struct {
	took time.Duration // a write
	err  error

	mu     sync.Mutex
	held   []string
	writes int
}

func (n *noted) note(_ context.Context, taken, released []string) error {
	<-time.After(n.took)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.writes++
	n.held = slices.DeleteFunc(n.held, func(t string) bool { return slices.Contains(released, t) })
	n.held = append(n.held, taken...)
	return n.err
}

// so returns what is held, and after how many writes.
func (n *noted) so() (held string, writes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	slices.Sort(n.held)
	return strings.Join(n.held, " "), n.writes
}

func TestTasksTakenAtOnceAreNotedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &noted{took: time.Millisecond}
		h := newHands(n.note)
		for _, task := range strings.Split("abcdefghij", "") {
			go func() {
				err := h.take(t.Context(), task)
				if held, _ := n.so(); err != nil || !strings.Contains(held, task) {
					t.Errorf("%s is in hand, noted are %s, %v", task, held, err)
				}
			}()
		}
		<-time.After(time.Second)
		if held, writes := n.so(); held != "a b c d e f g h i j" || writes > 2 { // those of one moment, and all others
			t.Errorf("%s in %d writes", held, writes)
		}
	})
}

// Tasks that come one after the other are not a write each, and the first after a
// quiet moment does not wait.
func TestTasksTakenWithinAMomentAreNotedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &noted{}
		h := newHands(n.note)
		for range 2 {
			begun, before := time.Now(), n.writes
			if err := h.take(t.Context(), "first"); err != nil || time.Since(begun) > 0 {
				t.Errorf("noted after %s, %v", time.Since(begun), err)
			}
			var all sync.WaitGroup
			for _, task := range strings.Split("abcdefghij", "") {
				all.Go(func() { _ = h.take(t.Context(), task) })
				<-time.After(moment / 20)
			}
			all.Wait()
			if took := time.Since(begun); n.writes != before+2 || took > moment {
				t.Errorf("%d writes in %s", n.writes-before, took)
			}
			<-time.After(2 * moment)
		}
	})
}

func TestReleasedTasksAreNotedWithTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &noted{}
		h := newHands(n.note)
		take := func(task string) {
			t.Helper()
			if err := h.take(t.Context(), task); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(held string, writes int) {
			t.Helper()
			synctest.Wait()
			if h, w := n.so(); h != held || w != writes {
				t.Errorf("%q in hand after %d writes, want %q after %d", h, w, held, writes)
			}
		}
		take("a")
		h.release("a")
		expect("a", 1)
		take("b")
		expect("b", 2)
		h.release("b")
		take("b") // delivered again
		expect("b", 3)
		h.release("b")
		<-time.After(2 * moment)
		h.flush(t.Context()) // a beat
		expect("", 4)
		h.flush(t.Context()) // nothing is to be noted
		expect("", 4)
	})
}

func TestWhoGaveUpBeforeTheNoteHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &noted{took: time.Second, err: errors.New("down")}
		h := newHands(n.note)
		go func() {
			if err := h.take(t.Context(), "first"); err == nil {
				t.Error("an error of the write is lost")
			}
		}()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if err := h.take(ctx, "second"); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			h.release("second")
		}()
		synctest.Wait()
		cancel()
		<-time.After(5 * time.Second)
		if held, _ := n.so(); held != "first" {
			t.Errorf("%s in hand", held)
		}
	})
}
