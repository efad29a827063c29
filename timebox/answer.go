package timebox

import (
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/heeler-go/heeler/internal/problem"
	"github.com/heeler-go/heeler/internal/request"
)

const (
	// answering is how long a client may take to read the little that the box
	// has to say. It mostly fits into the socket's buffer.
	answering = 5 * time.Second
	// lingering is what net/http waits, too, between its last byte and the end
	// of a connection on which the client may still be sending.
	lingering = 500 * time.Millisecond
)

var past = time.Unix(1, 0)

// answer takes the response away from the handler and answers. x.mu is held.
func (x *exchange) answer() {
	x.overrun = newOverrun(x.name(), x.ctx.Until-x.limit, &x.box.count.overrunning)
	defer func() {
		// A writer that some middleware has put around the server's must not
		// end the process when it panics on a goroutine that it does not know.
		if value := recover(); value != nil {
			x.aborted = true
			x.logPanic(value, debug.Stack())
		}
		if x.answered != nil {
			close(x.answered)
		}
	}()
	x.seize()
}

func (x *exchange) seize() {
	// The boxes around wait until this one has answered. Then they have
	// nothing left to answer, if it was their response.
	for c := boxAround(x.outside()); c != nil; c = boxAround(c.Parent) {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		defer c.of.settledInside()
	}
	rc := http.NewResponseController(x.under())
	left := request.Gone(x.outside()) // before a blocked call is broken, which ends the server's context, too
	begun := x.gate.Shut(x.under(), func() {
		rc.SetWriteDeadline(past)
		if x.http1() {
			rc.SetReadDeadline(past) // before it writes, the server reads what is left of the request
		}
	})
	if x.writer.Hijacked() { // at the very last moment
		x.overrun.end()
		x.phase.Store(released)
		x.release()
		rc.SetWriteDeadline(time.Time{})
		rc.SetReadDeadline(time.Time{})
		return
	}
	if x.http1() {
		x.body.rest(rc)
	}
	switch {
	case left:
		x.box.count.gone.Add(1)
		x.rec.Settle(request.Left)
		x.abort(rc) // a 503 would only be counted by whoever logs it
	case begun:
		x.box.count.cut.Add(1)
		x.rec.Settle(request.Cut)
		x.abort(rc)
	default:
		x.box.count.answered.Add(1)
		x.rec.Settle(request.Refused)
		rc.SetWriteDeadline(time.Now().Add(answering))
		if x.http1() {
			x.under().Header().Set("Connection", "close") // the handler still has it
		}
		x.box.refusal().Answer(x.under(), x.r.Method, []string{x.accept})
		rc.Flush()
	}
}

// settledInside lets the request out of the box if the response has begun.
func (x *exchange) settledInside() {
	if x.writer.Status() != 0 || x.writer.Hijacked() {
		x.letGo()
	}
}

// abort makes sure that the client does not take what it got for the whole.
func (x *exchange) abort(rc *http.ResponseController) {
	x.aborted = true
	if !x.http1() {
		return // the serving goroutine resets the stream
	}
	if x.headerIsAll() {
		rc.SetWriteDeadline(past)
	} else { // Hijack sends it, so that the client does not try again by itself
		rc.SetWriteDeadline(time.Now().Add(lingering))
	}
	rc.SetReadDeadline(past) // before it sends the header, the server reads what is left of the request
	conn, _, err := rc.Hijack()
	if err != nil { // some middleware hides it: fail whatever comes
		rc.SetWriteDeadline(past)
		return
	}
	x.aborted = false
	sever(conn)
}

// headerIsAll reports whether the header, as it was set, is a whole response.
func (x *exchange) headerIsAll() bool {
	status := x.writer.Status()
	return x.r.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified ||
		x.under().Header().Get("Content-Length") == "0"
}

// sever closes with a reset. A response that ends with its connection, as
// HTTP/1.0 knows it, would seem complete after an orderly close.
func sever(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // closing t itself would say goodbye
	}
	if l, ok := conn.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0)
	}
	conn.Close()
}

// refusal is the 503. It keeps no Content-Encoding from outside: then it could
// have no length, and over HTTP/1 it would not end before the handler does.
func (b *Box) refusal() problem.Problem {
	after := b.RetryAfter
	if after == 0 {
		after = b.limit()
	}
	return problem.Problem{Status: http.StatusServiceUnavailable, Detail: "this took too long", After: after}
}

// logPanic reports a panic for which nobody waits as net/http would, and where
// it would: in the server's ErrorLog.
func (x *exchange) logPanic(value any, stack []byte) {
	if value == http.ErrAbortHandler {
		return
	}
	x.box.count.panicked.Add(1)
	print := log.Printf
	if s, ok := x.outside().Value(http.ServerContextKey).(*http.Server); ok && s.ErrorLog != nil {
		print = s.ErrorLog.Printf
	}
	print("http: panic in %s after the limit of %v: %v\n%s", x.overrun.name, x.limit, value, stack)
}
