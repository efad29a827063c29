package breaker

import (
	"cmp"
	"errors"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"

	// gobreaker has the failures in a row and the half-open state's permits. Of
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
	tried  atomic.Bool                                // there was one; set under Breaker.mu
	cover  cover                                      // of probes, over calls on connections
	byHand bool                                       // until it is over peers are not heeded
}

// forever is the end of an open period that only Close ends.
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

func (b *Breaker) closedPeriod(now time.Duration) *period {
	p := new(period)
	p.window.start, p.window.per = now, b.window()/buckets
	p.counts = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout: 1<<63 - 1, // the period ends instead
		ReadyToTrip: func(c gobreaker.Counts) bool {
			after := cmp.Or(b.TripAfter, DefaultTripAfter)
			calls, failed, _, _ := p.window.sum(deadline.Now())
			return after > 0 && int64(c.ConsecutiveFailures) >= int64(after) ||
				b.reaches(cmp.Or(b.TripRate, DefaultTripRate), failed, calls)
		},
	})
	return p
}

func (b *Breaker) openPeriod(until time.Duration) *period {
	p := &period{probes: gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: uint32(cmp.Or(b.Probes, 1)),
		Timeout:     1, // until decides
		ReadyToTrip: func(gobreaker.Counts) bool { return true },
		IsExcluded:  func(err error) bool { return err == errNone },
	})}
	if done, err := p.probes.Allow(); err == nil {
		done(errFailed) // and so it is open
	}
	p.opens.Store(int64(until))
	p.probed.Store(int64(deadline.Now()))
	return p
}

// reaches reports whether part is the given share of all calls, if these are
// enough to tell. A negative share is never reached.
func (b *Breaker) reaches(share float64, part, all uint64) bool {
	return share > 0 && all >= uint64(cmp.Or(b.TripCalls, DefaultTripCalls)) && float64(part) >= share*float64(all)
}

// counted hands in the result of a call of a closed period. Successes are only
// counted, and gobreaker is told of one when it has seen a failure since the
// last: telling it of every one would cost more than all the rest.
func (b *Breaker) counted(p *period, v verdict, now time.Duration, slow bool) {
	failed := v == failure || v == badAnswer
	if v == begun || v == uncounted && !slow {
		return
	}
	p.window.add(now, failed, slow)
	switch {
	case failed:
		p.counts.Execute(fail)
		p.ailing.Store(true) // after it is told: a success that sees this must come later
		if p.counts.State() != gobreaker.StateClosed {
			b.trip(p, "failures")
			return
		}
	case v == success && p.ailing.Load():
		p.ailing.Store(false)
		p.counts.Execute(succeed)
	}
	if slow {
		if calls, _, slow, _ := p.window.sum(now); b.reaches(cmp.Or(b.SlowRate, DefaultSlowRate), slow, calls) {
			b.trip(p, "slow calls")
		}
	}
}

func succeed() (struct{}, error) { return struct{}{}, nil }
func fail() (struct{}, error)    { return struct{}{}, errFailed }
