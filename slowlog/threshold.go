package slowlog

import (
	"context"
	"net/http"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

const (
	// early is the part of its threshold, one in early, by which a request may
	// be captured too soon, together with another one. So a thousand requests
	// that hang on one backend cost one sweep.
	early = 20
	// far is as good as never. Sums and shifts of what is nearer stay within a
	// Duration, also for whoever writes math.MaxInt64 for "never".
	far = 50 * 365 * 24 * time.Hour
	// lifted is the limit of a request that has none any more, whatever is set
	// later: it is never slow.
	lifted time.Duration = -1
)

// patience is how long a request may take that has a deadline so long after
// its start, or none if that is zero.
func (w *Watch) patience(limit time.Duration) time.Duration {
	switch {
	case w.After > 0:
		return w.After
	case limit > 0:
		return limit - limit/5
	}
	return DefaultAfter
}

// dueAt is when a request is to be captured that has been n times, and how
// much earlier it may be: each time when it has taken twice as long.
func dueAt(start, patience time.Duration, n int) (at, slack time.Duration) {
	if patience > far>>n {
		return deadline.Never, 0
	}
	patience <<= n
	return start + patience, patience / early
}

// limitOf is how long after start the deadline is that ctx or the server sets;
// zero is none.
func limitOf(ctx context.Context, start time.Duration) time.Duration {
	limit := far
	if t, ok := ctx.Deadline(); ok {
		limit = min(deadline.Of(t), start+far) - start
	}
	if s, ok := ctx.Value(http.ServerContextKey).(*http.Server); ok && s.WriteTimeout > 0 {
		limit = min(limit, s.WriteTimeout)
	}
	if limit >= far {
		return 0
	}
	return max(limit, 1)
}

// firstDue is when the request counts as slow, as far as can be told now: a
// timebox inside may set a deadline later.
func (e *entry) firstDue(ctx context.Context) (at time.Duration) {
	if e.rec.Outer.Lifted() {
		e.limit.Store(int64(lifted))
		return deadline.Never
	}
	var limit time.Duration
	if e.watch.After == 0 {
		if limit = limitOf(ctx, e.rec.Start); limit > 0 {
			e.limit.Store(int64(limit))
		}
	}
	at, e.due.Early = dueAt(e.rec.Start, e.watch.patience(limit), 0)
	return at
}

// DeadlineSet is called by a box inside. It may come at any time, after the
// request was reported and while it is: notNow sorts that out, as it does a
// later time than seemed at the start.
func (e *entry) DeadlineSet(at time.Duration) {
	limit := max(at-e.rec.Start, 1)
	for {
		before := time.Duration(e.limit.Load())
		if before != 0 && before <= limit { // or lifted
			return
		}
		if !e.limit.CompareAndSwap(int64(before), int64(limit)) {
			continue
		}
		if patience := e.watch.patience(limit); patience < e.watch.patience(before) {
			at, slack := dueAt(e.rec.Start, patience, 0)
			e.watch.list.Set(&e.due, at, slack)
		}
		return
	}
}

// Lifted is called by a guard inside that lets the request take as long as it
// needs. A report that is being made is not sent any more.
func (e *entry) Lifted() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.limit.Store(int64(lifted)) // which nextDue minds
}

// isLifted reports whether the request may take as long as it needs.
func (e *entry) isLifted() bool { return e.limit.Load() == int64(lifted) }

// notNow reports whether it is too early for a capture of the request, or too
// late. It puts the request back.
func (e *entry) notNow(now time.Duration) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at, slack := e.nextDue()
	if now >= at-slack {
		return false
	}
	e.watch.list.Set(&e.due, at, slack)
	return true
}

// nextDue is when the request is to be captured next. e.mu is held.
func (e *entry) nextDue() (at, slack time.Duration) {
	n := int(e.captures)
	if n > e.watch.Again || e.isLifted() {
		return deadline.Never, 0
	}
	return dueAt(e.rec.Start, e.watch.patience(time.Duration(e.limit.Load())), n)
}

// deadline is the one that applies, from the start; zero if there is none.
func (e *entry) deadline() time.Duration {
	if e.isLifted() {
		return 0
	}
	limit := limitOf(&e.rec, e.rec.Start)
	if set := time.Duration(e.limit.Load()); set > 0 && (limit == 0 || set < limit) {
		return set
	}
	return limit
}
