package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/actormaker/trainset"
)

// Health is what a worker answers when it is asked how it is.
type Health struct {
	Alive  bool   `json:"alive"`
	Ready  bool   `json:"ready"` // false, too, where that was not asked
	Checks []Part `json:"checks,omitempty"`
	// Blocked is why work does not move although everything answers; nil where it does.
	Blocked *Blocked `json:"blocked,omitempty"`
}

// Blocked is what keeps a worker's jobs waiting that is none of its own faults.
type Blocked struct {
	Class  string     `json:"class"` // credit, auth, operator or throttled
	Detail string     `json:"detail"`
	Remedy string     `json:"remedy"`
	Since  *time.Time `json:"since,omitempty"`
}

// Part is something that a worker depends on.
type Part struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// AskHealth asks the worker that listens at an address of this host whether it
// lives or, with ready, whether it can work. An answer that is no worker's is an
// error.
func AskHealth(ctx context.Context, address string, ready bool) (Health, error) {
	hosts, err := answering(address)
	if err != nil {
		return Health{}, err
	}
	at := url.URL{Scheme: "http", Path: "/healthz"}
	if ready {
		at.Path = "/readyz"
	}
	var refused []error
	for _, at.Host = range hosts {
		resp, err := getDirectly(ctx, at.String())
		if err == nil {
			return readHealth(resp, ready)
		}
		refused = append(refused, err)
	}
	return Health{}, fmt.Errorf("the worker does not answer at %s: %w; see whether worker run is up and listens there (TRAINSET_HTTP_LISTEN, --address), and allow more --timeout if it is busy", address, errors.Join(refused...))
}

// answering is where a server that listens at an address is asked, on its own
// host. What listens everywhere listens on the loopback, too; many containers have
// that of IPv4 alone, even where the address is one of IPv6.
func answering(address string) ([]string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, trainset.Invalid("address", fmt.Sprintf("%q is no HOST:PORT", address), "write it like 127.0.0.1:8080")
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && ip.Is6() && ip.IsUnspecified():
		return []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}, nil
	case err == nil && ip.IsUnspecified():
		return []string{net.JoinHostPort("127.0.0.1", port)}, nil
	}
	return []string{address}, nil
}

// getDirectly asks whatever proxy there is for others.
func getDirectly(ctx context.Context, at string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err //nolint:wrapcheck // AskHealth says what was done
	}
	direct := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return direct.Do(req) //nolint:wrapcheck // likewise
}

// mostAnswered bounds what is read of an answer.
const mostAnswered = 1 << 20

// readHealth knows a worker by its naming what was asked: other programs, too,
// answer with some JSON.
func readHealth(resp *http.Response, ready bool) (Health, error) {
	defer resp.Body.Close() //nolint:errcheck // only read
	var said struct {
		Alive, Ready *bool
		Checks       []Part
		Blocked      *Blocked
	}
	err := json.NewDecoder(io.LimitReader(resp.Body, mostAnswered)).Decode(&said)
	asked := said.Alive
	if ready {
		asked = said.Ready
	}
	if err == nil && asked == nil {
		err = errors.New("it does not say how it is")
	}
	if err != nil {
		return Health{}, fmt.Errorf("%s answers %s, and not as a worker does: %w; give the address of worker run, in TRAINSET_HTTP_LISTEN or --address", resp.Request.URL, resp.Status, err)
	}
	good := *asked && resp.StatusCode == http.StatusOK
	return Health{Alive: ready || good, Ready: ready && good, Checks: said.Checks, Blocked: said.Blocked}, nil
}
