package paid

import (
	"context"
	"errors"
	"testing"
)

func TestRoomIsBounded(t *testing.T) {
	r := NewRoom(10)
	release, err := r.Take(t.Context(), 25) // more than there is: all of it
	if err != nil {
		t.Fatal(err)
	}
	full, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Take(full, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("there was room for one more: %v", err)
	}
	release()
	for range 2 {
		if _, err := r.Take(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
	}
}
