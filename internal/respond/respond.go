// Package respond puts a guard between a handler and its ResponseWriter
// without taking anything away from either.
//
// The handler must find exactly the optional interfaces that the writer below
// has: io.Copy looks for ReaderFrom, WebSocket libraries assert Hijacker, and a
// Pusher that is not there must not seem to be. See the list in
// github.com/felixge/httpsnoop for what breaks otherwise.
//
// One thing is lost on the way: http.MaxBytesReader tells net/http's own writer,
// by a method that is not exported, to close the connection of a request that
// was too large, and no writer of another type. Whoever answers such a request
// sets "Connection: close" by itself.
package respond

import (
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

// A Writer passes a response on and remembers what became of it. It is
// embedded in a guard's record of the request; Init makes it ready and View is
// what the handler gets.
//
// What it remembers may be read at any time from any goroutine.
type Writer struct {
	under  http.ResponseWriter
	seen   Observer
	gate   *Gate
	edits  bool // the observer is an Editor, too
	mute   bool // it has answered instead of the handler
	lasts  bool // the response is a stream, and the server's limits are off
	events eventEnd
	taken  atomic.Bool
	bytes  atomic.Int64
	header atomic.Int64 // 0 before it was sent; then when, in µs of deadline's clock, and in the last ten bits the status
}

// Init makes w a writer above under. The gate may be nil.
func (w *Writer) Init(under http.ResponseWriter, o Observer, gate *Gate) {
	w.under, w.seen, w.gate = under, o, gate
}

// Status is the status code sent, 0 before the header has been.
func (w *Writer) Status() int { return int(w.header.Load() & (1<<10 - 1)) }

// Begun reports whether the response has begun, if w is a Writer's View. Of any
// other writer it is not known, and false.
func Begun(w http.ResponseWriter) bool {
	view, ok := w.(interface {
		Status() int
		Hijacked() bool
	})
	return ok && (view.Status() != 0 || view.Hijacked())
}

// Bytes is the number of body bytes that the writer below has taken.
func (w *Writer) Bytes() int64 { return w.bytes.Load() }

// FirstByte is when the header was handed over, on deadline's clock to the
// microsecond, and whether it was. A writer with a gate or an editor does not
// know when.
func (w *Writer) FirstByte() (at time.Duration, ok bool) {
	sent := w.header.Load()
	return time.Duration(sent>>10) * time.Microsecond, sent != 0
}

// Hijacked reports whether the connection was taken over.
func (w *Writer) Hijacked() bool { return w.taken.Load() }

// Under is the writer below.
func (w *Writer) Under() http.ResponseWriter { return w.under }

// Unwrap gives http.ResponseController the writer below. A Hijacker that is to
// be found only by unwrapping further does not take the connection unseen.
func (w *Writer) Unwrap() http.ResponseWriter {
	if _, ok := w.under.(http.Hijacker); !ok && canHijack(w.under) {
		return below{w.under, w}
	}
	return w.under
}

// Header is the header of the response.
func (w *Writer) Header() http.Header {
	if w.gate != nil && !w.Hijacked() {
		return w.gate.header(w.under)
	}
	return w.under.Header()
}

// WriteHeader sends the header.
func (w *Writer) WriteHeader(code int) {
	if w.gate != nil {
		if !w.gate.enter() {
			return
		}
		defer w.gate.leave()
	}
	w.writeHeader(code)
}

func (w *Writer) writeHeader(code int) {
	if w.header.Load() != 0 || code < 100 || code > 999 { // let the server complain of it
		w.under.WriteHeader(code)
		return
	}
	informational := code >= 100 && code < 200 && code != http.StatusSwitchingProtocols
	if w.gate != nil {
		w.gate.settle(w.under, informational)
	}
	if informational {
		w.under.WriteHeader(code)
	} else if !w.edited(code) {
		w.commit(code)
		w.under.WriteHeader(code)
	}
}

func (w *Writer) commit(code int) {
	sent := int64(code & (1<<10 - 1))
	if w.gate == nil && !w.edits {
		sent |= int64(deadline.Now()/time.Microsecond) << 10
	}
	w.header.Store(sent)
	if w.isStream() {
		w.events = betweenEvents
		w.seen.LongLived()
		w.unlimit()
	}
}

// implicit does for a body without WriteHeader what the server will do below.
func (w *Writer) implicit() {
	if w.header.Load() == 0 {
		if w.gate != nil {
			w.gate.settle(w.under, false)
		}
		if !w.edited(http.StatusOK) {
			w.commit(http.StatusOK)
		}
	}
}

// isStream reports whether the handler declares an event stream, which lasts.
func (w *Writer) isStream() bool {
	if w.gate == nil {
		return IsEventStream(w.under.Header())
	}
	return w.gate.own != nil && IsEventStream(w.gate.own) // or it has declared nothing
}

// IsEventStream tells an event stream by what its header declares; what the client
// asks for decides nothing.
func IsEventStream(h http.Header) bool {
	v := h["Content-Type"]
	const stream = "text/event-stream"
	if len(v) == 0 || len(v[0]) < len(stream) || !strings.EqualFold(v[0][:len(stream)], stream) {
		return false
	}
	rest := strings.TrimLeft(v[0][len(stream):], " \t")
	return rest == "" || rest[0] == ';'
}

// Write sends body bytes.
func (w *Writer) Write(b []byte) (int, error) {
	if w.gate != nil {
		if !w.gate.enter() {
			return 0, http.ErrHandlerTimeout
		}
		defer w.gate.leave()
	}
	if w.implicit(); w.mute {
		return w.seen.(Editor).Discard(len(b))
	}
	n, err := w.under.Write(b)
	w.bytes.Add(int64(n))
	if w.events != noEvents {
		w.events = w.events.after(b[:n])
	}
	return n, err
}

// WriteString spares io.WriteString a copy.
func (w *Writer) WriteString(s string) (int, error) {
	if w.gate != nil {
		if !w.gate.enter() {
			return 0, http.ErrHandlerTimeout
		}
		defer w.gate.leave()
	}
	if w.implicit(); w.mute {
		return w.seen.(Editor).Discard(len(s))
	}
	n, err := io.WriteString(w.under, s)
	w.bytes.Add(int64(n))
	if w.events != noEvents {
		w.events = w.events.after([]byte(s[max(0, n-lineEnds):n]))
	}
	return n, err
}

// CloseNotify is deprecated, but gin calls it unasked on every writer, net/http
// always has it, and without it gin panics.
func (w *Writer) CloseNotify() <-chan bool {
	left := make(<-chan bool)
	w.control(func() error {
		//lint:ignore SA1019 it must go on working for those that use it
		if n, ok := w.under.(http.CloseNotifier); ok {
			left = n.CloseNotify()
		}
		return nil
	})
	return left
}

// FlushError sends what is buffered.
func (w *Writer) FlushError() error {
	if w.gate != nil {
		if !w.gate.enter() {
			return http.ErrHandlerTimeout
		}
		defer w.gate.leave()
	}
	if w.header.Load() == 0 && canFlush(w.under) {
		w.implicit()
	}
	return http.NewResponseController(w.under).Flush()
}

// sniffed is how much net/http, too, copies before it lets the kernel.
const sniffed = 512

// readFrom keeps sendfile(2) where there is one. The response begins with the
// first byte, and never if there is none. Behind a gate only a regular file is
// passed down: any other source may block for ever while the gate is held, so
// it is read outside and written piece by piece.
func (w *Writer) readFrom(src io.Reader) (n int64, err error) {
	if w.gate != nil && !regularFile(src) {
		return w.copy(src)
	}
	if w.header.Load() == 0 {
		if n, err = w.copy(io.LimitReader(src, sniffed)); n < sniffed || err != nil {
			return n, err
		}
	}
	if w.mute || w.events != noEvents {
		rest, err := w.copy(src)
		return n + rest, err
	}
	rest, err := w.passDown(src)
	return n + rest, err
}

var copyBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (w *Writer) copy(src io.Reader) (int64, error) {
	buf := copyBuffers.Get().(*[32 << 10]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{src}, buf[:])
}

func (w *Writer) passDown(src io.Reader) (int64, error) {
	if w.gate != nil {
		if !w.gate.enter() {
			return 0, http.ErrHandlerTimeout
		}
		defer w.gate.leave()
	}
	n, err := w.under.(io.ReaderFrom).ReadFrom(src)
	w.bytes.Add(n)
	return n, err
}

func regularFile(src io.Reader) bool {
	if l, ok := src.(*io.LimitedReader); ok {
		src = l.R
	}
	f, ok := src.(interface{ Stat() (os.FileInfo, error) })
	if !ok || !ofPackageOS(src) {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// ofPackageOS tells a file from what only embeds one and reads in its own way.
// From io.Copy an *os.File comes as a type that package os does not export.
func ofPackageOS(src io.Reader) bool {
	_, ok := src.(*os.File)
	return ok || reflect.TypeOf(src).PkgPath() == "os"
}

func (w *Writer) push(target string, opts *http.PushOptions) error {
	return w.control(func() error { return w.under.(http.Pusher).Push(target, opts) })
}

// EnableFullDuplex is for http.ResponseController, as the next two are.
func (w *Writer) EnableFullDuplex() error {
	return w.control(http.NewResponseController(w.under).EnableFullDuplex)
}

// SetReadDeadline may be called while another call is blocked.
func (w *Writer) SetReadDeadline(t time.Time) error {
	return w.control(func() error { return http.NewResponseController(w.under).SetReadDeadline(t) })
}

// SetWriteDeadline may be called while another call is blocked.
func (w *Writer) SetWriteDeadline(t time.Time) error {
	return w.control(func() error { return http.NewResponseController(w.under).SetWriteDeadline(t) })
}

func (w *Writer) control(call func() error) error {
	if w.gate == nil {
		return call()
	}
	return w.gate.control(call)
}
