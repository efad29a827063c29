package backoff

import (
	"context"
	"net/http"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/problem"
	"github.com/heeler-go/heeler/internal/request"
)

type handler struct {
	policy *Policy
	next   http.Handler
	inner  request.Inner // of next
}

func newHandler(p *Policy, next http.Handler) *handler {
	return &handler{policy: p, next: next, inner: request.Inside(next)}
}

// Unwrap lets slowlog look for the mux whose pattern names the route.
func (h *handler) Unwrap() http.Handler { return h.next }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.ServeRecord(w, r, nil) }

// ServeRecord is ServeHTTP for a guard directly outside this one. The record
// is to be the request's context but is not yet, so that one copy of the
// request does for both guards.
//
// Its frame is on the stack of every handler, so it has little in it: see
// respond.
func (h *handler) ServeRecord(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	x, passes := h.begin(w, r, rec)
	switch {
	case x != nil:
	case !passes:
		return
	case rec != nil:
		h.inner.ServeRecord(w, r, rec)
		return
	default:
		h.next.ServeHTTP(w, r)
		return
	}
	defer x.end()
	h.inner.ServeRecord(x.writer.View(), r, &x.rec)
	x.returned = true
}

// begin lets the request in. If there is no exchange the policy has answered,
// or the request passes: it is none of the policy's business, or has been
// already, further out.
func (h *handler) begin(w http.ResponseWriter, r *http.Request, rec *request.Record) (x *exchange, passes bool) {
	p := h.policy
	ctx, outer := request.Outside(r, rec)
	if p.Skip != nil && p.Skip(r) || outer.MadeBy(p) {
		return nil, true
	}
	p.count.requests.Add(1)
	if o := p.outage(); o != nil {
		p.count.down.Add(1)
		p.answerDown(w, r, o)
		return nil, false
	}
	waited := false
	if p.slots.waiting.Load() > 0 || !p.slots.take(p.most()) {
		if !p.await(w, r, ctx) {
			return nil, false
		}
		waited = true // which is none of a box's time inside
	}
	x = &exchange{policy: p, r: r}
	x.rec.Context, x.rec.Outer, x.rec.Guard = ctx, outer, p
	if rec != nil && !waited {
		x.rec.Start = rec.Start
	} else {
		x.rec.Start = deadline.Now()
	}
	if outer != nil {
		x.rec.ID = outer.ID
	}
	x.encoding = w.Header()["Content-Encoding"]
	x.writer.Init(w, x, nil)
	x.writer.InitEditor(x)
	return x, false
}

// await waits for a slot and reports whether there is one. If there is none,
// it has answered.
func (p *Policy) await(w http.ResponseWriter, r *http.Request, ctx context.Context) bool {
	got := p.Wait > 0 && p.queue(ctx)
	o := p.outage() // it may have begun since
	switch {
	case got && o == nil && ctx.Err() == nil:
		return true
	case got:
		p.slots.give(p.most())
	}
	// A client that seems to have left is answered as well. A server whose base
	// context was cancelled, and a client that has only closed its half of the
	// connection, look the same.
	count := &p.count.full
	switch {
	case request.Gone(ctx):
		count = &p.count.left
	case o != nil:
		count = &p.count.down
	}
	count.Add(1)
	if o != nil {
		p.answerDown(w, r, o)
	} else {
		p.answerFull(w, r)
	}
	return false
}

// queue waits in line and reports whether that got it a slot.
func (p *Policy) queue(ctx context.Context) bool {
	place := p.slots.join(p.most(), p.longest())
	if place == nil {
		return false
	}
	if p.outage() != nil {
		p.slots.clear() // in case Down has done so before we were in line
	}
	return p.slots.stay(ctx, place, p.Wait)
}

func (p *Policy) answerFull(w http.ResponseWriter, r *http.Request) {
	problem.Problem{
		Status: http.StatusServiceUnavailable, Detail: "too many requests are in progress",
		After: p.after(), Encoding: w.Header()["Content-Encoding"], Unread: true,
	}.Write(w, r)
}

// answerDown sends the soft headers, too, as Sync does: its clients know those.
func (p *Policy) answerDown(w http.ResponseWriter, r *http.Request, o *outage) {
	after := o.left()
	if after == 0 {
		after = p.after()
	}
	problem.Problem{
		Status: http.StatusServiceUnavailable, Detail: o.reason,
		After: after, Also: p.names, Encoding: w.Header()["Content-Encoding"], Unread: true,
	}.Write(w, r)
}
