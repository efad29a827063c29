package respond

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Gate lets a guard take a response away from a handler that is still
// running. While it is open the handler's calls pass one at a time; Shut waits
// for the one in progress, and later ones are refused with
// [http.ErrHandlerTimeout].
//
// Handlers change their header map without a lock, so a guard could never
// touch it safely. Behind a gate the handler has a map of its own, a copy of
// what was set outside; it replaces the real one when the response begins.
type Gate struct {
	mu  sync.Mutex // held during a call that may block
	ctl sync.Mutex // held during one that does not, while another may be blocked

	shut    atomic.Bool
	begun   bool        // the real header has been handed over for good
	trailer bool        // it declared trailers
	own     http.Header // the handler's map; nil until it asks for it
	outside http.Header // what was set outside, kept when a 1xx response goes out first
}

func (g *Gate) enter() bool {
	if g.shut.Load() {
		return false
	}
	g.mu.Lock()
	if g.shut.Load() {
		g.mu.Unlock()
		return false
	}
	return true
}

func (g *Gate) leave() { g.mu.Unlock() }

// control passes a call that sets how others behave: it need not wait for them.
func (g *Gate) control(call func() error) error {
	g.ctl.Lock()
	defer g.ctl.Unlock()
	if g.shut.Load() {
		return http.ErrHandlerTimeout
	}
	return call()
}

func (g *Gate) header(under http.ResponseWriter) http.Header {
	if g.own != nil {
		return g.own
	}
	if !g.enter() { // the real map belongs to the guard now
		g.own = make(http.Header)
		return g.own
	}
	defer g.leave()
	g.own = make(http.Header)
	for k, v := range under.Header() {
		g.own[k] = slices.Clone(v)
	}
	return g.own
}

// settle makes the real header what the handler wants it to be.
func (g *Gate) settle(under http.ResponseWriter, informational bool) {
	g.begun = g.begun || !informational
	if g.own == nil {
		return
	}
	real := under.Header()
	if informational && g.outside == nil {
		g.outside = real.Clone()
	}
	for k := range real {
		if _, ok := g.own[k]; !ok {
			delete(real, k)
		}
	}
	for k, v := range g.own {
		real[k] = v
		g.trailer = g.trailer || k == "Trailer"
	}
}

// giveUp leaves the real header to the handler, whose connection it is now.
func (g *Gate) giveUp(under http.ResponseWriter) {
	if !g.begun {
		g.settle(under, false)
	}
	g.own, g.outside = nil, nil
}

// Close refuses all calls from now on. Shut does so, too; but what the handler
// says when it learns of the limit is to be refused already.
func (g *Gate) Close() { g.shut.Store(true) }

// lockSoon waits a moment for a call that is not stuck: what breaks one that is
// would break the connection for the guard's own answer, too.
func (g *Gate) lockSoon(pause time.Duration) bool {
	for range 5 {
		time.Sleep(pause)
		if g.mu.TryLock() {
			return true
		}
	}
	return false
}

// Shut takes the response away. stuck is called if a call of the handler stays
// in progress; it should make that call return. It is called again until that
// has: a stream that begins at this moment takes deadlines off. Shut reports whether the response
// had begun; if it had not, the header is as it was outside.
func (g *Gate) Shut(under http.ResponseWriter, stuck func()) (begun bool) {
	g.Close()
	for pause := time.Millisecond; !g.mu.TryLock() && !g.lockSoon(pause); pause = min(2*pause, time.Second) {
		stuck()
	}
	defer g.mu.Unlock()
	g.ctl.Lock() // nobody is inside any more
	defer g.ctl.Unlock()
	if g.outside != nil && !g.begun {
		real := under.Header()
		clear(real)
		maps.Copy(real, g.outside)
	}
	return g.begun
}

// Finish is called when the handler has returned: trailers that it set since
// the response began are handed over.
func (g *Gate) Finish(under http.ResponseWriter) {
	if g.own == nil || !g.enter() {
		return
	}
	defer g.leave()
	if !g.begun {
		g.settle(under, false)
		return
	}
	for k, v := range g.own {
		if g.trailer || strings.HasPrefix(k, http.TrailerPrefix) {
			under.Header()[k] = v
		}
	}
}
