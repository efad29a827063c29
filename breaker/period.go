package breaker

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"

	// gobreaker has the rolling counts and the half-open state's permits. Of
	// the breakers for Go it is the most used, small, and without dependencies.
	"github.com/sony/gobreaker/v2"
)

// A period is the time between two changes of the gate: calls go through, or
// they are refused and then probed. Each has a gobreaker of its own, so that
// the late result of a call of an earlier period never reaches another's.
//
// No permit of gobreaker's is held while a call of a closed period runs: its
// result is handed in when it is there. So none is lost, whatever becomes of
// the call. Probes do hold one, and are watched.
type period struct {
	counts *gobreaker.CircuitBreaker[struct{}] // of a closed period
	window window                              // of a closed period
	ailing atomic.Bool                         // it has failed, and not succeeded since

	probes *gobreaker.TwoStepCircuitBreaker[struct{}] // of one that is not closed
	opens  atomic.Int64                               // when probes may begin, on deadline's clock
	probed atomic.Int64                               // when the latest probe must be done
	tried  atomic.Bool                                // there was one
	byHand bool                                       // until Close, whatever peers say
}

// forever is the end of a period that only Close ends.
const forever = deadline.Never

var (
	errFailed = errors.New("failed")
	errNone   = errors.New("no verdict")
)

func (p *period) closed() bool { return p.counts != nil }

func (p *period) until() time.Duration { return time.Duration(p.opens.Load()) }

func (p *period) state(now time.Duration) State {
	switch {
	case p.closed():
		return Closed
	case now < p.until():
		return Open
	}
	return HalfOpen
}

func (b *Breaker) closedPeriod() *period {
	p := new(period)
	p.window.per = or(b.Window, DefaultWindow) / buckets
	p.counts = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Interval:     p.window.per * buckets,
		BucketPeriod: p.window.per,
		Timeout:      1<<63 - 1, // the period ends instead
		ReadyToTrip: func(c gobreaker.Counts) bool {
			after := or(b.TripAfter, DefaultTripAfter)
			calls, _ := p.window.sum(deadline.Now())
			return after > 0 && c.ConsecutiveFailures >= uint32(after) ||
				b.reaches(or(b.TripRate, DefaultTripRate), uint64(c.TotalFailures), calls)
		},
	})
	return p
}

func (b *Breaker) openPeriod(until time.Duration) *period {
	p := &period{probes: gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: uint32(or(b.Probes, 1)),
		Timeout:     1, // until decides
		ReadyToTrip: func(gobreaker.Counts) bool { return true },
		IsExcluded:  func(err error) bool { return err == errNone },
	})}
	if done, err := p.probes.Allow(); err == nil {
		done(errFailed) // and so it is open
	}
	p.opens.Store(int64(until))
	return p
}

// reaches reports whether part is the given share of all calls, if these are
// enough to tell. A negative share is never reached.
func (b *Breaker) reaches(share float64, part, all uint64) bool {
	return share > 0 && all >= uint64(or(b.TripCalls, DefaultTripCalls)) && float64(part) >= share*float64(all)
}

// counted hands in the result of a call of a closed period. Successes are only
// counted, and gobreaker is told of one when it has seen a failure since the
// last: telling it of every one would cost more than all the rest.
func (b *Breaker) counted(p *period, v verdict, now time.Duration, slow bool) {
	if v == uncounted && !slow {
		return
	}
	p.window.add(now, slow)
	switch {
	case v == failure || v == badAnswer:
		p.ailing.Store(true)
		p.counts.Execute(fail)
		if p.counts.State() != gobreaker.StateClosed {
			b.trip(p, "failures")
			return
		}
	case v == success && p.ailing.Load():
		p.ailing.Store(false)
		p.counts.Execute(succeed)
	}
	if slow {
		if calls, slow := p.window.sum(now); b.reaches(or(b.SlowRate, DefaultSlowRate), slow, calls) {
			b.trip(p, "slow calls")
		}
	}
}

func succeed() (struct{}, error) { return struct{}{}, nil }
func fail() (struct{}, error)    { return struct{}{}, errFailed }

