package timebox

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
)

type handler struct {
	box  *Box
	next http.Handler
}

// Unwrap lets slowlog look for the mux whose pattern names the route.
func (h *handler) Unwrap() http.Handler { return h.next }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	h.inBox(w, r, ctx, request.From(ctx), deadline.Now())
}

// ServeRecord is ServeHTTP for a guard directly outside this one. The record
// is to be the request's context but is not yet, so that one copy of the
// request does for both guards.
func (h *handler) ServeRecord(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	h.inBox(w, r, rec, rec, rec.Start)
}

func (h *handler) inBox(w http.ResponseWriter, r *http.Request, ctx context.Context, rec *request.Record, start time.Duration) {
	b := h.box
	if rec.Lifted() || b.Skip != nil && b.Skip(r) {
		request.Serve(h.next, w, r, ctx)
		return
	}
	limit := b.enter()
	if limit <= 0 {
		b.leave()
		b.count.exceeded.Add(1)
		b.count.answered.Add(1)
		rec.Settle(request.Refused)
		refusal := b.refusal()
		refusal.Unread = true
		refusal.Write(w, r)
		return
	}

	if b.Quota != nil {
		start = deadline.Now() // lest a bit of the quota be left at the limit
	}
	until := start + limit
	if outer := boxAround(ctx); outer != nil && outer.Until <= until {
		defer b.leave()
		request.Serve(h.next, w, r, ctx) // a box never outlasts the one around it
		return
	}
	rec.SetDeadline(until)

	x := &exchange{box: b, r: r, rec: rec, limit: limit, accept: strings.Join(r.Header["Accept"], ",")}
	x.ctx.Parent, x.ctx.Until, x.ctx.of = ctx, until, x
	x.writer.Init(w, x, &x.gate)
	defer x.leave()
	inside := r.WithContext(&x.ctx)
	if r.Body != nil && r.Body != http.NoBody {
		x.body = &body{ReadCloser: r.Body, x: x}
		inside.Body = x.body
	}
	if !x.http1() {
		x.answered = make(chan struct{})
	}
	x.entry.Item = x
	b.due.Add(&x.entry, until)
	if x.http1() {
		x.serve(h.next, inside)
	} else {
		x.serveApart(h.next, inside)
	}
}

// serve runs the handler in place.
func (x *exchange) serve(next http.Handler, r *http.Request) {
	defer func() {
		request.HandBack(x.r, r) // after a panic, too: a guard further out may answer for it
		x.finish()
		if !x.returned && x.seized() {
			x.countPanic(recover())
		}
	}()
	next.ServeHTTP(x.writer.View(), r)
	x.returned = true
}

// countPanic counts one that net/http will report, and lets it go on: with its
// stack, since nothing has been unwound.
func (x *exchange) countPanic(value any) {
	if value == nil {
		return // it is Goexit
	}
	if value != http.ErrAbortHandler {
		x.box.count.panicked.Add(1)
	}
	panic(value)
}

// serveApart runs the handler on a goroutine of its own, and at the limit
// returns without it.
func (x *exchange) serveApart(next http.Handler, r *http.Request) {
	ended := make(chan ending, 1)
	go x.run(next, r, ended)
	var end ending
	select {
	case end = <-ended:
	case <-x.answered:
		if x.aborted {
			panic(http.ErrAbortHandler) // resets the stream
		}
		return // the handler goes on with its request: nothing may be read from it
	}
	request.HandBack(x.r, r)
	end.carryOn()
}

// run is the goroutine of an HTTP/2 handler.
func (x *exchange) run(next http.Handler, r *http.Request, ended chan<- ending) {
	var end ending
	defer func() {
		if !end.returned {
			end.caught(recover())
		}
		if x.finish(); x.seized() {
			if end.panic != nil {
				x.logPanic(end.panic, end.stack)
			}
			if r.MultipartForm != nil {
				r.MultipartForm.RemoveAll() // as the server does for those in time
			}
			return
		}
		ended <- end
	}()
	next.ServeHTTP(x.writer.View(), r)
	end.returned = true
	x.returned = true
}
