package breaker

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// A Change is one of a breaker's state.
type Change struct {
	Name string // the backend's
	// From and To are different, but for Open to Open: a peer's trip, or a
	// hand, has begun another time.
	From, To State
	At       time.Time
	// For is how long it is open, if it is now; zero means until Close.
	For time.Duration
	// Reason says why: "failures", "slow calls", "probe failed", "probe slow",
	// "probe succeeded", "by hand", "peer", or "" for the first probe, with
	// which a half-open time is told of.
	Reason string
}

// maxChanges is how many changes wait for a slow hook.
const maxChanges = 100

// A feed tells one hook of changes, in order and outside of every lock.
type feed struct {
	hook string
	f    func(Change)

	waiting []Change // under Breaker.mu, as is telling
	telling bool
}

// tell has every hook told of a change. b.mu is held.
func (b *Breaker) tell(c Change) {
	if len(b.feeds) == 0 {
		return
	}
	c.Name, c.At = b.name(), time.Now()
	for _, f := range b.feeds {
		if len(f.waiting) == maxChanges {
			f.waiting = append(f.waiting[:0], f.waiting[1:]...)
		}
		f.waiting = append(f.waiting, c)
		if !f.telling {
			f.telling = true
			go b.feed(f)
		}
	}
}

// feed is the goroutine that tells a hook of changes until none waits.
func (b *Breaker) feed(f *feed) {
	done := false
	defer func() {
		if !done { // the hook has ended the goroutine; the next change gets another
			go b.feed(f)
		}
	}()
	for {
		c, ok := b.next(f)
		if !ok {
			done = true
			return
		}
		b.contain(f.hook, func() { f.f(c) })
	}
}

// next takes the oldest change that waits.
func (b *Breaker) next(f *feed) (c Change, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(f.waiting) == 0 {
		f.waiting, f.telling = nil, false
		return c, false
	}
	c = f.waiting[0]
	f.waiting = f.waiting[1:]
	return c, true
}

// contain keeps a hook's panic from ending the process.
func (b *Breaker) contain(hook string, f func()) {
	defer func() {
		if value := recover(); value != nil {
			slog.LogAttrs(context.Background(), slog.LevelError, "breaker: panic in "+hook,
				slog.String("backend", b.name()), slog.Any("panic", value), slog.String("stack", string(debug.Stack())))
		}
	}()
	f()
}