// knock asks for a probe's place, in a period that is not closed.
func (b *Breaker) knock(ctx context.Context, p *period, now time.Duration) (probe func(error), err error) {
	if until := p.until(); now < until {
		left := until - now
		if until == forever {
			left = b.openMax()
		}
		return nil, &OpenError{Name: b.name(), RetryAfter: left}
	}
	probe, err = p.probes.Allow()
	if err == nil {
		p.probed.Store(int64(now + b.watch))
		if p.tried.CompareAndSwap(false, true) {
			b.mu.Lock()
			b.changes.add(b, Change{From: Open, To: HalfOpen})
			b.mu.Unlock()
		}
		return probe, nil
	}
	if outer, ok := ctx.Value(callKey{}).(*call); ok && outer.inProbeOf(p) {
		return nil, nil // a part of the probe, as when Do is around a query
	}
	left := time.Duration(p.probed.Load()) - now
	return nil, &OpenError{Name: b.name(), RetryAfter: max(left, time.Millisecond)}
}

func (c *call) inProbeOf(p *period) bool {
	for ; c != nil; c, _ = c.ctx.Parent.Value(callKey{}).(*call) {
		if c.p == p && c.probe != nil && !c.settled.Load() {
			return true
		}
	}
	return false
}

// probed hands in the result of a probe.
func (b *Breaker) probed(c *call, v verdict) {
	p := c.p
	switch v {
	case uncounted:
		c.probe(errNone)
		return
	case success:
		c.probe(nil)
	default:
		c.probe(errFailed)
	}
	switch p.probes.State() {
	case gobreaker.StateClosed:
		b.close(p, "probe succeeded")
	case gobreaker.StateOpen, gobreaker.StateHalfOpen:
		if v != success {
			b.trip(p, "probe failed")
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
		quiet := int((now - b.closed) / or(b.Window, DefaultWindow))
		b.level = max(0, b.level-quiet)
	}
	d := b.openTime(b.level)
	if b.openFor()<<b.level < b.openMax() {
		b.level++
	}
	b.open(now+d, Change{Reason: reason, For: d})
}

// openTime is how long the breaker is open when that has doubled so often.
func (b *Breaker) openTime(level int) time.Duration {
	d := min(b.openFor()<<level, b.openMax())
	return d + rand.N(d/5+1)
}

// open begins an open period. b.mu is held.
func (b *Breaker) open(until time.Duration, c Change) *period {
	p := b.period.Load()
	c.From, c.To = p.seen(), Open
	next := b.openPeriod(until)
	b.period.Store(next)
	b.count.trips.Add(1)
	b.changes.add(b, c)
	return next
}

// close ends the period p, unless it has ended, and begins a closed one.
func (b *Breaker) close(p *period, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.period.Load() != p {
		return
	}
	b.level = max(0, b.level-1)
	b.shut(Change{Reason: reason})
}

// shut begins a closed period. b.mu is held.
func (b *Breaker) shut(c Change) {
	c.From, c.To = b.period.Load().seen(), Closed
	b.closed = deadline.Now()
	b.period.Store(b.closedPeriod())
	b.changes.add(b, c)
}

// seen is the state as changes have told it: half-open since the first probe.
func (p *period) seen() State {
	switch {
	case p.closed():
		return Closed
	case p.tried.Load():
		return HalfOpen
	}
	return Open
}

// Open refuses calls for the given time, after which the backend is probed as
// ever; zero or less means until Close.
func (b *Breaker) Open(d time.Duration) {
	b.current()
	b.mu.Lock()
	defer b.mu.Unlock()
	until := forever
	if d > 0 {
		until = deadline.Now() + d
	} else {
		d = 0
	}
	b.open(until, Change{Reason: "by hand", For: d}).byHand = true
}

// Close lets calls through again, with all counts of failures forgotten.
func (b *Breaker) Close() {
	if b.current().closed() && b.level == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.level = 0
	b.shut(Change{Reason: "by hand"})
}

// comeBack is when a caller that failed might try again.
func (b *Breaker) comeBack() time.Duration {
	if left := b.RetryAfter(); left > 0 {
		return min(left, b.openMax())
	}
	return b.openFor()
}
