package breaker

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

const (
	// DefaultTimeout is how long a call may take. Most backends answer in a
	// hundredth of it.
	DefaultTimeout = time.Second
	// DefaultTripAfter is how many failures in a row trip a breaker.
	DefaultTripAfter = 5
	// DefaultTripRate is the share of calls that have failed which trips it.
	DefaultTripRate = 0.5
	// DefaultTripCalls is how many calls it takes for a share to tell anything.
	DefaultTripCalls = 20
	// DefaultWindow is how long a call counts for the shares.
	DefaultWindow = 10 * time.Second
	// DefaultSlowRate is the share of slow calls that trips a breaker.
	DefaultSlowRate = 0.8
	// DefaultOpenFor is how long a breaker stays open at first.
	DefaultOpenFor = time.Second
	// DefaultOpenMax is how long it stays open at most.
	DefaultOpenMax = 30 * time.Second
)

// A Breaker guards one backend. The zero Breaker is ready; a Name makes its
// errors and reports readable. Its fields are not to be changed once it is in
// use; its methods may be called from several goroutines.
type Breaker struct {
	// Name is the backend's, for people. Replicas that share Peers know each
	// other's breakers by it. Empty means "backend".
	Name string

	// Timeout is how long a call may take: its context ends then, and the call
	// counts as failed, even if it goes on. Zero means DefaultTimeout; negative
	// means none, which leaves a hanging backend to be noticed by its callers'
	// deadlines. The most is a day.
	Timeout time.Duration

	// TripAfter is how many failures in a row trip the breaker, in whatever time
	// they come. Zero means DefaultTripAfter; negative means that no number does.
	TripAfter int
	// TripRate is the share of the calls in the Window that trips it when they
	// have failed, above 0 and up to 1. Zero means DefaultTripRate; negative
	// means that no share does.
	TripRate float64
	// TripCalls is how many calls there must be in the Window before TripRate
	// and SlowRate apply. Zero means DefaultTripCalls.
	TripCalls int
	// Window is how long a call counts for TripRate and SlowRate. It rolls on
	// in tenths. Zero means DefaultWindow; the least is 10 ms.
	Window time.Duration

	// Slow is how long a wait for the backend makes a call count as slow, whether
	// it succeeds, fails, or is cancelled by its caller. Of a call that is
	// answered piece by piece the longest wait counts, not all of them together.
	// Zero means half of Timeout, or that nothing is slow if there is none; the
	// most is Timeout.
	Slow time.Duration
	// SlowRate is the share of the calls in the Window that trips the breaker
	// when they were slow, above 0 and up to 1. A probe that is slow fails. Zero
	// means DefaultSlowRate; negative means that slow calls do no harm.
	SlowRate float64

	// OpenFor is how long the breaker refuses calls after it has tripped. It
	// doubles with every probe that fails, up to OpenMax, and up to a fifth is
	// added at random, lest replicas probe all at once; it is halved with every
	// recovery, and again with every Window without a trip, down to OpenFor.
	// Zero means DefaultOpenFor, or OpenMax if that is less; the least is 1 ms.
	OpenFor time.Duration
	// OpenMax is the most that OpenFor grows to, before jitter, and at most a
	// day. Zero means DefaultOpenMax, or OpenFor if that is more.
	OpenMax time.Duration

	// Probes is how many calls are let through at a time when OpenFor is over,
	// and how many must succeed for the breaker to close; the first that fails
	// opens it again. A probe that has not ended at Timeout has failed; without
	// Timeout that is at OpenMax. Zero means 1; the most is 1000.
	Probes int

	// IsFailure tells which of the errors that calls return are the backend's
	// failures; all others count as success. It is not asked about calls that
	// timed out or panicked, which are failures, and not about those that their
	// callers cancelled, or that another breaker refused or timed out, nor about
	// any error with the method Refused of an OpenError, which are none. Nil
	// means all errors but sql.ErrNoRows: a cache's miss counts, too, unless
	// IsFailure says otherwise. Connector and Transport know more: see there.
	IsFailure func(error) bool

	// OnChange is told of every change of state, one at a time and in order, on
	// a goroutine of its own: it may take its time, and may call the Breaker.
	// Of more than a hundred that wait the oldest are dropped; a panic is
	// logged. That the breaker is half-open is told with the first probe, since
	// nothing else happens then. Nil tells nobody.
	OnChange func(Change)

	// Peers are the breakers of the same Name in other replicas. Nil means none.
	Peers Peers

	once    sync.Once
	timeout time.Duration // 0 is none
	slow    time.Duration
	watch   time.Duration // a probe must be done by then
	id      string        // among peers
	due     deadline.List[*call]
	period  atomic.Pointer[period] // nil until set up

	mu       sync.Mutex    // held for a change of the period
	openTime time.Duration // how long it is open, before jitter
	since    time.Duration // when the latest closed period began
	feeds    []*feed

	count struct {
		failed, timedOut, uncounted, dead, slow, refused, trips, forgotten atomic.Uint64

		succeeded atomic.Uint64 // as Stats has told it last

		overdue atomic.Int64
		time    atomic.Int64
	}
	statements statements
}

