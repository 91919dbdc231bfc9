package picture

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// mostRemembered bounds the bytes of the pictures that a memory keeps.
const mostRemembered = 128 << 20

// Memory draws what it is asked for once, and gives the same result whenever it is
// asked for it again: Draw would do no other, at the price of its pixels. The zero
// value is ready; when it has become too large it forgets what was not asked for
// for longest.
type Memory struct {
	mu    sync.Mutex
	drawn []*drawing // what was asked for last is first
	bytes int
}

type drawing struct {
	of   [sha256.Size]byte
	size int
	draw func() (Result, error)
}

// Draw is the package's Draw. Nobody may change the bytes that it returns.
func (m *Memory) Draw(r Request) (Result, error) {
	return m.find(r.digest(), r).draw()
}

func (m *Memory) find(of [sha256.Size]byte, r Request) *drawing {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.drawn, func(d *drawing) bool { return d.of == of }); i >= 0 {
		d := m.drawn[i]
		copy(m.drawn[1:], m.drawn[:i])
		m.drawn[0] = d
		return d
	}
	d := &drawing{of: of}
	d.draw = sync.OnceValues(func() (Result, error) {
		res, err := Draw(r)
		m.weigh(d, len(res.Data))
		return res, err
	})
	m.drawn = slices.Insert(m.drawn, 0, d)
	return d
}

// weigh notes how large a result is, and forgets what there is no room for.
func (m *Memory) weigh(d *drawing, size int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d.size = size
	m.bytes += size
	for n := len(m.drawn) - 1; m.bytes > mostRemembered && n > 0; n-- {
		if m.drawn[n].size > 0 { // it is drawn, and has pixels
			m.bytes -= m.drawn[n].size
			m.drawn = slices.Delete(m.drawn, n, n+1)
		}
	}
}

// digest is equal for requests to which Draw gives one result. Neither is an
// enlargement or an answer of a seed, nor does a picture show a judge's flaw.
func (r Request) digest() [sha256.Size]byte {
	kind := kindOf(r.Model)
	if kind != imager && r.Flaw != Blank {
		r.Seed = 0
	}
	if kind != language && strings.HasPrefix(string(r.Flaw), "judge_") {
		r.Flaw = None
	}
	h := sha256.New()
	for _, img := range r.Images {
		sum := sha256.Sum256(img)
		_, _ = h.Write(sum[:]) // a hash never fails
	}
	_, _ = fmt.Fprintf(h, "%d images %#v", len(r.Images), [...]any{
		r.Model, r.Prompt, r.Seed, r.Aspect, r.Format, r.Factor, r.Flaw, r.Plain, r.Options,
	})
	return [sha256.Size]byte(h.Sum(nil))
}
