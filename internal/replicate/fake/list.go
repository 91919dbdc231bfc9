package fake

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// page is a part of a list. Its links are absolute, as Replicate's are.
type page[T any] struct {
	Previous *string `json:"previous"`
	Next     *string `json:"next"`
	Results  []T     `json:"results"`
}

// cursor points between two rows by the older one's or the newer one's number,
// so that rows which are added meanwhile shift nothing.
type cursor struct {
	newer bool // the page's rows are newer than n; otherwise older
	n     int
}

func (c cursor) String() string {
	direction := "o"
	if c.newer {
		direction = "n"
	}
	return base64.RawURLEncoding.EncodeToString([]byte(direction + strconv.Itoa(c.n)))
}

// readCursor reads a request's cursor; without one the newest rows are meant.
func readCursor(q url.Values) (cursor, error) {
	if q.Get("cursor") == "" {
		return cursor{n: int(^uint(0) >> 1)}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(q.Get("cursor"))
	if err != nil || len(b) < 2 || b[0] != 'o' && b[0] != 'n' {
		return cursor{}, fmt.Errorf("cursor %q is none of ours", q.Get("cursor"))
	}
	n, err := strconv.Atoi(string(b[1:]))
	if err != nil {
		return cursor{}, fmt.Errorf("cursor %q is none of ours: %w", q.Get("cursor"), err)
	}
	return cursor{newer: b[0] == 'n', n: n}, nil
}

// cut takes the page that a cursor points to from rows that are sorted newest
// first, and tells whether there are rows on either side.
func cut[T any](rows []T, number func(T) int, c cursor, size int) (part []T, newer, older bool) {
	at, _ := slices.BinarySearchFunc(rows, c.n, func(row T, n int) int { return cmp.Compare(n, number(row)) })
	from, to := at, at
	if c.newer {
		from = max(0, at-size)
	} else {
		if at < len(rows) && number(rows[at]) == c.n {
			from++
		}
		to = min(len(rows), from+size)
	}
	return rows[from:to], from > 0, to < len(rows)
}

// link is the request's own address with another cursor.
func (s *Server) link(r *http.Request, c cursor) *string {
	q := r.URL.Query()
	q.Set("cursor", c.String())
	u := s.base(r) + r.URL.Path + "?" + q.Encode()
	return &u
}

// links are those before and after a page.
func links[T any](s *Server, r *http.Request, part []T, number func(T) int, newer, older bool) (previous, next *string) {
	if len(part) == 0 {
		return nil, nil
	}
	if newer {
		previous = s.link(r, cursor{newer: true, n: number(part[0])})
	}
	if older {
		next = s.link(r, cursor{n: number(part[len(part)-1])})
	}
	return previous, next
}

// between is the time filter of a list.
type between struct{ after, before time.Time }

func readBetween(q url.Values) (b between, problems []invalidField) {
	for name, t := range map[string]*time.Time{"created_after": &b.after, "created_before": &b.before} {
		v := q.Get(name)
		if v == "" {
			continue
		}
		parsed, err := parseTime(v)
		if err != nil {
			problems = append(problems, invalidField{"format", name, "Does not match format 'date-time'"})
		}
		*t = parsed
	}
	return b, problems
}

// parseTime reads ISO 8601 with or without a time of day.
func parseTime(v string) (time.Time, error) {
	// An unescaped + in a query is a space.
	t, err := time.Parse(time.RFC3339Nano, strings.ReplaceAll(v, " ", "+"))
	if err == nil {
		return t, nil
	}
	t, err = time.Parse(time.DateOnly, v)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading a time: %w", err)
	}
	return t, nil
}

func (b between) has(t time.Time) bool {
	return !t.Before(b.after) && (b.before.IsZero() || t.Before(b.before))
}

func ordinal(p *prediction) int { return p.n }

// listPredictions lists the account's, newest first.
func (s *Server) listPredictions(w http.ResponseWriter, r *http.Request, account string) {
	c, err := readCursor(r.URL.Query())
	if err != nil {
		writeProblem(w, problem{Title: "Invalid cursor", Status: http.StatusBadRequest, Detail: "The cursor is invalid."})
		return
	}
	times, problems := readBetween(r.URL.Query())
	if len(problems) > 0 {
		writeInvalid(w, problems)
		return
	}
	s.mu.Lock()
	part, newer, older := cut(s.listed(account, times), ordinal, c, s.opts.PageSize)
	list := page[view]{Results: make([]view, len(part))}
	for i, p := range part {
		list.Results[i] = s.view(p)
		if s.settings.ShallowRows {
			list.Results[i].contents = nil
		}
	}
	s.mu.Unlock()
	list.Previous, list.Next = links(s, r, part, ordinal, newer, older)
	writeJSON(w, http.StatusOK, list)
}

// listed are the predictions that a list shows, newest first. The caller holds
// s.mu.
func (s *Server) listed(account string, times between) []*prediction {
	var rows []*prediction
	visible := s.now().Add(-s.settings.ListLag)
	for _, p := range slices.Backward(s.predictions) {
		if p.account == account && !p.created.After(visible) && times.has(p.created) {
			rows = append(rows, p)
		}
	}
	return rows
}
