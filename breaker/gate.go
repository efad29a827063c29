package breaker

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/sony/gobreaker/v2"
)

// knock asks for a probe's place, in a period that is not closed. A call inside
// a probe, as a query is when Do is around it, is part of that and needs none.
func (b *Breaker) knock(ctx context.Context, p *period, now time.Duration) (probe func(error), refused *OpenError) {
	if now < p.until() {
		return nil, &OpenError{Name: b.name(), RetryAfter: b.left(p, now)}
	}
	if inProbe(ctx, p) || p.covers(ctx) {
		return nil, nil
	}
	probe, err := p.probes.Allow()
	if err != nil {
		left := time.Duration(p.probed.Load()) - now
		return nil, &OpenError{Name: b.name(), RetryAfter: max(left, time.Millisecond)}
	}
	p.probed.Store(int64(now + b.watch))
	if !p.tried.Load() {
		b.mu.Lock()
		if b.period.Load() == p && !p.tried.Swap(true) {
			b.tell(Change{From: Open, To: HalfOpen})
		}
		b.mu.Unlock()
	}
	return probe, nil
}

// inProbe reports whether ctx is that of a probe of the period p, directly or
// through calls to other backends.
func inProbe(ctx context.Context, p *period) bool {
	c, _ := ctx.Value(callKey{}).(*call)
	for ; c != nil; c, _ = c.ctx.Parent.Value(callKey{}).(*call) {
		if c.p == p && c.probe != nil && c.fate.Load()&settled == 0 {
			return true
		}
	}
	return false
}

// probed hands in the result of a probe. One that was too slow has failed, or a
// slow backend would be let back in by every probe, to trip the breaker again.
func (b *Breaker) probed(c *call, v verdict, tooSlow bool) {
	c.p.over(c)
	switch {
	case v == failure, v == badAnswer:
		c.probe(errFailed)
		b.trip(c.p, "probe failed")
	case tooSlow:
		c.probe(errFailed)
		b.trip(c.p, "probe slow")
	case v == uncounted:
		c.probe(errNone)
	default:
		c.probe(nil)
		if c.p.probes.State() == gobreaker.StateClosed {
			b.recover(c.p)
		}
	}
}

// trip ends the period p, unless it has ended, and begins one that is open.
func (b *Breaker) trip(p *period, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.period.Load() != p {
		return
	}
	now := deadline.Now()
	if p.closed() {
		b.openTime = max(b.openTime>>max(0, (now-b.since)/b.window()), b.openFor())
	} else {
		b.openTime = min(b.openTime*2, b.openMax())
	}
	d := jittered(b.openTime)
	b.open(now+d, Change{Reason: reason, For: d})
}

// recover ends the period p, unless it has ended, after good probes.
func (b *Breaker) recover(p *period) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.period.Load() != p {
		return
	}
	b.openTime = max(b.openTime/2, b.openFor())
	b.close(Change{Reason: "probe succeeded"})
}

// jittered is d and up to a fifth more.
func jittered(d time.Duration) time.Duration { return d + rand.N(d/5+1) }

// open begins an open period. b.mu is held.
func (b *Breaker) open(until time.Duration, c Change) *period {
	c.From, c.To = b.period.Load().seen(), Open
	p := b.openPeriod(until)
	b.period.Store(p)
	b.count.trips.Add(1)
	b.tell(c)
	return p
}

// close begins a closed period. b.mu is held.
func (b *Breaker) close(c Change) {
	c.From, c.To = b.period.Load().seen(), Closed
	b.since = deadline.Now()
	b.period.Store(b.closedPeriod(b.since))
	if c.From != Closed {
		b.tell(c)
	}
}

// Open refuses calls for the given time, whatever peers say, after which the
// backend is probed as ever; zero or less means until Close.
func (b *Breaker) Open(d time.Duration) {
	b.current()
	b.mu.Lock()
	defer b.mu.Unlock()
	now := deadline.Now()
	d = max(d, 0)
	until := now + d
	if d == 0 || until < now { // or beyond all time
		until, d = forever, 0
	}
	b.open(until, Change{Reason: "by hand", For: d}).byHand = true
}

// Close lets calls through, with all failures and slow calls forgotten, and the
// next open time back at OpenFor.
func (b *Breaker) Close() {
	b.current()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.openTime = b.openFor()
	b.close(Change{Reason: "by hand"})
}

// left is for how much longer the period p refuses calls.
func (b *Breaker) left(p *period, now time.Duration) time.Duration {
	if p.closed() {
		return 0
	}
	until := p.until()
	if until == forever {
		return b.openMax() // nobody knows
	}
	return max(0, until-now)
}

// comeBack is when a caller that failed might try again.
func (b *Breaker) comeBack() time.Duration { return cmp.Or(b.RetryAfter(), b.openFor()) }
