package drain

import (
	"net"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/respond"
)

// An exchange is one request. Everything that the Drainer needs for it is in this one allocation, until
// it becomes a long-lived one.
type exchange struct {
	drainer  *Drainer
	r        *http.Request // as it came; the handler may have a copy
	rec      request.Record
	ctx      requestContext
	writer   respond.Writer
	encoding []string // the Content-Encoding that was set outside
	encoded  bool     // it is an event stream that a middleware inside encodes

	phase    atomic.Int32
	client   uint64               // whose slot it has
	conn     atomic.Pointer[kept] // of the connection, once hijacked
	stream   *streaming           // once it is a stream
	refused  *RefusedError        // the event stream was
	returned bool                 // the handler has, and did not panic
}

// The phases of an exchange.
const (
	ordinary  int32 = iota
	admitted        // it has a slot, and is about to be hijacked or to stream
	streams         // it is a stream
	takenOver       // its connection was hijacked
	over            // the handler has ended
)

// Admit takes a slot, unless the request has one. A box that closes the connection hijacks it, too, but then the
// connection lasts no longer.
func (x *exchange) Admit() error {
	switch phase := x.phase.Load(); {
	case x.boxed() || phase == streams:
		return nil
	case phase == over:
		return http.ErrHandlerTimeout
	case phase != ordinary:
		return http.ErrHijacked
	}
	x.client = x.drainer.who(x.r)
	if err := x.drainer.take(x.client); err != nil {
		return err
	}
	if !x.phase.CompareAndSwap(ordinary, admitted) {
		x.giveBack()
		return http.ErrHandlerTimeout
	}
	return nil
}

// boxed reports whether a box ends the request.
func (x *exchange) boxed() bool {
	fate := x.rec.Fate()
	return fate == request.Cut || fate == request.Left
}

func (x *exchange) giveBack() {
	x.drainer.mu.Lock()
	x.drainer.give(x.client)
	x.drainer.mu.Unlock()
	x.drainer.notify()
}

// Keep gives the handler its connection, or the slot back if there is none.
func (x *exchange) Keep(conn net.Conn) net.Conn {
	switch {
	case conn == nil:
		if x.phase.CompareAndSwap(admitted, ordinary) {
			x.giveBack()
		}
		return nil
	case x.phase.CompareAndSwap(streams, takenOver):
		x.drainer.mu.Lock()
		x.drainer.enter(x.client) // before the other slot is somebody else's
		x.drainer.mu.Unlock()
		x.stream.close()
	case x.phase.CompareAndSwap(admitted, takenOver):
		x.lasts(1)
	default: // it is a box's
		return conn
	}
	x.ctx.yield()
	conn, k := x.drainer.adopt(conn, x.client)
	x.conn.Store(k)
	return conn
}

// lasts counts the handlers that are none of an ordinary request.
func (x *exchange) lasts(n int) {
	x.drainer.mu.Lock()
	x.drainer.lasting += n
	x.drainer.mu.Unlock()
}

// LongLived keeps the request as a stream, unless its connection is hijacked, for which there is Keep.
func (x *exchange) LongLived() {
	if x.writer.Hijacked() || x.phase.Load() != admitted {
		return
	}
	x.stream = &streaming{x: x, kept: kept{drainer: x.drainer}}
	if !x.phase.CompareAndSwap(admitted, streams) {
		return
	}
	x.lasts(1)
	x.drainer.keep(&x.stream.kept, stream, x.client, x.stream)
}

// Edit admits an event stream, or answers instead.
func (x *exchange) Edit(int) (instead int) {
	h := x.writer.Under().Header()
	if !respond.IsEventStream(h) {
		return 0
	}
	x.encoded = !slices.Equal(h["Content-Encoding"], x.encoding) // what is outside may encode it yet
	err := x.Admit()
	if err == nil {
		return 0
	}
	refused, ok := err.(*RefusedError)
	if !ok {
		return 0 // it is none any more
	}
	x.refused = refused
	x.ctx.end(refused)
	refused.answer(x.writer.Under(), x.r, x.encoding)
	http.NewResponseController(x.writer.Under()).Flush() // the handler may go on for ever
	return http.StatusServiceUnavailable
}

// Discard says to a handler whose stream was refused why nobody hears it.
func (x *exchange) Discard(int) (int, error) { return 0, x.refused }

// end is called when the handler has ended, however it did.
func (x *exchange) end() {
	defer x.left()
	switch x.phase.Swap(over) {
	case admitted:
		x.giveBack()
	case streams:
		defer x.lasts(-1)
		defer x.stream.close()
		x.stream.done()
		if x.returned && x.drainer.ending.Load() {
			x.sayRetry()
		}
	case takenOver:
		x.lasts(-1)
	}
}

func (x *exchange) left() {
	x.ctx.leave()
	x.drainer.running.Add(-1)
	x.drainer.notify()
}
