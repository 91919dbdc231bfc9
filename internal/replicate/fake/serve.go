package fake

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// drainTime is how long requests under way may take when serving ends.
const drainTime = 2 * time.Second

// Serve serves s at a listener until ctx ends, and closes both. Over a
// listener of crypto/tls whose configuration offers "h2" it speaks HTTP/2 too,
// as Replicate does.
//
// What waits on purpose (a fault that holds a reply, Prefer: wait, a stream) is
// cut off at once; other requests are finished.
func Serve(ctx context.Context, ln net.Listener, s *Server) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	var err error
	select {
	case err = <-ended: // of itself: the listener has failed
	case <-ctx.Done():
		s.cancel()
		err = shutDown(ctx, server)
		if why := <-ended; !errors.Is(why, http.ErrServerClosed) {
			err = errors.Join(err, why)
		}
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("fake: serving: %w", err)
	}
	return nil
}

func shutDown(ctx context.Context, server *http.Server) error {
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := server.Shutdown(bound)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	return err //nolint:wrapcheck // Serve says what was being done
}
