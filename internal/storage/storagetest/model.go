package storagetest

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/actormaker/trainset/internal/storage"
)

// modelKeys share folders and beginnings, and none is a folder of another.
var modelKeys = []string{"a.b", "a/1", "a/10", "a/2/x", "a/2/y", "a-b/1", "b"}

var modelPrefixes = []string{"", "a", "a/", "a/1", "a/2/", "a/2/x", "b", "c/"}

// maxSteps is enough to put, list and delete what shares a folder.
const maxSteps = 20

// likeAMap runs random calls against the store and a map, and compares what they say.
func likeAMap(t *testing.T, s storage.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{t: t, store: s, want: map[string][]byte{}}
		if err := s.Delete(t.Context(), modelKeys...); err != nil {
			rt.Fatal(err)
		}
		steps := []func(*rapid.T){m.put, m.get, m.remove, m.list}
		for range rapid.IntRange(1, maxSteps).Draw(rt, "steps") { // rapid's own Repeat takes too many for a server
			steps[rapid.IntRange(0, len(steps)-1).Draw(rt, "step")](rt)
		}
	})
}

type model struct {
	t     *testing.T
	store storage.Store
	want  map[string][]byte
}

func (m *model) put(rt *rapid.T) {
	key := rapid.SampledFrom(modelKeys).Draw(rt, "key")
	body := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(rt, "body")
	ifAbsent := rapid.Bool().Draw(rt, "ifAbsent")
	err := m.store.Put(m.t.Context(), key, body, storage.PutOptions{IfAbsent: ifAbsent})
	if _, there := m.want[key]; there && ifAbsent {
		if !errors.Is(err, storage.ErrExists) {
			rt.Fatalf("Put: %v, want ErrExists", err)
		}
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	m.want[key] = body
}

func (m *model) get(rt *rapid.T) {
	key := rapid.SampledFrom(modelKeys).Draw(rt, "key")
	body, err := m.store.Get(m.t.Context(), key)
	info, statErr := m.store.Stat(m.t.Context(), key)
	want, there := m.want[key]
	if !there {
		if !errors.Is(err, storage.ErrNotFound) || !errors.Is(statErr, storage.ErrNotFound) {
			rt.Fatalf("Get: %v, Stat: %v; want ErrNotFound", err, statErr)
		}
		return
	}
	if err != nil || statErr != nil || !bytes.Equal(body, want) || info.Size != int64(len(want)) {
		rt.Fatalf("Get: %q, %v; Stat: %+v, %v; want %q", body, err, info, statErr, want)
	}
}

func (m *model) remove(rt *rapid.T) {
	keys := rapid.SliceOfN(rapid.SampledFrom(modelKeys), 0, 3).Draw(rt, "keys")
	if err := m.store.Delete(m.t.Context(), keys...); err != nil {
		rt.Fatal(err)
	}
	for _, key := range keys {
		delete(m.want, key)
	}
}

func (m *model) list(rt *rapid.T) {
	prefix := rapid.SampledFrom(modelPrefixes).Draw(rt, "prefix")
	infos, err := m.store.List(m.t.Context(), prefix)
	if err != nil {
		rt.Fatal(err)
	}
	var got, want []string
	for _, info := range infos {
		got = append(got, info.Key)
	}
	for _, key := range slices.Sorted(maps.Keys(m.want)) {
		if strings.HasPrefix(key, prefix) {
			want = append(want, key)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		rt.Fatalf("List %q (-want +got):\n%s", prefix, diff)
	}
}
