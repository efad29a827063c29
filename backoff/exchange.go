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

	left     atomic.Bool  // it has given its slot back
	thrown   atomic.Int64 // how many bytes of the handler's answer were thrown away
	returned bool         // the handler has, and did not panic
	replaced bool         // the policy has answered instead of the handler
}

// enough is how much of a replaced answer is thrown away before the client gets
// the one that it is to have: most have ended by then, and net/http sends it.
const enough = 4 << 10

// LongLived gives the slot back: a hijacked connection or an event stream is
// meant to last. A box that closes the connection hijacks it, too, but then the
// handler is still at work.
func (x *exchange) LongLived() {
	if fate := x.rec.Fate(); fate != request.Cut && fate != request.Left {
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
	x.writer.Done(x.r)
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
	if status == http.StatusServiceUnavailable { // the handler's own, which wants the time to come back
		x.policy.count.failed.Add(1)
		problem.RetryAfter(x.writer.Under().Header(), max(left, 1))
		return 0
	}
	x.replace(left)
	return http.StatusServiceUnavailable
}

// Discard says of what the handler writes in vain what net/http would: that
// all is well, until the client has left. That client does not wait for a
// handler that has much to say.
func (x *exchange) Discard(n int) (int, error) {
	if err := x.rec.Context.Err(); err != nil {
		return 0, err
	}
	if thrown := x.thrown.Add(int64(n)); thrown > enough && thrown-int64(n) <= enough {
		x.sendNow()
	}
	return n, nil
}

// sendNow sends what net/http has of the answer, unless the handler has ended,
// or this would end the request under its hands: an HTTP/2 HEAD is over then.
func (x *exchange) sendNow() {
	if !x.left.Load() && x.r.Method != http.MethodHead {
		http.NewResponseController(x.writer.Under()).Flush()
	}
}

func (x *exchange) soften() {
	if x.policy.softens {
		x.policy.soften(x.writer.Under().Header(), x.r)
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
