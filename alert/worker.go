package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
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

// work sends what waits in l and ends when nothing does.
func (q *Queue) work(l *line) {
	over := false
	defer func() {
		if !over { // foreign code has called runtime.Goexit
			go q.work(l)
		}
	}()
	for q.step(l) {
	}
	over = true
}

// step sends one alert, or waits until there is one to send. It returns false
// when the line is empty.
func (q *Queue) step(l *line) bool {
	q.mu.Lock()
	now := time.Now()
	e, wait := l.next(now, q.closed)
	switch {
	case e != nil:
		l.take(e, now)
		ctx, cancel := context.WithTimeout(context.Background(), orDefault(q.Timeout, defaultTimeout))
		l.cancel = cancel
		q.mu.Unlock()
		q.send(ctx, l, e)
	case wait > 0:
		wake := l.wake
		q.mu.Unlock()
		pause(wait, wake)
	default:
		l.working = false
		q.settleClose()
		q.mu.Unlock()
		return false
	}
	return true
}

func pause(d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	}
}

// send gives e to the sink. Whatever the sink does, e is accounted for.
func (q *Queue) send(ctx context.Context, l *line, e *entry) {
	err := error(nil)
	returned := false
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Sink: l.name, Value: v, Stack: debug.Stack()}
		} else if !returned {
			err = fmt.Errorf("alert: %s has ended its goroutine", l.name)
		}
		q.settle(l, e, err)
	}()
	err = l.sink.Send(ctx, e.alert)
	returned = true
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
	} else {
		l.done(e, err == nil)
	}
	lost := l.lost
	l.lost = Alert{}
	l.cancel()
	l.cancel = nil
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
	more, ok := l.quiet.ask(time.Now())
	if !ok {
		return
	}
	slog.LogAttrs(context.Background(), slog.LevelError, "alert not delivered",
		slog.String("sink", l.name), slog.String("title", a.Headline()), slog.String("error", err.Error()),
		slog.Int("more", more))
}

// A quiet lets one report through in a while and counts the others. It
// belongs to a line's worker, of which there is one at a time. It also ends a
// loop: a log handler that makes alerts of error records would otherwise feed
// each failure back into the queue.
type quiet struct {
	until time.Time
	held  int
}

func (s *quiet) ask(now time.Time) (more int, ok bool) {
	if now.Before(s.until) {
		s.held++
		return 0, false
	}
	more, s.held, s.until = s.held, 0, now.Add(quietFor)
	return more, true
}
