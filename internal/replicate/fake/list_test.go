package fake

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type listed struct {
	Previous, Next *string
	Results        []map[string]any
}

func (l listed) ids() (ids []string) {
	for _, row := range l.Results {
		ids = append(ids, fmt.Sprint(row["id"]))
	}
	return ids
}

func (c caller) list(path string) listed {
	c.t.Helper()
	a := c.do(http.MethodGet, path, nil)
	if a.status != 200 {
		c.t.Fatalf("%s: status %d, %s", path, a.status, a.body)
	}
	var l listed
	a.decode(c.t, &l)
	return l
}

// clocked is a server whose clock stands still unless it is moved; its
// predictions never start, so that none of them takes any work.
func clocked(t *testing.T, o Options) (caller, *time.Time) {
	t.Helper()
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	o.Now = func() time.Time { return now }
	o.Faults = append(o.Faults, Fault{Kind: Stuck, Times: -1})
	return calling(t, newServer(t, o)), &now
}

func TestListsHaveAbsoluteLinksBothWays(t *testing.T) {
	c, now := clocked(t, Options{PageSize: 3})
	var ids []string // newest first
	for range 8 {
		ids = append([]string{c.made(kontextPro, asking("x")).ID}, ids...)
		*now = now.Add(time.Second)
	}
	var pages []listed
	for next := "/v1/predictions"; ; next = *pages[len(pages)-1].Next {
		pages = append(pages, c.list(next))
		if pages[len(pages)-1].Next == nil {
			break
		}
	}
	if len(pages) != 3 || pages[0].Previous != nil || !strings.HasPrefix(*pages[0].Next, "http://fake.test/v1/predictions?") {
		t.Fatalf("%+v", pages)
	}
	if got := slices.Concat(pages[0].ids(), pages[1].ids(), pages[2].ids()); !slices.Equal(got, ids) {
		t.Errorf("forward %v, want %v", got, ids)
	}
	back := c.list(*pages[2].Previous)
	if !slices.Equal(back.ids(), pages[1].ids()) || *back.Next != *pages[1].Next {
		t.Errorf("back %v, want %v", back.ids(), pages[1].ids())
	}
	if first := c.list(*back.Previous); !slices.Equal(first.ids(), pages[0].ids()) || first.Previous != nil {
		t.Errorf("back at the first: %v", first.ids())
	}
}

