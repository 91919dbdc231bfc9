package limit

import (
	"errors"
	"slices"
)

// waiter waits for a permit; granted receives exactly once, or never if it left.
type waiter struct{ granted chan error }

// line is who waits, user by user: each user's first in turn, so that a
// thousand of one do not keep another's only one waiting.
type line struct {
	turn  []string // users with waiters, whose turn is next first
	queue map[string][]*waiter
	count int
}

func (l *line) empty() bool { return l.count == 0 }

func (l *line) join(user string, w *waiter) {
	if l.queue == nil {
		l.queue = make(map[string][]*waiter)
	}
	if len(l.queue[user]) == 0 {
		l.turn = append(l.turn, user)
	}
	l.queue[user] = append(l.queue[user], w)
	l.count++
}

// next takes whose turn it is out of the line; nil when nobody waits.
func (l *line) next() *waiter {
	if l.count == 0 {
		return nil
	}
	user := l.turn[0]
	l.turn = l.turn[1:]
	w := l.queue[user][0]
	l.remove(user, 0)
	if len(l.queue[user]) > 0 {
		l.turn = append(l.turn, user)
	}
	return w
}

// leave takes a waiter out that gave up, wherever it stands.
func (l *line) leave(user string, w *waiter) {
	i := slices.Index(l.queue[user], w)
	if i < 0 {
		return
	}
	l.remove(user, i)
	if len(l.queue[user]) == 0 {
		l.turn = slices.DeleteFunc(l.turn, func(u string) bool { return u == user })
	}
}

func (l *line) remove(user string, i int) {
	l.queue[user] = slices.Delete(l.queue[user], i, i+1)
	if len(l.queue[user]) == 0 {
		delete(l.queue, user)
	}
	l.count--
}

func asOpen(err error, target **OpenError) bool { return errors.As(err, target) }
