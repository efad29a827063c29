package backoff

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/problem"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/respond"
)

// statusClientGone is nginx's for a client that left before it was answered. It
// is seen by nobody but whoever logs it, where the 200 that net/http sends for
// nothing would be a lie.
const statusClientGone = 499

type handler struct {
	policy *Policy
	next   http.Handler
	inner  request.Inner // next, if it is a guard
}

func newHandler(p *Policy, next http.Handler) *handler {
	inner, _ := next.(request.Inner)
	return &handler{policy: p, next: next, inner: inner}
}

// Unwrap lets slowlog look for the mux whose pattern names the route.
func (h *handler) Unwrap() http.Handler { return h.next }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	rec := request.From(ctx)
	if h.passes(r, rec) {
		h.next.ServeHTTP(w, r)
		return
	}
	h.serve(w, r, ctx, rec, deadline.Now())
}

// ServeRecord is ServeHTTP for a guard directly outside this one. The record
// is to be the request's context but is not yet, so that one copy of the
// request does for both guards.
func (h *handler) ServeRecord(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	if h.passes(r, rec) {
		h.call(w, r, rec)
		return
	}
	h.serve(w, r, rec, rec, rec.Start)
}

// passes reports whether the request is none of the policy's business, or has
// been already, further out.
func (h *handler) passes(r *http.Request, rec *request.Record) bool {
	return h.policy.Skip != nil && h.policy.Skip(r) || rec.MadeBy(h.policy)
}

// call serves the request with the record as its context.
func (h *handler) call(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	if h.inner != nil {
		h.inner.ServeRecord(w, r, rec)
	} else {
		request.Serve(h.next, w, r, rec)
	}
}

// serve refuses the request or has it served. It came at start.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, ctx context.Context, outer *request.Record, start time.Duration) {
	p := h.policy
	p.count.requests.Add(1)
	if o := p.outage(); o != nil {
		p.refuseDown(w, r, o)
		return
	}
	if p.slots.waiting.Load() > 0 || !p.slots.take(p.most()) {
		if !p.await(w, r, ctx) {
			return
		}
		start = deadline.Now() // the wait is none of a box's inside
	}
	x := &exchange{policy: p, r: r}
	x.rec.Context, x.rec.Outer, x.rec.Guard, x.rec.Start = ctx, outer, p, start
	if outer != nil {
		x.rec.ID = outer.ID
	}
	x.encoding = w.Header()["Content-Encoding"]
	x.writer.Init(w, x, nil)
	x.writer.InitEditor(x)
	defer x.end()
	h.call(x.writer.View(), r, &x.rec)
	x.returned = true
}

// await waits for a slot and reports whether there is one. If there is none,
// it has answered.
func (p *Policy) await(w http.ResponseWriter, r *http.Request, ctx context.Context) bool {
	got := p.Wait > 0 && p.slots.wait(ctx, p.most(), p.longest(), p.Wait)
	o := p.outage() // it may have begun since
	switch {
	case got && o == nil && ctx.Err() == nil:
		return true
	case got:
		p.slots.give(p.most())
	}
	switch {
	case gone(ctx):
		p.count.left.Add(1)
		w.WriteHeader(statusClientGone)
	case o != nil:
		p.refuseDown(w, r, o)
	default:
		p.count.full.Add(1)
		problem.Problem{
			Status: http.StatusServiceUnavailable, Detail: "too many requests are in progress",
			After: p.after(), Encoding: w.Header()["Content-Encoding"],
		}.Write(w, r)
	}
	return false
}

// gone reports whether the client has left: then the server cancels the
// request's context, and gives no cause. A deadline outside is none of it.
func gone(ctx context.Context) bool { return context.Cause(ctx) == context.Canceled }

// refuseDown sends the soft headers, too, as Sync does: its clients know those.
func (p *Policy) refuseDown(w http.ResponseWriter, r *http.Request, o *outage) {
	p.count.down.Add(1)
	after := o.left()
	if after == 0 {
		after = p.after()
	}
	problem.Problem{
		Status: http.StatusServiceUnavailable, Detail: o.reason,
		After: after, Also: p.names, Encoding: w.Header()["Content-Encoding"],
	}.Write(w, r)
}

// An exchange is one request that is served. Everything that the policy needs
// for it is in this one allocation.
type exchange struct {
	policy   *Policy
	r        *http.Request // as it came; the handler may have a copy
	rec      request.Record
	writer   respond.Writer
	encoding []string // the Content-Encoding that was set outside

	left     atomic.Bool // it has given its slot back
	returned bool        // the handler has, and did not panic
	replaced bool        // the policy has answered instead of the handler
}

// LongLived gives the slot back: a hijacked connection or an event stream is
// meant to last. A box that closes the connection hijacks it, too, but then the
// handler is still at work.
func (x *exchange) LongLived() {
	if x.rec.Fate() == request.Own {
		x.leave()
	}
}

func (x *exchange) leave() {
	if !x.left.Swap(true) {
		x.policy.slots.give(x.policy.most())
	}
}

// end is called when the handler has ended, however it did.
func (x *exchange) end() {
	x.leave()
	if !x.returned {
		if value := recover(); value != nil && !x.answers(value) {
			panic(value) // with its stack, since nothing has been unwound
		}
	} else if x.silent() {
		x.soften() // before net/http sends a 200
	}
	if x.replaced {
		dropTrailers(x.writer.Under().Header())
	}
}

// silent reports whether the response has not begun.
func (x *exchange) silent() bool { return x.writer.Status() == 0 && !x.writer.Hijacked() }

// answers answers a panic with an error that a backend takes no calls.
func (x *exchange) answers(value any) bool {
	err, _ := value.(error)
	var refused request.Refuser
	if !x.silent() || !errors.As(err, &refused) {
		return false
	}
	_, left := refused.Refused()
	x.replace(left)
	return true
}

// Edit has the last word on the handler's answer.
func (x *exchange) Edit(status int) (instead int) {
	switch {
	case status >= 200 && status < 500 && status != http.StatusTooManyRequests:
		x.soften()
		return 0
	case status < 500 || status > 599:
		return 0
	}
	_, left, refused := x.rec.Refusal()
	if !refused {
		return 0
	}
	if status == http.StatusServiceUnavailable {
		x.complete(left)
		return 0
	}
	x.replace(left)
	return http.StatusServiceUnavailable
}

// Discard says of what the handler writes in vain what net/http would: that
// all is well, until the client has left.
func (x *exchange) Discard(n int) (int, error) {
	if err := x.rec.Context.Err(); err != nil {
		return 0, err
	}
	return n, nil
}

func (x *exchange) soften() {
	if x.policy.softens {
		x.policy.soften(x.writer.Under().Header(), x.r)
	}
}

// complete gives a 503 of the handler's own the time to come back.
func (x *exchange) complete(left time.Duration) {
	if problem.RetryAfter(x.writer.Under().Header(), max(left, 1)) {
		x.policy.count.failed.Add(1)
	}
}

// replace answers 503 instead of the handler.
func (x *exchange) replace(left time.Duration) {
	x.policy.count.failed.Add(1)
	x.replaced = true
	problem.Problem{
		Status: http.StatusServiceUnavailable, Detail: unavailable,
		After: max(left, 1), Encoding: x.encoding,
	}.Write(x.writer.Under(), x.r)
}

// dropTrailers removes what HTTP/2 would send after the answer.
func dropTrailers(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			delete(h, name)
		}
	}
}
