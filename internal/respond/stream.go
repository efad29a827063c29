package respond

import (
	"iter"
	"net"
	"net/http"
	"time"
)

// An Observer is told that the request has become a long-lived one: hijacked, or
// an event stream, or declared a stream. Limits are off from there on. It is told
// on the handler's goroutine, unless somebody's writer in between takes the
// connection on another.
type Observer interface{ LongLived() }

// A Keeper is an Observer that goes on with long-lived requests and may refuse
// one, which event streams alone do not ask: they have begun when they are told.
type Keeper interface {
	Observer
	// Admit is asked before anybody lets the request go, on any goroutine.
	Admit() error
	// Keep takes the connection of a hijack that was admitted and returns what
	// the handler gets instead. It is nil if the hijack has failed.
	Keep(net.Conn) net.Conn
}

// Stream declares that the response behind w is to last, whatever its type: all
// guards that w has come through let the request go, or none does. Then the
// error is that of the Keeper who refuses it, or http.ErrHandlerTimeout if the
// response is the handler's no more. Behind a writer that neither is a guard's
// nor has Unwrap nobody is found.
//
// It is for the handler's goroutine.
func Stream(w http.ResponseWriter) error {
	for guard := range guards(w) {
		if guard.gate == nil {
			continue
		}
		if !guard.gate.enter() {
			return http.ErrHandlerTimeout
		}
		defer guard.gate.leave() // a guard that answers does so after it, with limits of its own
	}
	var admitted []Keeper
	for guard := range guards(w) {
		keeper, ok := guard.seen.(Keeper)
		if !ok {
			continue
		}
		if err := keeper.Admit(); err != nil {
			for _, k := range admitted {
				k.Keep(nil)
			}
			return err
		}
		admitted = append(admitted, keeper)
	}
	for guard := range guards(w) {
		guard.seen.LongLived()
	}
	for guard := range guards(w) {
		guard.unlimit()
	}
	return nil
}

// unlimit takes off the server's limits on the time of a stream, if w is the
// outermost guard's: the one on its writes, and the one on its reads, since a
// stream may go on in both directions. Limits that the handler sets itself from
// then on stay until it has ended.
func (w *Writer) unlimit() {
	if w.lasts || w.Hijacked() || next(w.under) != nil {
		return
	}
	w.lasts = true
	w.SetReadDeadline(time.Time{}) // a writer that knows no deadlines has none
	w.SetWriteDeadline(time.Time{})
}

// Done is called when the handler of r has ended. What the server has still to do for
// a stream has the server's own limits again: to send what is buffered, and to read
// what the handler has left of the body. Nobody counts the request any more, so a
// client that does neither could keep its connection for ever.
func (w *Writer) Done(r *http.Request) {
	if !w.lasts || w.Hijacked() {
		return
	}
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return // the limits are somebody else's, or there are none
	}
	if server.ReadTimeout > 0 {
		w.SetReadDeadline(time.Now().Add(server.ReadTimeout))
	}
	if server.WriteTimeout > 0 {
		w.SetWriteDeadline(time.Now().Add(server.WriteTimeout))
	}
}

// guards are the writers that w has come through, the innermost first.
func guards(w http.ResponseWriter) iter.Seq[*Writer] {
	return func(yield func(*Writer) bool) {
		for guard := next(w); guard != nil && yield(guard); {
			guard = next(guard.under)
		}
	}
}

// next is the innermost guard's writer that w has come through; nil if none is
// to be found.
func next(w http.ResponseWriter) *Writer {
	for {
		switch t := w.(type) {
		case interface{ writer() *Writer }:
			return t.writer()
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return nil
		}
	}
}

// outer is the writer of the guard directly outside; nil if there is none.
func (w *Writer) outer() *Writer {
	if guard, ok := w.under.(interface{ writer() *Writer }); ok {
		return guard.writer()
	}
	return nil
}

// writer finds the Writer that a view is of.
func (w *Writer) writer() *Writer { return w }
