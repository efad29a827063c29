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
	rec    *request.Record // own, or that of a guard outside
	own    request.Record
	outer  request.Watcher // of that record: a Watch outside
	r      *http.Request   // as it came; the handler has a copy. Read with mu held, before the end
	uri    string
	header []field
	writer respond.Writer
	due    deadline.Entry[*entry]
	start  time.Duration
	limit  atomic.Int64 // the deadline that applies, on deadline's clock; 0 is none

	mu       sync.Mutex // guards what follows; the end takes it only if the list has given e out
	returned bool       // the handler has, and did not panic
	ended    bool
	captures int
	scratch  request.Scratch
	reports  []*Report
}

// A field is a header of the request, kept because the handler may change the
// map: its first value.
type field struct{ name, value string }

// maxHeader bounds what a hostile request can make an entry keep.
const maxHeader = 64

func headerOf(h http.Header) []field {
	if len(h) == 0 {
		return nil
	}
	fields := make([]field, 0, min(len(h), maxHeader))
	for name, values := range h {
		if len(fields) == maxHeader {
			break
		}
		if len(values) > 0 {
			fields = append(fields, field{name, values[0]})
		}
	}
	return fields
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.watch.Skip != nil && h.watch.Skip(r) {
		h.next.ServeHTTP(w, r)
		return
	}
	e := &entry{handler: h, r: r, header: headerOf(r.Header), start: deadline.Now()}
	if e.uri = r.RequestURI; e.uri == "" { // made by hand
		e.uri = r.URL.RequestURI()
	}
	ctx := r.Context()
	if e.rec = request.From(ctx); e.rec == nil {
		e.rec = &e.own
		e.own.ID, e.own.Start = h.watch.ids.Next(&e.scratch), e.start
		e.own.Context = pprof.WithLabels(ctx, pprof.Labels(stacks.Label, e.own.ID))
		pprof.SetGoroutineLabels(e.own.Context)
		defer pprof.SetGoroutineLabels(ctx)
		ctx = &e.own
	}
	e.outer = e.rec.Watch(e)
	e.writer.Init(w, e, nil)
	at := e.firstDue(ctx)
	e.due.Item, e.due.Early = e, (at-e.start)/early
	h.watch.list.Add(&e.due, at)
	defer e.end()
	if view := e.writer.View(); h.inner != nil && e.rec == &e.own {
		h.inner.ServeRecord(view, r, e.rec)
	} else {
		request.Serve(h.next, view, r, ctx)
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
		return e.start + e.watch.After
	}
	if limit, ok := limitOf(ctx, e.start); ok {
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
		return e.start + e.watch.After
	}
	if limit := time.Duration(e.limit.Load()); limit != 0 {
		return e.start + (limit-e.start)*4/5
	}
	return e.start + DefaultAfter
}

// DeadlineSet is called by a box inside.
func (e *entry) DeadlineSet(at time.Duration) {
	if e.outer != nil {
		e.outer.DeadlineSet(at)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if limit := e.limit.Load(); limit != 0 && limit <= int64(at) {
		return
	}
	e.limit.Store(int64(at))
	if e.watch.After == 0 && e.captures == 0 {
		at := e.threshold()
		e.watch.list.Set(&e.due, at, (at-e.start)/early)
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
func (e *entry) end() { e.close(e.outcome(), e.r.Pattern) }

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
	e.watch.ring.finish(e.reports, deadline.Now()-e.start, status, o, route)
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
