package backoff

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/heeler-go/heeler/internal/problem"
	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/respond"
)

// What clients are told. A backend is not named: which there are is nobody's
// business outside.
const (
	unavailable = "a service that this needs is not available"
	tooLong     = "this took too long"
)

// Reply answers a request that failed with err. It is called instead of
// writing anything.
//
//   - A breaker that refused, or any other error with a method
//     Refused() (name string, left time.Duration): 503, and Retry-After is
//     the time left.
//   - [context.DeadlineExceeded], which a [timebox.ErrExceeded] is, and what has
//     a method Timeout that says so: 503, and Retry-After is
//     DefaultRetryAfter. It is not 504, which is for gateways and says
//     nothing of trying again.
//   - Whatever else: 500. The error goes to slog.Default, and never to the
//     client, since it may have secrets.
//
// If the client has left, nothing is logged, and the status 499 is for whoever
// counts them. If err is nil, Reply does nothing.
//
// [timebox.ErrExceeded]: https://pkg.go.dev/github.com/heeler-go/heeler/timebox#ErrExceeded
func Reply(w http.ResponseWriter, r *http.Request, err error) {
	// Who set this cannot be told here. http.Error keeps it, too.
	reply(w, r, err, w.Header()["Content-Encoding"])
}

func reply(w http.ResponseWriter, r *http.Request, err error, encoding []string) {
	if err == nil {
		return
	}
	if gone(r.Context()) {
		w.WriteHeader(statusClientGone)
		return
	}
	p := problem.Problem{Status: http.StatusServiceUnavailable, Encoding: encoding}
	var refused request.Refuser
	switch {
	case errors.As(err, &refused):
		_, left := refused.Refused()
		p.Detail, p.After = unavailable, max(left, 1)
	case isTimeout(err):
		p.Detail, p.After = tooLong, DefaultRetryAfter
	default:
		logFailure(r, err)
		p.Status = http.StatusInternalServerError
	}
	p.Write(w, r)
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

func logFailure(r *http.Request, err error) {
	slog.ErrorContext(r.Context(), "backoff: a request failed",
		"method", r.Method, "path", redact.List{}.URI(r.URL.EscapedPath()), "error", err)
}

// Handler turns a function that may fail into a handler: what it returns is
// answered by [Reply]. If the response has begun by then, the error is logged and
// the connection, or the HTTP/2 stream, is cut off, because a client must
// never take half an answer for a whole one. A connection that was hijacked is
// the function's own. Handler panics if f is nil.
func Handler(f func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	if f == nil {
		panic("backoff: Handler of a nil function")
	}
	return failing(f)
}

type failing func(w http.ResponseWriter, r *http.Request) error

// tracked is a response of which is known whether it has begun.
type tracked struct{ respond.Writer }

// LongLived is no concern of it.
func (*tracked) LongLived() {}

func (f failing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := new(tracked)
	t.Init(w, t, nil)
	encoding := w.Header()["Content-Encoding"]
	err := f(t.View(), r)
	switch {
	case err == nil:
	case t.Status() == 0 && !t.Hijacked():
		reply(w, r, err, encoding)
	default:
		if !gone(r.Context()) {
			logFailure(r, err)
		}
		if !t.Hijacked() {
			panic(http.ErrAbortHandler)
		}
	}
}