func TestListsFilterByTime(t *testing.T) {
	c, now := clocked(t, Options{PageSize: 2})
	start := *now
	var ids []string
	for range 6 { // at 0, 1, ... 5 s
		ids = append([]string{c.made(kontextPro, asking("x")).ID}, ids...)
		*now = now.Add(time.Second)
	}
	at := func(s int) string {
		return url.QueryEscape(start.Add(time.Duration(s) * time.Second).Format(time.RFC3339Nano))
	}
	all := func(query string) (got []string) {
		for next := "/v1/predictions?" + query; next != ""; {
			l := c.list(next)
			got = append(got, l.ids()...)
			if next = ""; l.Next != nil {
				next = *l.Next
			}
		}
		return got
	}
	for query, want := range map[string][]string{
		"created_after=" + at(1):                               ids[:5],
		"created_before=" + at(3):                              ids[3:],
		"created_after=" + at(1) + "&created_before=" + at(4):  ids[2:5],
		"created_after=2026-11-24":                             ids,
		"created_after=2026-11-25":                             nil,
		"created_after=2026-11-24T12:00:02+02:00":              ids[:4],
		"created_after=" + at(1) + "&created_before=" + at(1):  nil,
		"created_after=2026-11-24T10:00:04.999999999Z":         ids[:1],
		"created_before=2026-11-24T10:00:00.000001Z&ignored=x": ids[5:],
	} {
		if got := all(query); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	for _, query := range []string{"created_after=yesterday", "created_before=1"} {
		if a := c.do(http.MethodGet, "/v1/predictions?"+query, nil); a.status != 422 || a.problem(t).InvalidFields[0].Type != "format" {
			t.Errorf("%s: %d, %s", query, a.status, a.body)
		}
	}
	for _, cursor := range []string{"x", "b3g", "eDE", "!!"} {
		if a := c.do(http.MethodGet, "/v1/predictions?cursor="+cursor, nil); a.status != 400 {
			t.Errorf("cursor %s: %d", cursor, a.status)
		}
	}
}

func TestListsLag(t *testing.T) {
	c, now := clocked(t, Options{Settings: Settings{ListLag: 3 * time.Second}})
	id := c.made(kontextPro, asking("x")).ID
	if *now = now.Add(3*time.Second - 1); len(c.list("/v1/predictions").Results) != 0 || c.get(id).ID != id {
		t.Error("it is listed early, or cannot be got")
	}
	if *now = now.Add(1); len(c.list("/v1/predictions").Results) != 1 {
		t.Error("it is not listed")
	}
}

func TestShallowRowsHaveNoContents(t *testing.T) {
	c, _ := clocked(t, Options{})
	c.made(kontextPro, asking("x"))
	if row := c.list("/v1/predictions").Results[0]; row["input"] == nil {
		t.Errorf("%v", row)
	}
	c.s.Configure(func(s *Settings) { s.ShallowRows = true })
	row := c.list("/v1/predictions").Results[0]
	for _, name := range []string{"input", "output", "logs"} {
		if _, ok := row[name]; ok {
			t.Errorf("the row has %s", name)
		}
	}
	if row["id"] == nil || row["status"] != statusStarting || row["created_at"] == nil || row["model"] != kontextPro {
		t.Errorf("%v", row)
	}
	if p := c.get(fmt.Sprint(row["id"])); p.Input["prompt"] != "x" {
		t.Errorf("the prediction itself: %+v", p)
	}
}

func TestFilesAreListedInPages(t *testing.T) {
	c := calling(t, newServer(t, Options{PageSize: 2}))
	for _, name := range []string{"a", "b", "c"} {
		c.upload(name, "", []byte(name), nil)
	}
	l := c.list("/v1/files")
	if len(l.Results) != 2 || l.Results[0]["name"] != "c" || l.Next == nil || l.Previous != nil {
		t.Fatalf("%+v", l)
	}
	if l = c.list(*l.Next); len(l.Results) != 1 || l.Results[0]["name"] != "a" || l.Next != nil || l.Previous == nil {
		t.Errorf("%+v", l)
	}
}

// Whoever follows the links sees every row that was there at the start once,
// in order, while others are added and other accounts are at work.
func TestPagingMissesAndRepeatsNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var all []int // numbers, newest first
		n := 0
		add := func() { n += rapid.IntRange(1, 3).Draw(r, "step"); all = append([]int{n}, all...) }
		for range rapid.IntRange(0, 20).Draw(r, "rows") {
			add()
		}
		want, size := slices.Clone(all), rapid.IntRange(1, 6).Draw(r, "size")
		number := func(n int) int { return n }
		var got []int
		c, _ := readCursor(nil)
		for {
			part, newer, older := cut(all, number, c, size)
			if len(part) > size || newer != (len(part) > 0 && part[0] != all[0]) {
				r.Fatalf("page %v of %v, newer %v", part, all, newer)
			}
			got = append(got, part...)
			if !older {
				break
			}
			last := part[len(part)-1]
			c = cursor{n: last}
			if rapid.Bool().Draw(r, "add") {
				add()
			}
			back, _, olderThan := cut(all, number, cursor{newer: true, n: last}, size)
			if len(back) > 0 && (slices.Max(back) != back[0] || slices.Min(back) <= last || !olderThan) {
				r.Fatalf("before %d: %v of %v", last, back, all)
			}
			through, err := readCursor(url.Values{"cursor": {c.String()}})
			if err != nil || through != c {
				r.Fatalf("cursor %+v became %+v, %v", c, through, err)
			}
		}
		if !slices.Equal(got, want) {
			r.Fatalf("got %v, want %v", got, want)
		}
	})
}
