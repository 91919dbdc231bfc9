package fake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	mathrand "math/rand/v2"
	"time"
)

// Settings are how the server behaves in general, as opposed to a Fault, which
// strikes single requests. In JSON the durations are strings such as "2s".
type Settings struct {
	Latency Latency
	// ListLag is how long a new prediction stays missing from lists.
	ListLag time.Duration
	// ShallowRows leaves input, output and logs out of a list's rows.
	ShallowRows bool
	// NormalizeInputs reports inputs with the schema's defaults filled in, prompts
	// trimmed, whole numbers as floats and file URLs rewritten to the delivery host.
	NormalizeInputs bool
	// ClockSkew shifts every time the server tells, its Date header included.
	ClockSkew time.Duration
	// RateLimit is the number of creates allowed in any 60 s; 0 is no limit.
	RateLimit int
	// HardTimeout ends a prediction that has neither finished nor a deadline of
	// its own (default 30 min).
	HardTimeout time.Duration
}

// Latency is how long predictions take.
type Latency struct {
	// Start is the time spent in "starting"; Fixed the time from there to the end.
	Start, Fixed time.Duration
	// Models overrides Fixed for "owner/name".
	Models map[string]time.Duration
	// Spread is the sigma of a log-normal factor on Fixed or Models; 0 is exact.
	// The n-th create of a seed always draws the same factor.
	Spread float64
}

func (l Latency) of(model string, seed uint64, n int) time.Duration {
	d, ok := l.Models[model]
	if !ok {
		d = l.Fixed
	}
	if l.Spread == 0 {
		return d
	}
	r := mathrand.New(mathrand.NewPCG(seed, uint64(n))) //nolint:gosec // latency of a simulation
	return time.Duration(float64(d) * math.Exp(l.Spread*r.NormFloat64()))
}

type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("parse duration: %w", err)
	}
	*d = duration(v)
	return nil
}

type settingsJSON struct {
	Latency struct {
		Start  duration            `json:"start"`
		Fixed  duration            `json:"fixed"`
		Models map[string]duration `json:"models,omitempty"`
		Spread float64             `json:"spread"`
	} `json:"latency"`
	ListLag         duration `json:"list_lag"`
	ShallowRows     bool     `json:"shallow_rows"`
	NormalizeInputs bool     `json:"normalize_inputs"`
	ClockSkew       duration `json:"clock_skew"`
	RateLimit       int      `json:"rate_limit"`
	HardTimeout     duration `json:"hard_timeout"`
}

// MarshalJSON writes the durations as strings.
func (s Settings) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(s.wire())
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	return b, nil
}

func (s Settings) wire() settingsJSON {
	var w settingsJSON
	w.Latency.Start, w.Latency.Fixed = duration(s.Latency.Start), duration(s.Latency.Fixed)
	w.Latency.Spread = s.Latency.Spread
	w.Latency.Models = map[string]duration{}
	for m, d := range s.Latency.Models {
		w.Latency.Models[m] = duration(d)
	}
	w.ListLag, w.ClockSkew, w.HardTimeout = duration(s.ListLag), duration(s.ClockSkew), duration(s.HardTimeout)
	w.ShallowRows, w.NormalizeInputs, w.RateLimit = s.ShallowRows, s.NormalizeInputs, s.RateLimit
	return w
}

// UnmarshalJSON changes only the fields that are present. A name that is no
// setting is an error.
func (s *Settings) UnmarshalJSON(b []byte) error {
	w := s.wire()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return fmt.Errorf("decode settings: %w", err)
	}
	models := make(map[string]time.Duration, len(w.Latency.Models))
	for m, d := range w.Latency.Models {
		models[m] = time.Duration(d)
	}
	*s = Settings{
		Latency: Latency{
			Start: time.Duration(w.Latency.Start), Fixed: time.Duration(w.Latency.Fixed),
			Models: models, Spread: w.Latency.Spread,
		},
		ListLag: time.Duration(w.ListLag), ClockSkew: time.Duration(w.ClockSkew),
		ShallowRows: w.ShallowRows, NormalizeInputs: w.NormalizeInputs,
		RateLimit: w.RateLimit, HardTimeout: time.Duration(w.HardTimeout),
	}
	return nil
}

// clone shares nothing with s.
func (s Settings) clone() Settings {
	s.Latency.Models = maps.Clone(s.Latency.Models)
	return s
}

// Configure lets f change the settings; predictions that run keep theirs.
func (s *Server) Configure(f func(*Settings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.settings)
}
