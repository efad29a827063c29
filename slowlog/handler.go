package slowlog

import (
	"context"
	"net/http"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/respond"
	"github.com/heeler-go/heeler/internal/stacks"
)

type handler struct {
	watch *Watch
	next  http.Handler
	inner request.Inner // next, if it is a guard
}

// An entry is one request in flight. Everything that the watch needs for it is
// in this one allocation.
type entry struct {
	*handler
	rec    request.Record
	r      *http.Request // as it came; the handler has a copy. Read with mu held, before the end
	header header
	writer respond.Writer
	due    deadline.Entry[*entry]
	limit  atomic.Int64 // the deadline that applies, on deadline's clock; 0 is none

	scratch  request.Scratch
	returned bool // the handler has, and did not panic

	ended bool       // guarded by mu, as is taken
	mu    sync.Mutex // the end takes it only if the list has given e out
	taken []*Report
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.watch.Skip != nil && h.watch.Skip(r) {
		h.next.ServeHTTP(w, r)
		return
	}
	ctx := r.Context()
	e := &entry{handler: h, r: r}
	e.header.copy(r.Header)
	if r.RequestURI == "" { // made by hand, and the URL is the handler's to change
		made := *r
		e.r = &made
		e.r.RequestURI = r.URL.RequestURI()
	}
	e.rec.Start, e.rec.Watcher = deadline.Now(), e
	if e.rec.Outer = request.From(ctx); e.rec.Outer == nil {
		e.rec.ID = h.watch.ids.Next(&e.scratch)
		e.rec.Context = pprof.WithLabels(ctx, pprof.Labels(stacks.Label, e.rec.ID))
		pprof.SetGoroutineLabels(e.rec.Context)
		defer pprof.SetGoroutineLabels(ctx)
	} else {
		e.rec.ID, e.rec.Context = e.rec.Outer.ID, ctx
	}
	e.writer.Init(w, e, nil)
	at := e.firstDue(ctx)
	e.due.Item, e.due.Early = e, (at-e.rec.Start)/early
	h.watch.list.Add(&e.due, at)
	defer e.end(r)
	if view := e.writer.View(); h.inner != nil {
		h.inner.ServeRecord(view, r, &e.rec)
	} else {
		request.Serve(h.next, view, r, &e.rec)
	}
	e.returned = true
}

// early is the part of its threshold, one in early, by which a request may be
// captured too soon, together with another one. So a thousand requests that
// hang on one backend cost one sweep.
const early = 20

// firstDue is when the request counts as slow, as far as can be told now: a
// timebox inside may set a deadline later.
func (e *entry) firstDue(ctx context.Context) time.Duration {
	if e.watch.After > 0 {
		return e.rec.Start + e.watch.After
	}
	if limit, ok := limitOf(ctx, e.rec.Start); ok {
		e.limit.Store(int64(limit))
	}
	return e.threshold()
}

// limitOf is the deadline that ctx or the server sets, on deadline's clock.
func limitOf(ctx context.Context, start time.Duration) (limit time.Duration, ok bool) {
	limit = deadline.Never
	if t, ok := ctx.Deadline(); ok {
		limit = deadline.Of(t)
	}
	if s, ok := ctx.Value(http.ServerContextKey).(*http.Server); ok && s.WriteTimeout > 0 {
		limit = min(limit, start+s.WriteTimeout)
	}
	return limit, limit != deadline.Never
}

func (e *entry) threshold() time.Duration {
	if e.watch.After > 0 {
		return e.rec.Start + e.watch.After
	}
	if limit := time.Duration(e.limit.Load()); limit != 0 {
		return e.rec.Start + (limit-e.rec.Start)*4/5
	}
	return e.rec.Start + DefaultAfter
}

// DeadlineSet is called by a box inside.
func (e *entry) DeadlineSet(at time.Duration) {
	for {
		limit := e.limit.Load()
		if limit != 0 && limit <= int64(at) {
			return
		}
		if e.limit.CompareAndSwap(limit, int64(at)) {
			break
		}
	}
	if due := e.threshold(); due < e.rec.Start+DefaultAfter { // a later one is found to be so when it is due
		e.watch.list.Set(&e.due, due, (due-e.rec.Start)/early)
	}
}

// LongLived lets the request go: a hijacked connection or an event stream is
// meant to last. A box that closes the connection hijacks it, too.
func (e *entry) LongLived() {
	if e.rec.Fate() == request.Own {
		e.close(LongLived, "")
	}
}

// end is called when the handler has ended, however it did.
func (e *entry) end(r *http.Request) { e.close(e.outcome(), r.Pattern) }

// close takes the request out of the table. After it nothing is reported.
func (e *entry) close(o Outcome, route string) {
	if !e.watch.list.Remove(&e.due) {
		return // nobody has looked
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	e.ended = true
	status := e.writer.Status()
	if status == 0 && o == Answered {
		status = http.StatusOK // which net/http sends for a handler that wrote nothing
	}
	e.watch.ring.finish(e.taken, deadline.Now()-e.rec.Start, status, o, route)
}

func (e *entry) outcome() Outcome {
	switch fate := e.rec.Fate(); {
	case fate == request.Refused:
		return Refused
	case fate == request.Cut:
		return Cut
	case fate == request.Left:
		return ClientLeft
	case !e.returned:
		return Panicked
	case e.rec.Err() != nil:
		return ClientLeft
	}
	return Answered
}
