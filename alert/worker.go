package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/heeler-go/heeler/offpath"
)

// A LaterError is what a sink returns when the same alert may well go through
// after a while: the network is away, the server answers 429 or 451. The
// [Queue] then leaves the sink alone for After, at least 1 s and then 5 s and
// at most 5 minutes, and tries the alert again, three times in all. Any other
// error is final: only the sink knows whether a part of the alert has arrived
// already and must not be sent twice.
type LaterError struct {
	Err   error         // what went wrong
	After time.Duration // what the other side asked for; zero if nothing
}

// Error is Err's text.
func (e *LaterError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *LaterError) Unwrap() error { return e.Err }

// A SetupError is what a sink returns when any alert would meet the same, until somebody puts it
// right: a webhook or a key that was revoked, an address that is wrong, a login that the server refuses.
// For the [Queue] it is as final as any; whoever must lose nothing waits, as heeler follow does.
type SetupError struct {
	Err error // what went wrong
}

// Error is Err's text.
func (e *SetupError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *SetupError) Unwrap() error { return e.Err }

// SetupStatus reports whether an HTTP status tells of that: the address redirects, is not there, or lets
// nobody in with such a key.
func SetupStatus(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return true
	}
	return status/100 == 3
}

// A PanicError says that a sink has panicked.
type PanicError struct {
	Sink  string // the sink's type
	Value any    // what it panicked with
	Stack []byte // where
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("alert: %s panicked: %v", e.Sink, e.Value)
}

const (
	maxTries = 3
	maxPause = 5 * time.Minute
	quietFor = time.Minute
)

// send gives e to the sink, when it may, and again if that may help.
func (q *Queue) send(ctx context.Context, l *line, e *entry) {
	defer func() {
		if q.waits(l, e) { // OnError, told of others, has ended the goroutine
			q.send(ctx, l, e)
		}
	}()
	for q.turn(l, e) {
		q.settle(l, e, q.try(ctx, l, e))
	}
}

func (q *Queue) waits(l *line, e *entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return l.waits(e)
}

// turn waits until e may be sent, and takes it from the line. It returns false
// when e waits no more.
func (q *Queue) turn(l *line, e *entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for l.waits(e) {
		now := time.Now()
		wait := l.wait(now)
		if q.closed || wait <= 0 {
			l.take(e, now)
			return true
		}
		// It is made anew, since it belongs to the synctest bubble, if any,
		// that the worker is in.
		wake := make(chan struct{})
		l.wake = wake
		q.mu.Unlock()
		pause(wait, wake)
		q.mu.Lock()
		l.wake = nil
	}
	return false
}

func pause(d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	}
}

func (q *Queue) try(ctx context.Context, l *line, e *entry) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(q.Timeout, defaultTimeout))
	defer cancel()
	return l.sink.Send(ctx, e.alert)
}

// broken settles e, in whose Send the sink, or afterwards OnError, panicked or
// ended the goroutine.
func (q *Queue) broken(l *line, e *entry, err *offpath.PanicError) {
	switch {
	case e.settled: // it was OnError
	case err.Value == nil:
		q.settle(l, e, fmt.Errorf("alert: %s has ended its goroutine", l.name))
	default:
		q.settle(l, e, &PanicError{Sink: l.name, Value: err.Value, Stack: err.Stack})
	}
}

// settle counts what became of e and reports what went wrong.
func (q *Queue) settle(l *line, e *entry, err error) {
	q.mu.Lock()
	now := time.Now()
	var later *LaterError
	e.tries++
	if errors.As(err, &later) && e.tries < maxTries && !q.closed {
		l.putBack(e, now, pauseFor(e.tries, later.After))
		err = nil
	} else if err == nil {
		l.settle(e, &l.tally.Delivered)
	} else {
		l.settle(e, &l.tally.Failed)
	}
	lost := l.lost
	l.lost = Alert{}
	q.mu.Unlock()

	if err != nil {
		q.report(l, e.alert, err)
	}
	if lost.Count > 0 {
		q.report(l, lost, ErrDropped)
	}
}

// pauseFor is how long a sink is left alone after its nth failure.
func pauseFor(tries int, asked time.Duration) time.Duration {
	backoff := time.Second
	if tries > 1 {
		backoff = 5 * time.Second
	}
	return min(max(backoff, asked), maxPause)
}

func (q *Queue) report(l *line, a Alert, err error) {
	defer func() { _ = recover() }() // a hook's panic must not cost the line
	if q.OnError != nil {
		q.OnError(l.name, a, err)
		return
	}
	more, ok := l.quiet.Ask(time.Now(), quietFor)
	if !ok {
		return
	}
	slog.LogAttrs(context.Background(), slog.LevelError, "alert not delivered",
		slog.String("sink", l.name), slog.String("title", a.Headline()), slog.String("error", err.Error()),
		slog.Int("more", more))
}