// Validate reports what is wrong with the fields. The other methods panic with
// the same error, as it is the programmer's.
func (b *Breaker) Validate() error {
	var errs []error
	bad := func(wrong bool, field string, value any, accepted string) {
		if wrong {
			errs = append(errs, fmt.Errorf("breaker: Breaker.%s is %v; it must be %s", field, value, accepted))
		}
	}
	bad(b.Timeout > day, "Timeout", b.Timeout, "at most 24h, zero for 1s, or negative for none")
	bad(!isShare(b.TripRate), "TripRate", b.TripRate, "a share up to 1, zero for 0.5, or negative for none")
	bad(b.TripCalls < 0, "TripCalls", b.TripCalls, "positive, or zero for 20")
	bad(b.Window < 0 || b.Window > 0 && b.Window < 10*time.Millisecond, "Window", b.Window, "10ms or more, or zero for 10s")
	bad(b.Slow < 0 || b.Timeout >= 0 && b.Slow > cmp.Or(b.Timeout, DefaultTimeout), "Slow", b.Slow, "at most Timeout, or zero for half of it")
	bad(!isShare(b.SlowRate), "SlowRate", b.SlowRate, "a share up to 1, zero for 0.8, or negative for none")
	bad(b.OpenFor < 0 || b.OpenFor > 0 && b.OpenFor < time.Millisecond || b.OpenFor > day, "OpenFor", b.OpenFor, "from 1ms to 24h, or zero for 1s")
	bad(b.OpenMax < 0 || b.OpenMax > 0 && b.OpenMax < max(b.OpenFor, time.Millisecond) || b.OpenMax > day, "OpenMax", b.OpenMax, "from OpenFor to 24h, or zero for 30s")
	bad(b.Probes < 0 || b.Probes > 1000, "Probes", b.Probes, "from 1 to 1000, or zero for 1")
	return errors.Join(errs...)
}

// day is the longest time that makes sense here, and far from the longest that
// a Duration holds.
const day = 24 * time.Hour

// isShare is false for NaN, too.
func isShare(v float64) bool { return v <= 1 }

func (b *Breaker) name() string { return cmp.Or(b.Name, "backend") }

func (b *Breaker) openFor() time.Duration {
	return cmp.Or(b.OpenFor, min(DefaultOpenFor, cmp.Or(b.OpenMax, DefaultOpenMax)))
}

func (b *Breaker) window() time.Duration { return cmp.Or(b.Window, DefaultWindow) }

func (b *Breaker) openMax() time.Duration {
	return cmp.Or(b.OpenMax, max(DefaultOpenMax, b.OpenFor))
}

// current is the period that lasts now.
func (b *Breaker) current() *period {
	if p := b.period.Load(); p != nil {
		return p
	}
	b.once.Do(b.setup)
	p := b.period.Load()
	if p == nil {
		panic(b.Validate())
	}
	return p
}

func (b *Breaker) setup() {
	if b.Validate() != nil {
		return
	}
	b.timeout = max(cmp.Or(b.Timeout, DefaultTimeout), 0)
	if b.slow = cmp.Or(b.Slow, b.timeout/2); b.slow == 0 {
		b.slow = deadline.Never
	}
	b.watch = cmp.Or(b.timeout, b.openMax())
	b.due.Fire = b.fire
	b.openTime = b.openFor()
	b.since = deadline.Now()
	if b.OnChange != nil {
		b.feeds = append(b.feeds, &feed{hook: "OnChange", f: b.OnChange})
	}
	if b.Peers != nil {
		b.id = rand.Text()
		b.feeds = append(b.feeds, &feed{hook: "Peers", f: b.announce})
	}
	b.period.Store(b.closedPeriod(b.since))
	if b.Peers != nil {
		go b.hear()
	}
}

// Do calls f, unless the breaker refuses with an *OpenError. The context that f
// gets ends at Timeout; f runs on the caller's goroutine and is not abandoned
// then, so it should heed it. The call counts as failed at Timeout even if it
// does not.
//
// What f returns is returned. An error that only says that the deadline has
// passed comes as a *TimeoutError, which names the backend.
func (b *Breaker) Do(ctx context.Context, f func(context.Context) error) error {
	c, err := b.begin(ctx, "")
	if err != nil {
		return err
	}
	defer c.leave()
	err = c.named(f(&c.ctx))
	c.end(err)
	return err
}

// Do is [Breaker.Do] for a function that has a result.
func Do[T any](ctx context.Context, b *Breaker, f func(context.Context) (T, error)) (T, error) {
	c, err := b.begin(ctx, "")
	if err != nil {
		return *new(T), err
	}
	defer c.leave()
	v, err := f(&c.ctx)
	err = c.named(err)
	c.end(err)
	return v, err
}

// State is the state as of now.
func (b *Breaker) State() State { return b.current().state(deadline.Now()) }

// HalfOpen reports whether the backend is just being tried again. It is what
// backoff.Policy asks.
func (b *Breaker) HalfOpen() bool { return b.State() == HalfOpen }

// RetryAfter is for how much longer calls are refused: zero if they are not,
// or if only a probe is awaited; OpenMax if that is until Close.
func (b *Breaker) RetryAfter() time.Duration {
	return b.left(b.current(), deadline.Now())
}
