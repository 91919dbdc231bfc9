package fake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxDeliveries is how many webhooks a prediction has at most: start, logs,
// output, completed. So posting never blocks, and two of one kind are never
// closer than Replicate's 500 ms allow.
const maxDeliveries = 4

// delivery is one webhook: the prediction as it was at its event.
type delivery struct {
	id       string // the same however often it is sent
	body     []byte
	terminal bool
}

// post hands an event to the prediction's webhook, where it wants it. The
// caller holds s.mu.
func (s *Server) post(p *prediction, event string) {
	wanted := p.events
	if len(wanted) == 0 {
		wanted = []string{"output", "completed"}
	}
	if p.mail == nil || !slices.Contains(wanted, event) {
		return
	}
	body, err := json.Marshal(s.view(p))
	if err != nil {
		panic(err) // all of it came out of JSON
	}
	p.mail <- delivery{id: "msg_" + s.newID(), body: body, terminal: event == "completed"}
}

// deliver sends a prediction's webhooks one after another until it has ended.
func (s *Server) deliver(p *prediction) {
	var held []delivery
	for {
		select {
		case d, open := <-p.mail:
			switch {
			case !open:
				s.sendAll(p, held)
				return
			case p.struck.has(WebhookDrop):
			case p.struck.has(WebhookOutOfOrder) && !d.terminal:
				held = append(held, d)
			default:
				s.sendAll(p, []delivery{d})
			}
		case <-s.ctx.Done():
			return
		}
	}
}

const defaultLate = 10 * time.Second

func (s *Server) sendAll(p *prediction, ds []delivery) {
	for _, d := range ds {
		if f, ok := p.struck.get(WebhookLate); ok && !s.sleep(f.duration(defaultLate)) {
			return
		}
		times := 1
		if p.struck.has(WebhookDuplicate) {
			times = 2
		}
		for range times {
			s.insist(p, d)
		}
	}
}

// lastRetry is how long after the first try a terminal webhook is given up.
const lastRetry = time.Minute

// insist sends a webhook; the terminal one again and again, ever more rarely,
// while the receiver fails. A redirect is no failure: it is not followed, and
// the webhook is lost.
func (s *Server) insist(p *prediction, d delivery) {
	pause, passed := time.Second, time.Duration(0)
	for !s.try(p, d) && d.terminal && passed < lastRetry {
		pause = min(pause, lastRetry-passed)
		if !s.sleep(pause) {
			return
		}
		passed += pause
		pause *= 2
	}
}

// try sends a webhook once and reports whether that is the end of it.
func (s *Server) try(p *prediction, d delivery) bool {
	s.mu.Lock()
	s.stats.Webhooks++
	now := s.now()
	s.mu.Unlock()
	secret := s.secret
	if p.struck.has(WebhookForged) {
		secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("another secret, known to nobody"))
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, *p.webhook, bytes.NewReader(d.body))
	if err != nil {
		return true // the address was checked: there is no better one
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Replicate/1")
	sign(req.Header, secret, d, now)
	resp, err := s.hooks.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // what it says is of no interest
	return resp.StatusCode < http.StatusBadRequest
}

// sign sets the headers that a receiver verifies.
func sign(h http.Header, secret string, d delivery, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	key, err := signingKey(secret)
	if err != nil {
		panic(err) // New has tried it
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(d.id + "." + at + "."))
	mac.Write(d.body)
	h.Set("Webhook-Id", d.id)
	h.Set("Webhook-Timestamp", at)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// signingKey is the key in a "whsec_" secret.
func signingKey(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !ok || len(key) == 0 {
		return nil, fmt.Errorf("fake: the webhook secret is not whsec_ and base64") // without the secret
	}
	return key, nil
}
