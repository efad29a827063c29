package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/heeler-go/heeler/offpath"
)

// A Queue takes alerts from whoever has seen something and gives them to the
// sinks, later and elsewhere, so that nobody waits for an e-mail.
//
// Each sink has a line of its own. A sink that is slow, fails, panics, ends
// its goroutine or never returns holds up its own line and no other, and gets
// one alert at a time. What does not fit into a full line is dropped and
// counted; the older ones stay, since the first alert is the one that tells
// how it began.
//
// Alike alerts (same Key, or same Title where the Key is empty) are folded
// into one. The first goes out at once; those that come within Fold of it are
// held back and go out as one when the window ends, with their number in
// Count; so a storm is one alert now and one per Fold. Alerts that wait for
// another reason are folded too. A folded alert has the content and the Files
// of the first that it stands for.
//
// The zero value logs to [slog.Default] and needs no start. There is a
// goroutine only while an alert is being sent or waits for its sink's rate, and
// a timer while one is held back. Set the fields
// before the first use and leave them alone afterwards; a Queue must not be
// copied. All methods may be called from several goroutines.
type Queue struct {
	// Sinks are where alerts go. None means [Log] alone.
	Sinks []Sink
	// Size is how many alerts may wait for one sink, folded ones counting
	// as one. Zero means 256.
	Size int
	// Fold is how long alike alerts are held back after one has gone out.
	// Zero means one minute; a negative Fold holds nothing back, and then
	// only what waits anyway is folded.
	Fold time.Duration
	// PerMinute is how many alerts each sink is given in a minute, with
	// bursts of up to 10 at once. What exceeds it waits, and folds. Zero
	// means 60; negative means no limit.
	PerMinute int
	// Timeout ends the context of one Send. Zero means 30 seconds.
	Timeout time.Duration
	// FileBytes bounds the bytes of the Files that wait in one line. An
	// alert beyond it goes on without its Files, and its Text says so. Zero
	// means 64 MiB; negative means that no Files are kept.
	FileBytes int64
	// OnError is told of each alert that a sink failed to deliver, by the
	// sink's worker: it may take its time at the cost of that sink's line
	// only. sink is the sink's type, such as "*email.Sink". An err that is
	// [ErrDropped] stands for a.Count alerts that found the line full,
	// a being the first of them without its Files. Nil means one error
	// record to [slog.Default] per sink and minute.
	OnError func(sink string, a Alert, err error)

	mu        sync.Mutex // never held during I/O or a call to foreign code
	lines     []*line
	closed    bool
	abandoned int64 // alerts that Close gave up
}

// The zero values' meanings; burst is the token bucket's depth.
const (
	defaultSize      = 256
	defaultFold      = time.Minute
	defaultPerMinute = 60
	defaultTimeout   = 30 * time.Second
	defaultFileBytes = 64 << 20
	burst            = 10
)

// ErrDropped is what [Queue.OnError] is told when alerts found a full line.
var ErrDropped = errors.New("alert: dropped, the sink's line is full")

// Offer hands a to every sink's line and returns at once: it waits for no
// sink. It reports whether at least one line took it; what a full line refuses
// is counted as dropped there. After Close it always returns false.
func (q *Queue) Offer(a Alert) bool {
	now := time.Now()
	a.Count = max(a.Count, 1)

	q.mu.Lock()
	defer q.mu.Unlock()
	q.setup()
	taken := false
	for _, l := range q.lines {
		if q.closed {
			l.drop(a.Count)
		} else if l.add(a, now) {
			taken = true
		}
	}
	return taken
}

// Close takes no more alerts and waits until those that wait are sent. It
// cuts fold windows, the rate limit and retries short, and tries each alert
// once. When ctx ends first, it drops what waits, cancels what is being sent
// and returns an error that says how many were left and wraps ctx's: it never
// waits for a sink that ignores its context.
//
// Close may be called again, and from several goroutines: each call waits as
// the first does, and the first ctx to end ends the draining for all.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	q.setup()
	if !q.closed {
		q.closed = true
		for _, l := range q.lines {
			l.hurry()
		}
	}
	lines := q.lines
	q.mu.Unlock()

	// What is being sent when ctx ends is counted before it hears of that.
	var givenUp int64
	patient, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		givenUp = q.unsent()
		giveUp(context.Cause(ctx))
	})
	defer stop()
	var cause error
	for _, l := range lines {
		left, err := l.jobs.Close(patient)
		if early := errors.Unwrap(err); early != nil {
			cause = early
		}
		q.abandon(l, left)
	}
	if cause != nil && givenUp > 0 {
		return fmt.Errorf("alert: closed, alerts not sent: %d: %w", givenUp, cause)
	}
	if lost := q.unsent(); lost > 0 {
		return fmt.Errorf("alert: closed, alerts not sent: %d", lost)
	}
	return nil
}

// unsent is how many alerts have been given up, wait, or are being sent.
func (q *Queue) unsent() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.abandoned
	for _, l := range q.lines {
		n += l.tally.Waiting
	}
	return n
}

// abandon drops what l's worker has not begun with.
func (q *Queue) abandon(l *line, left []*entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range left {
		if l.waits(e) {
			delete(l.waiting, e.key)
			l.settle(e, &l.tally.Dropped)
			q.abandoned += int64(e.alert.Count)
		}
	}
}

// Validate reports the first field that cannot be used, or what a sink's own
// Validate says.
func (q *Queue) Validate() error {
	switch {
	case q.Size < 0:
		return fmt.Errorf("alert: Queue.Size is %d; it must be positive, or 0 for %d", q.Size, defaultSize)
	case q.Timeout < 0:
		return fmt.Errorf("alert: Queue.Timeout is %v; it must be positive, or 0 for %v", q.Timeout, defaultTimeout)
	}
	for i, s := range q.Sinks {
		if s == nil {
			return fmt.Errorf("alert: Queue.Sinks[%d] is nil; a Sink is needed", i)
		}
		if v, ok := s.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				return fmt.Errorf("alert: Queue.Sinks[%d]: %w", i, err)
			}
		}
	}
	return nil
}

// setup makes the lines at first use. q.mu is held.
func (q *Queue) setup() {
	if q.lines != nil {
		return
	}
	sinks := q.Sinks
	if len(sinks) == 0 {
		sinks = []Sink{Log{}}
	}
	for _, s := range sinks {
		l := &line{
			mu:        &q.mu,
			sink:      s,
			name:      fmt.Sprintf("%T", s),
			size:      cmp.Or(q.Size, defaultSize),
			fold:      cmp.Or(q.Fold, defaultFold),
			rate:      rate{perMinute: cmp.Or(q.PerMinute, defaultPerMinute)},
			fileBytes: cmp.Or(q.FileBytes, defaultFileBytes),
			waiting:   make(map[string]*entry),
			windows:   make(map[string]time.Time),
		}
		l.jobs.Do = func(ctx context.Context, e *entry) { q.send(ctx, l, e) }
		l.jobs.OnPanic = func(e *entry, err *offpath.PanicError) { q.broken(l, e, err) }
		l.jobs.Size = math.MaxInt // the line refuses what is too much
		q.lines = append(q.lines, l)
	}
}
