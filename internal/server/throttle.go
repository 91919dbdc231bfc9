package server

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many wrong tokens an address may send: a few at once, then one every so often.
const (
	wrongBurst = 5
	wrongEvery = 6 * time.Second
	maxClients = 1024
)

// throttle counts wrong tokens by address. Right ones cost nothing, but are
// refused too while an address is barred: else a guess that is answered
// would be a guess that was right.
type throttle struct {
	now func() time.Time

	mu      sync.Mutex
	clients map[netip.Prefix]*rate.Limiter
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, clients: map[netip.Prefix]*rate.Limiter{}}
}

// admit says how long the sender of a token must wait, and 0 where it need not.
func (t *throttle) admit(r *http.Request, right bool) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, key := t.now(), clientOf(r)
	l := t.clients[key]
	if l == nil {
		if right {
			return 0 // nothing is known against it, and nothing need be
		}
		l = t.join(key, now)
	}
	if left := l.TokensAt(now); left < 1 {
		return time.Duration((1 - left) * float64(wrongEvery))
	}
	if !right {
		l.AllowN(now, 1)
	}
	return 0
}

// join makes room for an address. When there is none, the newcomers share one
// count, so that a crowd of addresses gains nothing but each other's bar.
func (t *throttle) join(key netip.Prefix, now time.Time) *rate.Limiter {
	if len(t.clients) >= maxClients {
		for k, l := range t.clients {
			if l.TokensAt(now) >= wrongBurst {
				delete(t.clients, k)
			}
		}
	}
	if len(t.clients) >= maxClients {
		key = netip.Prefix{}
		if l := t.clients[key]; l != nil {
			return l
		}
	}
	l := rate.NewLimiter(rate.Every(wrongEvery), wrongBurst)
	t.clients[key] = l
	return l
}

// clientOf is the sender's address, of IPv6 its network: one subscriber has
// a whole one. Behind a proxy, and on a socket, all are one.
func clientOf(r *http.Request) netip.Prefix {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	ip = ip.Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, _ := ip.Prefix(bits) // the lengths are in range
	return p
}
