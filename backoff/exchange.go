package backoff

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/problem"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/respond"
)

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
