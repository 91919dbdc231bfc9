package fake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Entry is one prediction that was made, as Log tells it. Times are the
// provider's.
type Entry struct {
	ID      string `json:"id"`
	Account string `json:"account"` // tells tokens apart without holding them
	Model   string `json:"model"`
	Prompt  string `json:"prompt,omitempty"`
	// Seed is the input's, or the one that was drawn where it has none.
	Seed int64 `json:"seed"`
	// InputDigest is the SHA-256 of the input in canonical JSON: two entries
	// with one digest were asked for in the same words.
	InputDigest string    `json:"input_digest"`
	Created     time.Time `json:"created"`
	Started     time.Time `json:"started,omitzero"`
	Done        time.Time `json:"done,omitzero"`
	Status      string    `json:"status"`
	// Faults are those that struck it, its reply, its webhooks or its downloads.
	Faults    []Kind `json:"faults,omitempty"`
	Charged   bool   `json:"charged"`
	Downloads int    `json:"downloads"`
}

func newEntry(p *prediction) Entry {
	return Entry{
		ID: p.id, Account: p.account, Model: p.model.name, Prompt: p.prompt(), Seed: p.seed,
		InputDigest: digest(p.input), Created: p.created, Status: p.status, Faults: p.struck.kinds(),
	}
}

// digest is of the input as it was sent; encoding/json sorts the names.
func digest(input map[string]any) string {
	b, err := json.Marshal(input)
	if err != nil {
		panic(err) // it came out of JSON
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Log returns every prediction that was ever made, in order, whatever became
// of its reply or its data.
func (s *Server) Log() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := slices.Clone(s.log)
	for i, e := range log {
		if !e.Done.IsZero() {
			continue
		}
		p := s.predictions[i]
		log[i].Status, log[i].Started = p.status, p.started
	}
	for i := range log {
		log[i].Faults = slices.Clone(log[i].Faults)
	}
	return log
}

// Stats counts what the server did.
type Stats struct {
	Predictions int `json:"predictions"` // made
	Charged     int `json:"charged"`
	// Throttled is how many creates the rate limit refused (injected refusals
	// are in Injected); MaxPerMinute the most it let pass in any 60 s.
	Throttled    int            `json:"throttled"`
	MaxPerMinute int            `json:"max_per_minute"`
	Webhooks     int            `json:"webhooks"` // deliveries tried
	Requests     map[string]int `json:"requests"` // by route, see Fault.On
	Injected     map[Kind]int   `json:"injected"` // by the kind of fault
	Files        int            `json:"files"`    // uploaded and not gone
}

// Stats returns the counts so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Requests, stats.Injected = maps.Clone(stats.Requests), maps.Clone(stats.Injected)
	now := s.now()
	for _, f := range s.uploads {
		if now.Before(f.expires) {
			stats.Files++
		}
	}
	return stats
}
