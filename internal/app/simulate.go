package app

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/replicate/fake"
)

// simulatedToken opens the simulated provider.
const simulatedToken = "simulated"

// simulate serves the simulated provider on loopback until it is stopped, and
// returns its base URL.
func simulate(ctx context.Context, log zerolog.Logger) (base string, stop func(), err error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("app: starting the simulated provider: %w", err)
	}
	s := fake.New(fake.Options{
		AllowLoopbackWebhooks: true,
		Settings:              fake.Settings{Latency: fake.Latency{Fixed: 2 * time.Second, Spread: 0.3}},
	})
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := fake.Serve(serving, ln, s); err != nil {
			log.Error().Err(err).Msg("the simulated provider ended")
		}
	}()
	return "http://" + ln.Addr().String() + "/v1", func() { cancel(); <-done }, nil
}

// lifetime is how long a prediction may be unknown: a simulated provider that was
// started anew will never know those of before.
func (o Options) lifetime() time.Duration {
	if o.Simulated {
		return time.Nanosecond
	}
	return 0
}

// readable says of an upload whether the provider has it, likewise; nil where it
// is the provider's to say.
func (o Options) readable() func(url string) bool {
	if !o.Simulated {
		return nil
	}
	return func(url string) bool { return strings.HasPrefix(url, o.BaseURL) }
}
