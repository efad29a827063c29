package slowlog

import (
	"net/http"
	"runtime/pprof"
	"sync"
	"sync/atomic"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/respond"
	"github.com/heeler-go/heeler/internal/stacks"
)

type handler struct {
	watch *Watch
	next  http.Handler
	inner request.Inner // of next
}

// An entry is one request in flight. Everything that the watch needs for it is
// in this one allocation.
type entry struct {
	*handler
	rec    request.Record
	came   *http.Request // what guards further in hand their pattern back to
	r      *http.Request // as it came; the handler has a copy. Read with mu held, before the end
	header header
	writer respond.Writer
	due    deadline.Entry[*entry]
	limit  atomic.Int64 // the deadline that makes it slow, from the start; 0 is none

	scratch  request.Scratch
	returned bool       // the handler has, and did not panic
	ended    bool       // guarded by mu
	captures uint8      // guarded by mu
	mu       sync.Mutex // the end takes it only if the list has given e out
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.ServeRecord(w, r, nil) }

// ServeRecord is ServeHTTP for a guard directly outside this one. The record
// is to be the request's context but is not yet, so that one copy of the
// request does for both guards.
//
// Its frame is on the stack of every handler, so it has little in it: see
// respond.
func (h *handler) ServeRecord(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	e := h.begin(w, r, rec)
	switch {
	case e != nil:
	case rec != nil:
		h.inner.ServeRecord(w, r, rec)
		return
	default:
		h.next.ServeHTTP(w, r)
		return
	}
	defer e.end()
	h.inner.ServeRecord(e.writer.View(), r, &e.rec)
	e.returned = true
}

// begin enters the request, unless it is not to be watched.
func (h *handler) begin(w http.ResponseWriter, r *http.Request, rec *request.Record) *entry {
	if h.watch.Skip != nil && h.watch.Skip(r) {
		return nil
	}
	ctx, outer := request.Outside(r, rec)
	if h.watch.sees(outer) {
		return nil
	}
	e := &entry{handler: h, came: r, r: r}
	e.header.copy(r.Header, h.watch.shown)
	if r.RequestURI == "" { // made by hand, and the URL is the handler's to change
		made := *r
		e.r = &made
		e.r.RequestURI = r.URL.RequestURI()
	}
	e.rec.Start, e.rec.Watcher = deadline.Now(), e
	if e.rec.Outer = outer; e.labels() {
		e.rec.ID = h.watch.ids.Next(&e.scratch)
		e.rec.Context = pprof.WithLabels(ctx, pprof.Labels(stacks.Label, e.rec.ID))
		pprof.SetGoroutineLabels(e.rec.Context)
	} else {
		e.rec.ID, e.rec.Context = outer.ID, ctx
	}
	e.writer.Init(w, e, nil)
	e.due.Item = e
	h.watch.list.Add(&e.due, e.firstDue(ctx))
	return e
}

// labels reports whether the goroutine bears the entry's label, and not one of
// a watch further out.
func (e *entry) labels() bool { return e.rec.Outer == nil || e.rec.Outer.ID == "" }

// unlabel gives the goroutine the labels that it came with.
func (e *entry) unlabel() {
	if e.labels() {
		pprof.SetGoroutineLabels(e.r.Context())
	}
}

// sees reports whether w watches the request already, further out: it is
// wrapped around itself, or a handler has the mux serve another path.
func (w *Watch) sees(rec *request.Record) bool {
	for ; rec != nil; rec = rec.Outer {
		if e, ok := rec.Watcher.(*entry); ok && e.watch == w {
			return true
		}
	}
	return false
}

// LongLived lets the request go: a hijacked connection or a stream is meant to
// last, and what it starts from now on bears no label of it. A box that
// closes the connection hijacks it, too, on a goroutine that is not the handler's.
func (e *entry) LongLived() {
	if fate := e.rec.Fate(); fate != request.Cut && fate != request.Left {
		e.close(LongLived, "")
		e.unlabel()
	}
}

// end is called when the handler has ended, however it did.
func (e *entry) end() {
	e.close(e.outcome(), e.came.Pattern)
	e.writer.Done(e.r)
	e.unlabel()
}

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
	end := &End{Duration: deadline.Now() - e.rec.Start, Status: status, Outcome: o}
	if e.captures > 0 {
		end.Calls = calls(e.rec.Backends())
	}
	e.watch.ring.finish(e.rec.ID, end, route)
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
	case request.Gone(&e.rec):
		return ClientLeft
	}
	return Answered
}
