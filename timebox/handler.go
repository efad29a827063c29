package timebox

import (
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

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.ServeRecord(w, r, nil) }

// ServeRecord is ServeHTTP for a guard directly outside this one. The record
// is to be the request's context but is not yet, so that one copy of the
// request does for both guards.
//
// An HTTP/1 handler runs in place. The frame is on its stack, so it has little
// in it: see respond.
func (h *handler) ServeRecord(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	x, way := h.begin(w, r, rec)
	switch way {
	case refused:
		return
	case passing:
		h.pass(w, r, rec)
		return
	case nested:
		h.nest(w, r, rec)
		return
	case apart:
		x.serveApart(h.next)
		return
	}
	defer x.end()
	h.next.ServeHTTP(x.writer.View(), x.inside)
	x.returned = true
}

// A way is how a request is served.
type way int

const (
	refused way = iota // not at all: it is answered
	passing            // without the box
	nested             // in the box around, which ends earlier
	boxed              // in the box, in place
	apart              // in the box, on a goroutine of its own
)

// begin puts the request into the box.
func (h *handler) begin(w http.ResponseWriter, r *http.Request, rec *request.Record) (*exchange, way) {
	b := h.box
	ctx, outer := request.Outside(r, rec)
	if outer.Lifted() || b.Skip != nil && b.Skip(r) {
		return nil, passing
	}
	limit := b.enter()
	if limit <= 0 {
		b.leave()
		b.refuse(w, r, outer)
		return nil, refused
	}

	var until time.Duration
	if rec != nil && b.Quota == nil { // of which no bit is to be left at the limit
		until = rec.Start + limit
	} else {
		until = deadline.Now() + limit
	}
	if around := boxAround(ctx); around != nil && around.Until <= until {
		return nil, nested // a box never outlasts the one around it
	}
	outer.SetDeadline(until)

	x := &exchange{box: b, r: r, rec: outer, limit: limit, accept: strings.Join(r.Header["Accept"], ",")}
	x.ctx.Parent, x.ctx.Until, x.ctx.of = ctx, until, x
	x.writer.Init(w, x, &x.gate)
	x.inside = r.WithContext(&x.ctx)
	if r.Body != nil && r.Body != http.NoBody {
		x.body = &body{ReadCloser: r.Body, x: x}
		x.inside.Body = x.body
	}
	way := boxed
	if !x.http1() {
		x.answered = make(chan struct{})
		way = apart
	}
	x.entry.Item = x
	b.due.Add(&x.entry, until)
	return x, way
}

// refuse answers a request that comes when the quota is spent.
func (b *Box) refuse(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	b.count.exceeded.Add(1)
	b.count.answered.Add(1)
	rec.Settle(request.Refused)
	refusal := b.refusal()
	refusal.Unread = true
	refusal.Write(w, r)
}

func (h *handler) nest(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	defer h.box.leave()
	h.pass(w, r, rec)
}

func (h *handler) pass(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	if rec == nil {
		h.next.ServeHTTP(w, r)
		return
	}
	request.Serve(h.next, w, r, rec)
}

// end is called when an HTTP/1 handler has ended, however it did.
func (x *exchange) end() {
	defer x.leave()
	x.handBack() // after a panic, too: a guard further out may answer for it
	x.finish()
	if !x.returned && x.seized() {
		x.countPanic(recover())
	}
}

// handBack forgets the handler's copy of the request.
func (x *exchange) handBack() {
	if x.inside != nil {
		request.HandBack(x.r, x.inside)
		x.inside = nil
	}
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
func (x *exchange) serveApart(next http.Handler) {
	defer x.leave()
	r := x.inside
	x.inside = nil
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
