package drain

import (
	"errors"
	"net/http"
	"time"

	"github.com/heeler-go/heeler/internal/problem"
)

var (
	// ErrDraining is the cause of the contexts of streams that end because the server shuts down,
	// and of what is refused for that.
	ErrDraining = errors.New("drain: the server is shutting down")
	// ErrFull says that there are MaxConns connections already.
	ErrFull = errors.New("drain: too many long-lived connections")
	// ErrClientFull says that the client has MaxPerClient connections already.
	ErrClientFull = errors.New("drain: too many long-lived connections of this client")
)

// A RefusedError says that a connection cannot be hijacked, or a stream not begun.
type RefusedError struct {
	Err   error         // ErrDraining, ErrFull or ErrClientFull
	After time.Duration // when the client may try again
}

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap gives Err.
func (e *RefusedError) Unwrap() error { return e.Err }

// Refused is for backoff, whose Reply and Policy answer the error with 503 and Retry-After.
func (e *RefusedError) Refused() (name string, left time.Duration) { return "drain", e.After }

// details are what clients are told. How many there may be is nobody's business outside.
var details = map[error]string{
	ErrDraining:   "this server is shutting down",
	ErrFull:       "too many connections are open",
	ErrClientFull: "you have too many connections open",
}

// refuse counts a refusal.
func (d *Drainer) refuse(err error) *RefusedError {
	switch err {
	case ErrDraining:
		d.count.draining.Add(1)
	case ErrFull:
		d.count.full.Add(1)
	case ErrClientFull:
		d.count.client.Add(1)
	}
	return &RefusedError{Err: err, After: d.retry()}
}

// answer answers a request that is refused.
func (e *RefusedError) answer(w http.ResponseWriter, r *http.Request, encoding []string) {
	if e.Err == ErrDraining && r.ProtoMajor < 2 {
		w.Header().Set("Connection", "close")
	}
	problem.Problem{
		Status: http.StatusServiceUnavailable, Detail: details[e.Err],
		After: e.After, Encoding: encoding, Unread: true,
	}.Write(w, r)
}

// Ready is a readiness check for load balancers: 200 until Shutdown is called, and 503 from then on,
// before the listeners close. It need not be wrapped.
func (d *Drainer) Ready() http.Handler { return http.HandlerFunc(d.ready) }

func (d *Drainer) ready(w http.ResponseWriter, r *http.Request) {
	if d.ending.Load() {
		(&RefusedError{Err: ErrDraining, After: d.retry()}).answer(w, r, w.Header()["Content-Encoding"])
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("ready\n"))
}
