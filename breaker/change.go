package breaker

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// A Change is one of a breaker's state.
type Change struct {
	Name     string // the backend's
	From, To State  // Open to Open when a peer's trip, or a hand, begins another time
	At       time.Time
	// For is how long it is open, if it is now; zero means until Close.
	For time.Duration
	// Reason says why: "failures", "slow calls", "probe failed", "probe
	// succeeded", "by hand", "peer", or "" for the first probe.
	Reason string
}

// maxChanges is how many changes wait for a slow OnChange.
const maxChanges = 100

// changes are told in order, outside of every lock.
type changes struct {
	waiting []Change
	telling bool
}

// add has c told. b.mu is held.
func (cs *changes) add(b *Breaker, c Change) {
	if b.OnChange == nil && b.Peers == nil {
		return
	}
	c.Name, c.At = b.name(), time.Now()
	if len(cs.waiting) == maxChanges {
		cs.waiting = append(cs.waiting[:0], cs.waiting[1:]...)
	}
	cs.waiting = append(cs.waiting, c)
	if !cs.telling {
		cs.telling = true
		go b.tellChanges()
	}
}

// tellChanges is the goroutine that tells changes until none waits.
func (b *Breaker) tellChanges() {
	for {
		b.mu.Lock()
		if len(b.changes.waiting) == 0 {
			b.changes.telling = false
			b.mu.Unlock()
			return
		}
		c := b.changes.waiting[0]
		b.changes.waiting = b.changes.waiting[1:]
		b.mu.Unlock()
		b.contain("Peers", func() { b.announce(c) })
		b.contain("OnChange", func() {
			if b.OnChange != nil {
				b.OnChange(c)
			}
		})
	}
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
