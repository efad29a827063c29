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
// out how the backend is.
//
// Wrap panics if next is nil, or if the Breaker is not valid.
func (b *Breaker) Wrap(next http.Handler) http.Handler {
	b.current()
	if next == nil {
		panic("breaker: Breaker.Wrap of a nil http.Handler")
	}
	inner, _ := next.(request.Inner)
	return &route{b, next, inner}
}

type route struct {
	b     *Breaker
	next  http.Handler
	inner request.Inner // next, if it is a guard
}

// Unwrap lets slowlog look for the mux whose pattern names the route.
func (h *route) Unwrap() http.Handler { return h.next }

func (h *route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if left := h.b.RetryAfter(); left > 0 {
		h.refuse(w, r, request.From(r.Context()), left)
		return
	}
	h.next.ServeHTTP(w, r)
}

// ServeRecord is ServeHTTP for a guard directly outside this one.
func (h *route) ServeRecord(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	if left := h.b.RetryAfter(); left > 0 {
		h.refuse(w, r, rec, left)
		return
	}
	if h.inner != nil {
		h.inner.ServeRecord(w, r, rec)
		return
	}
	request.Serve(h.next, w, r, rec)
}

func (h *route) refuse(w http.ResponseWriter, r *http.Request, rec *request.Record, left time.Duration) {
	h.b.count.refused.Add(1)
	rec.Refuse(h.b.name(), left)
	problem.Problem{
		Status:   http.StatusServiceUnavailable,
		Detail:   "a service that this needs is not available", // which one is nobody's business outside
		After:    left,
		Encoding: w.Header()["Content-Encoding"], // of a middleware's around
	}.Write(w, r)
}
