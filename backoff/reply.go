package backoff

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

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

// statusClientGone is nginx's for a client that left before it was answered. It
// is seen by nobody but whoever logs it, where the 200 that net/http sends for
// nothing would be a lie.
const statusClientGone = 499

// Reply answers a request that failed with err. It is called instead of
// writing anything.
//
//   - A breaker that refused, or whose Timeout is over, or any other error with
//     a method Refused() (name string, left time.Duration): 503, and
//     Retry-After is the time left.
//   - An [*http.MaxBytesError]: 413.
//   - The end of the time to read the request's body, which the server's
//     ReadTimeout sets, or [http.ResponseController.SetReadDeadline]: 408.
//   - Any other [context.DeadlineExceeded], which a [timebox.ErrExceeded] is, and what has
//     a method Timeout that says so: 503, and Retry-After is
//     DefaultRetryAfter. It is not 504, which is for gateways and says
//     nothing of trying again.
//   - Whatever else: 500. The error goes to slog.Default, and never to the
//     client, since it may have secrets.
//
// If the client has left, and err is [context.Canceled] or a broken connection,
// nothing is logged, and the status 499 is for whoever counts them. If the
// response has begun, the error is logged at most: that is known where w comes
// from a guard of this module or from [Handler]. If err is nil, Reply does
// nothing.
//
// [timebox.ErrExceeded]: https://pkg.go.dev/github.com/heeler-go/heeler/timebox#ErrExceeded
func Reply(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil && respond.Begun(w) {
		if !abandoned(r, err) {
			logFailure(r, err)
		}
		return
	}
	// Who set this cannot be told here. http.Error keeps it, too.
	reply(w, r, err, w.Header()["Content-Encoding"])
}

func reply(w http.ResponseWriter, r *http.Request, err error, encoding []string) {
	if err == nil {
		return
	}
	p := problem.Problem{Status: http.StatusServiceUnavailable, Encoding: encoding}
	var refused request.Refuser
	var tooLarge *http.MaxBytesError
	switch {
	case abandoned(r, err):
		w.WriteHeader(statusClientGone)
		return
	case errors.As(err, &refused):
		name, left := refused.Refused()
		request.From(r.Context()).Unavailable(name, left) // for a Policy around to count
		p.Detail, p.After = unavailable, max(left, 1)
	case errors.As(err, &tooLarge):
		p.Status, p.Unread = http.StatusRequestEntityTooLarge, true
	case isBodyTimeout(r, err):
		p.Status = http.StatusRequestTimeout // net/http closes the connection
	case isTimeout(err):
		p.Detail, p.After = tooLong, DefaultRetryAfter
	default:
		logFailure(r, err)
		p.Status = http.StatusInternalServerError
	}
	p.Write(w, r)
}

// abandoned reports whether the client has left and that is why err came. The
// context alone does not say it: it is cancelled, too, when the server's base
// context is, when the client has closed only its half of the connection, and
// when a deadline for reading the request is over.
func abandoned(r *http.Request, err error) bool {
	return request.Gone(r.Context()) && (errors.Is(err, context.Canceled) || errors.Is(err, io.ErrUnexpectedEOF) ||
		ofItsConnection(r, err) && !errors.Is(err, os.ErrDeadlineExceeded) || ofItsStream(r, err))
}

// ofItsConnection reports whether err is of the connection that the request
// came over. One to a backend has another address here.
func ofItsConnection(r *http.Request, err error) bool {
	var op *net.OpError
	here, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && errors.As(err, &op) && op.Source != nil && op.Source.String() == here.String()
}

// ofItsStream is ofItsConnection for HTTP/2, whose errors net/http does not
// export.
func ofItsStream(r *http.Request, err error) bool {
	if r.ProtoMajor < 2 {
		return false
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		switch text := e.Error(); {
		case text == "http2: stream closed", text == "client disconnected", strings.HasPrefix(text, "stream error: stream ID "):
			return true
		}
	}
	return false
}

// isBodyTimeout reports whether the time to read the request's body is over. Over
// HTTP/2 a stream has its own deadline, and the error says nothing of a connection.
func isBodyTimeout(r *http.Request, err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || r.Body == nil || r.Body == http.NoBody {
		return false
	}
	var op *net.OpError
	return ofItsConnection(r, err) || r.ProtoMajor >= 2 && !errors.As(err, &op)
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
// answered by [Reply]. If the response has begun by then, the error is logged
// and the connection, or the HTTP/2 stream, is cut off, because a client must
// never take half an answer for a whole one; unless its status is 400 or more,
// which says by itself that it failed. A connection that was hijacked is the
// function's own. Handler panics if f is nil.
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
		return
	case t.Status() == 0 && !t.Hijacked():
		reply(w, r, err, encoding)
		return
	case !abandoned(r, err):
		logFailure(r, err)
	}
	if !t.Hijacked() && t.Status() < http.StatusBadRequest {
		cut(w, r)
	}
}

// cut sees to it that the client does not take what it got for the whole. One
// that has left is not worth a panic, which would look like the handler's.
func cut(w http.ResponseWriter, r *http.Request) {
	if request.Gone(r.Context()) {
		// If it has not, it sees the answer break off: no more of it is written.
		err := http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
		if err == nil || errors.Is(err, net.ErrClosed) {
			return
		}
	}
	panic(http.ErrAbortHandler)
}
