package breaker

import (
	"net/http"
	"time"

	"github.com/heeler-go/heeler/internal/problem"
	"github.com/heeler-go/heeler/internal/request"
)

// Wrap guards a route that can do nothing without this backend. While calls
// are refused a request is answered at once, with 503 Service Unavailable,
// Retry-After and a small problem body (RFC 9457, or plain text by Accept),
// rather than after all the other work of the handler. It counts as refused.
//
// Otherwise the request goes through, also when the backend is just being tried
// again. It is no call by itself: it is for those that the handler makes to find
// out how the backend is. When the handler answers 5xx, and meanwhile any call to
// the backend has failed, in whatever way, or was refused, or the breaker is not
// closed, a backoff.Policy around makes it a 503 with Retry-After, too: also for
// an error that the backend itself returned, and for another request's call, as
// on the connections of a pool nobody knows whose call it was.
//
// Wrap panics if next is nil, or if the Breaker is not valid.
func (b *Breaker) Wrap(next http.Handler) http.Handler {
	b.current()
	if next == nil {
		panic("breaker: Breaker.Wrap of a nil http.Handler")
	}
	return &route{b, next, request.Inside(next)}
}

type route struct {
	b     *Breaker
	next  http.Handler
	inner request.Inner // of next
}

// Unwrap lets slowlog look for the mux whose pattern names the route.
func (h *route) Unwrap() http.Handler { return h.next }

func (h *route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if left := h.b.RetryAfter(); left > 0 {
		h.refuse(w, r, request.From(r.Context()), left)
		return
	}
	h.need(request.From(r.Context()))
	h.next.ServeHTTP(w, r)
}

// ServeRecord is ServeHTTP for a guard directly outside this one.
func (h *route) ServeRecord(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	if left := h.b.RetryAfter(); left > 0 {
		h.refuse(w, r, rec, left)
		return
	}
	h.need(rec)
	h.inner.ServeRecord(w, r, rec)
}

func (h *route) refuse(w http.ResponseWriter, r *http.Request, rec *request.Record, left time.Duration) {
	h.b.count.refused.Add(1)
	rec.Refuse(h.b.name(), left)
	problem.Problem{
		Status:   http.StatusServiceUnavailable,
		Detail:   "a service that this needs is not available", // which one is nobody's business outside
		After:    left,
		Encoding: w.Header()["Content-Encoding"], // of a middleware's around
		Unread:   true,
	}.Write(w, r)
}

// need tells the record what the request cannot live without.
func (h *route) need(rec *request.Record) {
	if rec == nil {
		return
	}
	b, before := h.b, h.b.troubles()
	rec.Need(func() (name string, left time.Duration, ok bool) {
		return b.name(), b.comeBack(), b.troubles() != before || b.State() != Closed
	})
}

// troubles counts what may have kept a handler from answering: also the calls
// that found their connection dead, which say nothing of the backend.
func (b *Breaker) troubles() uint64 {
	return b.count.failed.Load() + b.count.refused.Load() + b.count.dead.Load()
}
