package server

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/actormaker/trainset"
)

// minToken is the shortest token that cannot be guessed at the rate at which
// guesses are let through.
const minToken = 16

func checkToken(token string) error {
	if token != "" && len(token) < minToken {
		return trainset.Invalid("TRAINSET_HTTP_TOKEN", fmt.Sprintf("has %d characters", len(token)),
			fmt.Sprintf("give at least %d; openssl rand -hex 32 prints a good one", minToken))
	}
	return nil
}

// checkListen refuses addresses that others can reach while no token is set.
// Of names only localhost is known to be this machine.
func (o Options) checkListen() error {
	if o.Listen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return trainset.Invalid("TRAINSET_HTTP_LISTEN", fmt.Sprintf("%q is no address", o.Listen), "write it as 127.0.0.1:8080")
	}
	if o.Token == "" && !loopback(host) {
		return exposed(o.Listen)
	}
	return nil
}

// checkAddr does the same with what is really listened on.
func (s *Server) checkAddr(a net.Addr) error {
	if s.o.Token != "" {
		return nil
	}
	switch a := a.(type) {
	case *net.TCPAddr:
		if a.IP.IsLoopback() {
			return nil
		}
	case *net.UnixAddr: // who may connect is the file system's business
		return nil
	}
	return exposed(a.String())
}

func exposed(addr string) error {
	return trainset.Invalid("TRAINSET_HTTP_LISTEN",
		fmt.Sprintf("%s can be reached from other machines, and TRAINSET_HTTP_TOKEN is not set", addr),
		fmt.Sprintf("set TRAINSET_HTTP_TOKEN to at least %d characters, or listen on 127.0.0.1", minToken))
}

// loopback reports whether a host, as in a URL or an address, is this machine.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
