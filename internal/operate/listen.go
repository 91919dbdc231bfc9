package operate

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// Listen looks whether the worker's server could have its address, or has it: a
// worker may run there already.
func Listen(address string) Probe {
	const name = "http"
	return Probe{name, func(ctx context.Context) []Check {
		var lc net.ListenConfig
		ln, err := lc.Listen(ctx, "tcp", address)
		switch {
		case err == nil:
			_ = ln.Close() // it was only to be had
			return []Check{{name, OK, address + " is free for a worker", ""}}
		case !errors.Is(err, syscall.EADDRINUSE):
			return []Check{{name, Fail, err.Error(), "correct TRAINSET_HTTP_LISTEN, or give nothing for no server"}}
		case servedByWorker(ctx, address):
			return []Check{{name, OK, "a worker serves " + address + "; another on this machine needs another address", ""}}
		}
		return []Check{{name, Fail, "something that is no worker listens on " + address, "end it, or set TRAINSET_HTTP_LISTEN to another address, or to nothing for no server"}}
	}}
}

const askWithin = 2 * time.Second

// servedByWorker asks who listens as an orchestrator's probe would.
func servedByWorker(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	h, err := AskHealth(ctx, address, false)
	return err == nil && h.Alive
}
