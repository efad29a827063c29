package timebox

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/respond"
)

// An exchange is one request in a box. Everything that the box needs for it is
// in this one allocation.
type exchange struct {
	box    *Box
	rec    *request.Record
	r      *http.Request // as it came
	inside *http.Request // the handler's copy, with the same header; nil for HTTP/2, and once the connection is hijacked
	accept string        // the client's Accept headers, since the handler may change them
	limit  time.Duration

	ctx    requestContext
	writer respond.Writer
	gate   respond.Gate
	body   *body // nil if there is none
	entry  deadline.Entry[*exchange]

	phase    atomic.Int32
	returned bool       // the handler has, and did not panic
	aborted  bool       // the response had begun and the client must see it fail; guarded by mu
	mu       sync.Mutex // held from the decision to answer until it is done

	answered chan struct{} // HTTP/2: closed when the box has answered
	overrun  *overrun      // since the box gave the handler up; guarded by mu
}

// The phases of an exchange. Whoever moves it out of one does what follows.
const (
	open     int32 = iota // before the limit
	late                  // after it, in the grace
	seized                // the box answers
	finished              // the handler has returned first
	released              // a long-lived connection, or one that was lifted out: no limit any more
)

// finish is called when the handler has ended, however it did.
func (x *exchange) finish() {
	x.box.due.Remove(&x.entry)
	for {
		phase := x.phase.Load()
		if phase == seized {
			x.finishLate()
			break
		}
		if phase == released || x.phase.CompareAndSwap(phase, finished) {
			x.gate.Finish(x.under())
			x.writer.Done(x.r)
			break
		}
	}
	x.ctx.Cancel()
}

// finishLate waits for the answer that the box is giving.
func (x *exchange) finishLate() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.overrun.end()
	if !x.http1() || !x.seized() {
		return
	}
	rc := http.NewResponseController(x.under())
	if x.body.unread() {
		// The server reads on for a while before it closes, lest the client's
		// kernel throw the 503 away. Let it: see RFC 9112, section 9.6.
		rc.SetReadDeadline(time.Now().Add(lingering))
	}
	if x.aborted && x.returned {
		panic(http.ErrAbortHandler)
	}
}

// under is the response outside the box.
func (x *exchange) under() http.ResponseWriter { return x.writer.Under() }

// outside is the context outside the box.
func (x *exchange) outside() context.Context { return x.ctx.Parent }

func (x *exchange) http1() bool { return x.r.ProtoMajor < 2 }

func (x *exchange) seized() bool { return x.phase.Load() == seized }

// LongLived lets the request out of the box. The handler calls it, by
// hijacking or by beginning an event stream; or a box inside that closes the
// connection, which holds mu.
func (x *exchange) LongLived() {
	if x.letGo() && x.writer.Hijacked() && x.mu.TryLock() {
		x.handBack()  // what is kept lasts as long as the connection
		x.ctx.Yield() // when the handler returns, net/http ends the request's context
		x.mu.Unlock()
	}
}

// letGo lets the request out of the box, unless it is out or the box answers.
func (x *exchange) letGo() bool {
	if x.phase.CompareAndSwap(open, released) || x.phase.CompareAndSwap(late, released) {
		x.release()
		return true
	}
	return false
}

func (x *exchange) release() {
	x.box.due.Remove(&x.entry)
	x.ctx.Release()
	x.box.leave()
}

// leave is called when nobody waits for the handler any more.
func (x *exchange) leave() {
	if x.phase.Load() != released { // which has left
		x.box.leave()
	}
}

// expire is the goroutine that acts at the limit, and again after the grace.
func (x *exchange) expire(now time.Duration) {
	if x.box.Grace > 0 && x.phase.CompareAndSwap(open, late) {
		x.exceed(now)
		x.box.due.Set(&x.entry, x.ctx.Until+x.box.Grace, 0)
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.phase.CompareAndSwap(open, seized):
		x.gate.Close() // before the handler learns of it, lest it begin an answer that would be cut
		x.exceed(now)
	case x.phase.CompareAndSwap(late, seized):
	default:
		return
	}
	x.answer()
}

func (x *exchange) exceed(now time.Duration) {
	x.box.count.exceeded.Add(1)
	x.ctx.Exceed(x.err(now))
}

func (x *exchange) err(now time.Duration) *Error {
	return &Error{Name: x.name(), Limit: x.limit, Elapsed: now - x.ctx.Until + x.limit, err: x.box.Err}
}

func (x *exchange) name() string {
	if x.box.Name != "" {
		return x.box.Name
	}
	return x.r.Method + " " + path(x.r)
}

// path is without the query and without secrets. Of the request as it came nobody changes the
// line, while the URL is shared with the handler; but a request made by hand
// has no line.
func path(r *http.Request) string {
	uri := r.RequestURI
	if uri == "" {
		uri = r.URL.EscapedPath()
	}
	p, _, _ := strings.Cut(uri, "?")
	return redact.List{}.URI(p)
}

// body is the request's, shut together with the response.
type body struct {
	io.ReadCloser
	x       *exchange
	reading sync.Mutex // held during a call of the reader below
	eof     atomic.Bool
}

func (b *body) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.x.seized() {
		return 0, http.ErrHandlerTimeout
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.eof.Store(true)
	} else if err != nil && b.x.seized() {
		err = http.ErrHandlerTimeout
	}
	return n, err
}

// unread reports whether there is a body that was not read to its end.
func (b *body) unread() bool { return b != nil && !b.eof.Load() }

// rest has the handler stop reading. The server's reader may set a header of
// the response, when the body is larger than http.MaxBytesHandler allows, so
// nobody else may touch that while it runs. A reader of some middleware's that
// minds no deadline is not waited for.
func (b *body) rest(rc *http.ResponseController) {
	if !b.unread() || b.atRest() {
		return
	}
	rc.SetReadDeadline(past)
	for waited := time.Duration(0); waited < lingering; waited += time.Millisecond {
		if time.Sleep(time.Millisecond); b.atRest() {
			return
		}
	}
}

func (b *body) atRest() bool {
	if !b.reading.TryLock() {
		return false
	}
	b.reading.Unlock()
	return true
}
