package chaos

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
)

// A conn is a TCP connection or one on a unix socket.
type conn interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// A link is one client's connection and the one to the backend that belongs to it.
type link struct {
	proxy  *Proxy
	runs   *run
	id     uint64
	opened time.Time
	ctx    context.Context
	cancel context.CancelFunc
	client conn
	up     pump
	down   pump

	changed  chan struct{} // something has, while there are no pumps yet
	denied   atomic.Int32  // answers that are the proxy's to give
	known    atomic.Bool   // talk is not nil
	requests atomic.Uint64
	state    atomic.Int32
	crowded  atomic.Bool // too many requests wait for their answers: the client has to wait

	mu       sync.Mutex
	admitted bool              // it has got past Connect
	backend  conn              // nil until it is reached
	talk     wire.Conversation // nil where requests cannot be told apart
	flight   flight
	request  exchange    // the one that the client is at, while asking is true
	asking   bool        // a request has begun and is not complete
	why      wire.Why    // what the request was denied with
	asked    uint64      // requests that have begun, or turns of the client
	turn     side        // who spoke last, where requests cannot be told apart
	secret   bool        // nothing of what is said may be shown, for it is not understood any more
	dead     bool        // it has lost a request, and cannot speak any more
	until    *time.Timer // for what Open has decided
	event    Event       // a place for those of requests and answers
}

// The states of a link.
const (
	standing int32 = iota
	closing        // it is being closed in order
	broken         // both sides are closed
)

// A side is who speaks.
type side int

const (
	nobody side = iota
	theClient
	theBackend
)

// run carries a client to the backend and stays until both have said all.
func (l *link) run() {
	defer l.runs.leave(l)
	backend, err := l.connect()
	if err != nil {
		l.finish()
		return
	}
	l.mu.Lock()
	l.backend, l.up.dst, l.down.src = backend, backend, backend // now others can wake the pumps
	l.mu.Unlock()
	if len(l.proxy.plan.Load().faults) > 0 {
		l.meet(true)
	}

	var down sync.WaitGroup
	down.Go(l.down.run)
	l.up.run()
	down.Wait()
	l.finish()
}

// ask puts an event to the faults in order, until one has decided. It returns the last that struck.
func (l *link) ask(e *Event, pl *plan) (struck *active) {
	if len(pl.faults) == 0 {
		return nil
	}
	l.about(e)
	for _, a := range pl.faults {
		if a.strike(e, l.opened) {
			a.struck.Add(1)
			struck = a
		}
		if e.Fate != Pass {
			break
		}
	}
	return struck
}

// about tells an event which connection it is about.
func (l *link) about(e *Event) {
	e.Conn, e.Requests, e.Open = l.id, l.known.Load(), int(l.proxy.admitted.Load())
}

// notice tells that a fault has struck.
func (l *link) notice(a *active, m Moment, request uint64) {
	if a != nil {
		l.proxy.notify(Notice{Kind: Struck, Conn: l.id, Request: request, Fault: a.Name, Text: m.String()})
	}
}

// meet asks the faults whether this connection may stand: when it is new, when they are, and when what
// they do depends on the time. Nobody is waited for: whoever sets faults calls it.
func (l *link) meet(changed bool) {
	l.notice(l.meetLocked(changed), Open, 0)
}

func (l *link) meetLocked(changed bool) (struck *active) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.Load() != standing {
		return nil
	}
	if l.until != nil {
		l.until.Stop()
		l.until = nil
	}
	if l.backend == nil {
		l.tell()
		if !l.admitted {
			return nil // it is asked whether it may be made at all
		}
	} else if changed {
		l.turn = nobody
		l.up.reconsider()
		l.down.reconsider()
	}
	first := time.Duration(-1)
	for _, a := range l.proxy.plan.Load().faults {
		e := Event{Moment: Open}
		l.about(&e)
		a.strike(&e, l.opened)
		if e.Fate != Close && e.Fate != Break {
			continue
		}
		left := e.Until - e.Age
		if left <= 0 {
			a.struck.Add(1)
			l.endLocked(e.Fate)
			return a
		}
		if first < 0 || left < first {
			first = left
		}
	}
	if first > 0 {
		l.until = time.AfterFunc(first, func() { l.meet(false) })
	}
	return nil
}

// end brings a fate over the connection: Close or, for any other, Break.
func (l *link) end(fate Fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLocked(fate)
}

func (l *link) endLocked(fate Fate) {
	switch {
	case l.state.Load() != standing:
	case fate == Close && l.backend != nil:
		l.state.Store(closing) // finish does it, when the pumps have let go
		for _, p := range []*pump{&l.up, &l.down} {
			p.poke()
			p.dst.SetWriteDeadline(past) // also of a peer that does not read
		}
	default:
		l.breakLocked(fate == Break)
	}
}

// kill ends the link for whoever stops the proxy, also where the peers do not read.
func (l *link) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breakLocked(false)
}

// breakLocked closes both sides at once, with a reset or without.
func (l *link) breakLocked(reset bool) {
	l.state.Store(broken)
	for _, c := range []conn{l.client, l.backend} {
		if c == nil {
			continue
		}
		if tcp, ok := c.(*net.TCPConn); ok && reset {
			tcp.SetLinger(0)
		}
		c.Close()
	}
	l.cancel()
}

// lingering bounds how long a client may take to see that its connection has been closed.
const lingering = time.Second

// finish closes what is open.
func (l *link) finish() {
	if l.state.Load() == closing && l.backend != nil {
		l.backend.Close()
	}
	if l.state.Load() == closing && l.client.CloseWrite() == nil {
		// A client that still writes would get a reset, and lose what it has not read yet.
		l.client.SetReadDeadline(time.Now().Add(lingering))
		io.Copy(io.Discard, l.client)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until != nil {
		l.until.Stop()
	}
	l.breakLocked(false)
}
