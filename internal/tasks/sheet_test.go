package tasks

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/actormaker/trainset/internal/imaging"
)

// picture of one shade, so that whoever looks at another's pixels sees it.
func shade(t *testing.T, v uint8) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	for y := range 64 {
		for x := range 64 {
			img.SetNRGBA(x, y, color.NRGBA{v, v, v, 0xff})
		}
	}
	data, err := imaging.EncodePNG(img, imaging.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSheetsAreFewAndNobodysPixelsChange(t *testing.T) {
	const grids, asks = 8, 40
	h := &Handlers{pixels: make(chan struct{}, 2)}
	var bodies [grids][]byte
	for i := range bodies {
		bodies[i] = shade(t, uint8(10*i))
	}
	var decoded atomic.Int32
	var all sync.WaitGroup
	for i := range grids * asks {
		all.Go(func() {
			g := i % grids
			img, release, err := h.sheet(t.Context(), fmt.Sprint(g), func() ([]byte, error) {
				decoded.Add(1)
				return bodies[g], nil
			})
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			for at := range img.Pix {
				if int(img.Pix[at]) != 10*g {
					t.Errorf("a pixel of grid %d is %d", g, img.Pix[at])
					return
				}
			}
			h.sheets.mu.Lock()
			defer h.sheets.mu.Unlock()
			if n := len(h.sheets.lent); n > keptSheets {
				t.Errorf("%d grids are kept", n)
			}
		})
	}
	all.Wait()
	if n := len(h.sheets.idle); n != keptSheets {
		t.Errorf("%d grids are idle", n)
	}
	if n := int(decoded.Load()); n < grids {
		t.Errorf("%d grids were decoded %d times", grids, n)
	}
}

func TestSheetIsDecodedOnceForAllWhoAskWhileItIsKept(t *testing.T) {
	h := &Handlers{pixels: make(chan struct{}, 2)}
	decoded := 0
	read := func() ([]byte, error) { decoded++; return shade(t, 1), nil }
	for range 3 { // lent to two at once, then to nobody, and again
		_, first, err := h.sheet(t.Context(), "a", read)
		if err != nil {
			t.Fatal(err)
		}
		_, second, err := h.sheet(t.Context(), "a", read)
		if err != nil {
			t.Fatal(err)
		}
		first()
		second()
	}
	if decoded != 1 {
		t.Errorf("it was decoded %d times", decoded)
	}
}

// Rooms are made ready for sheets that are expected, as far as there are places for
// them, and are those of the next ones.
func TestExpectedSheetsHaveTheirRoomReady(t *testing.T) {
	h := &Handlers{pixels: make(chan struct{}, 2)}
	rooms := map[*byte]bool{}
	for range keptSheets + 1 {
		room := make([]byte, 3*64*64)
		rooms[&room[0]] = true
		h.sheets.expect(room)
	}
	if len(h.sheets.rooms) != keptSheets || h.sheets.wanting() {
		t.Fatalf("%d rooms are ready", len(h.sheets.rooms))
	}
	h.sheets.unexpect(h.sheets.rooms[1])
	for i := range keptSheets {
		img, release, err := h.sheet(t.Context(), fmt.Sprint(i), func() ([]byte, error) { return shade(t, 1), nil })
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if ready := rooms[&img.Pix[0]]; ready != (i < keptSheets-1) {
			t.Errorf("sheet %d, in a room that was ready: %v", i, ready)
		}
	}
	for _, room := range h.sheets.rooms[:cap(h.sheets.rooms)] {
		if room != nil {
			t.Error("a room that was taken is held on to")
		}
	}
	h.sheets.expect(make([]byte, 1))
	if len(h.sheets.rooms) != 0 {
		t.Error("a room is kept for which there is no place")
	}
}

func TestSheetThatFailsIsTriedAgain(t *testing.T) {
	h := &Handlers{pixels: make(chan struct{}, 2)}
	away := errors.New("storage is away")
	if _, _, err := h.sheet(t.Context(), "a", func() ([]byte, error) { return nil, away }); !errors.Is(err, away) {
		t.Fatal(err)
	}
	// The first one is interrupted while another waits for the same grid.
	reading, interrupted := make(chan struct{}), context.Canceled
	var all sync.WaitGroup
	all.Go(func() {
		_, _, err := h.sheet(t.Context(), "a", func() ([]byte, error) {
			close(reading)
			for users(h, "a") < 2 { // until the other one waits
				runtime.Gosched()
			}
			return nil, interrupted
		})
		if !errors.Is(err, interrupted) {
			t.Error(err)
		}
	})
	<-reading
	_, release, err := h.sheet(t.Context(), "a", func() ([]byte, error) { return shade(t, 7), nil })
	if err != nil {
		t.Fatal(err)
	}
	release()
	all.Wait()
}

func users(h *Handlers, sum string) int {
	h.sheets.mu.Lock()
	defer h.sheets.mu.Unlock()
	return h.sheets.lent[sum].users
}

func TestSheetWaitsNoLongerThanItsContext(t *testing.T) {
	h := &Handlers{pixels: make(chan struct{}, 2)}
	for i := range keptSheets {
		if _, _, err := h.sheet(t.Context(), fmt.Sprint(i), func() ([]byte, error) { return shade(t, 1), nil }); err != nil {
			t.Fatal(err) // it is not given back
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.sheet(ctx, "one more", func() ([]byte, error) { return shade(t, 2), nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestSheetsAreForgottenInTheEnd(t *testing.T) {
	h := &Handlers{pixels: make(chan struct{}, 2)}
	_, release, err := h.sheet(t.Context(), "a", func() ([]byte, error) { return shade(t, 1), nil })
	if err != nil {
		t.Fatal(err)
	}
	k := h.sheets.lent["a"]
	release()
	h.sheets.expire(k)
	if len(h.sheets.lent) != 0 || len(h.sheets.idle) != 0 {
		t.Error("a grid that nobody asks for is kept")
	}
}
