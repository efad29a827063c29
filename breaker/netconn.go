package breaker

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

const (
	// staleAfter is how long a connection must have lain idle for its end to
	// say nothing of the backend as it is now.
	staleAfter = 100 * time.Millisecond
	// piece is how many bytes of a request must have been taken to show that
	// the backend still takes them.
	piece = 64 << 10
)

// A netConn is a connection whose exchanges are calls.
type netConn struct {
	net.Conn
	from    *dialer
	network string
	ctx     connContext

	sending sync.Mutex // held for a Write, of which no other comes in between

	mu       sync.Mutex
	call     *call         // the exchange under way; or the place of a probe for the first
	asked    bool          // something was sent in it
	answered bool          // its answer began before all of it was sent
	stale    bool          // it began after the connection had lain idle
	fresh    bool          // nothing was sent or read
	closed   bool          // by the client
	made     time.Duration // when the connection was made, on deadline's clock
	young    opening       // the exchanges of its youth, if the last was good
	used     time.Duration // when something was read last
	taken    int           // bytes, since the backend was last seen to take any
	busy     [2]int        // Reads and Writes under way
	past     [2]bool       // their deadline was in the past when it was set
	dead     *TimeoutError // an exchange's that took all its Timeout
}

type side int

const (
	reading side = iota
	writing
)

func (s side) String() string { return [...]string{"read", "write"}[s] }

// NetConn is the connection below.
func (cn *netConn) NetConn() net.Conn { return cn.Conn }

func (cn *netConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return cn.Conn.Read(p)
	}
	if err := cn.enter(reading); err != nil {
		return 0, err
	}
	n, err := cn.Conn.Read(p)
	return n, cn.leave(reading, n, err)
}

func (cn *netConn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return cn.Conn.Write(p)
	}
	if err := cn.enter(writing); err != nil {
		return 0, err
	}
	n, last, err := cn.send(p)
	return n, cn.leave(writing, last, err)
}

// send also says how much came last.
func (cn *netConn) send(p []byte) (n, last int, err error) {
	cn.sending.Lock()
	defer cn.sending.Unlock()
	for n < len(p) && err == nil {
		if n > 0 {
			cn.progress(last)
		}
		if last, err = cn.Conn.Write(p[n:min(len(p), n+piece)]); last == 0 && err == nil {
			err = io.ErrShortWrite
		}
		n += last
	}
	return n, last, err
}

// enter is what comes before a Read or Write of the connection below.
func (cn *netConn) enter(s side) error {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	if cn.dead != nil {
		return cn.error(s)
	}
	if cn.call != nil && !cn.asked && cn.call.fate.Load()&settled != 0 {
		cn.detach().finish(uncounted) // a probe's place that was not used in time
	}
	if cn.call == nil && !cn.closed && (s == writing || cn.greeted()) {
		if err := cn.ask(); err != nil {
			return err
		}
	}
	if s == writing {
		cn.asked = true
		if cn.fresh {
			cn.fresh = false
			cn.from.first.Store(theClient)
		}
	}
	cn.busy[s]++
	if cn.call != nil && cn.awaited() && cn.call.resting.Load() {
		cn.call.wait()
	}
	return nil
}

// awaited reports whether the backend has something to say. cn.mu is held.
func (cn *netConn) awaited() bool { return cn.asked || cn.greeted() }

// greeted reports whether the server has to say something first. cn.mu is held.
func (cn *netConn) greeted() bool { return cn.fresh && cn.from.first.Load() == theServer }

// ask begins an exchange. cn.mu is held.
func (cn *netConn) ask() error {
	c, err := cn.from.b.begin(&cn.ctx, "")
	if err != nil {
		return err
	}
	cn.call = c
	cn.stale = c.start-cn.used >= staleAfter
	return nil
}

// progress begins Timeout anew when the backend has taken enough. A request may
// be long; but bytes that are only in a socket's buffer show nothing.
func (cn *netConn) progress(n int) {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	cn.took(n)
}

func (cn *netConn) took(n int) {
	if cn.taken += n; cn.taken < piece || cn.call == nil {
		return
	}
	cn.taken = 0
	cn.call.pause() // it takes, but has not answered
	cn.call.wait()
}

// leave is what comes after a Read or Write of the connection below.
func (cn *netConn) leave(s side, n int, err error) error {
	over, v, err := cn.left(s, n, err)
	if over == nil {
		return err
	}
	if v == judged {
		defer over.finish(failure) // in case the judge panics
		over.end(err)
	} else {
		over.finish(v)
	}
	return err
}

// judged is the verdict of a call whose error is to be judged.
const judged verdict = -1

// left says which call is over, and with what verdict. It is nobody else's then.
func (cn *netConn) left(s side, n int, err error) (over *call, v verdict, _ error) {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	cn.busy[s]--
	if cn.dead != nil {
		if err != nil {
			err = cn.error(s)
		}
		return nil, 0, err
	}
	if s == reading && n > 0 {
		if cn.fresh {
			cn.fresh = false
			cn.from.first.CompareAndSwap(nobodyKnows, theServer)
		}
		cn.used = deadline.Now()
	}
	switch {
	case cn.call == nil:
		return nil, 0, err
	case s == reading && n > 0:
		cn.answered = true
	case err != nil:
		cn.young = opening{}
		v = cn.verdict(s, err)
		return cn.detach(), v, err
	case s == writing:
		cn.took(n)
	}
	switch {
	case cn.answered && cn.busy[writing] == 0:
		v := cn.good()
		return cn.detach(), v, err
	case cn.busy == [2]int{} && !cn.call.resting.Load():
		cn.call.pause()
	}
	return nil, 0, err
}

func (cn *netConn) detach() *call {
	c := cn.call
	cn.ctx.done()
	cn.call, cn.asked, cn.answered, cn.taken = nil, false, false, 0
	return c
}

// verdict tells what an error says of the backend, in an exchange.
func (cn *netConn) verdict(s side, err error) verdict {
	switch {
	case !cn.awaited():
		return uncounted
	case errors.Is(err, os.ErrDeadlineExceeded):
		if cn.past[s] {
			return uncounted
		}
		return failure
	case errors.Is(err, net.ErrClosed):
		return uncounted
	case cn.stale:
		cn.from.b.count.dead.Add(1)
		return uncounted
	}
	return judged
}

// cut ends the connection, unless the call has ended just now, or it turns out
// that no greeting was to come.
func (cn *netConn) cut(c *call, late *TimeoutError) {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	if cn.call != c {
		return
	}
	if !cn.awaited() {
		cn.detach().finish(uncounted)
		return
	}
	cn.detach().finish(failure)
	cn.young, cn.dead = opening{}, late
	cn.Conn.SetDeadline(time.Unix(1, 0)) // Close may wait, as that of a tls.Conn does
}

// error is what a dead connection returns. cn.mu is held.
func (cn *netConn) error(s side) error {
	here, there := cn.LocalAddr(), cn.RemoteAddr()
	return &net.OpError{Op: s.String(), Net: cn.network, Source: here, Addr: there, Err: cn.dead}
}

// Close ends the exchange, too. It says nothing: a farewell has no answer. A
// client that dials for every request has shown by then that all was well.
func (cn *netConn) Close() error {
	cn.mu.Lock()
	cn.closed = true
	v := uncounted
	if cn.answered {
		v = cn.good()
	} else if cn.call != nil && deadline.Now()-cn.call.start >= youth {
		cn.young = opening{} // it was no farewell
	}
	cn.grown()
	c := cn.detach()
	cn.mu.Unlock()
	if c != nil {
		c.finish(v)
	}
	return cn.Conn.Close()
}

func (cn *netConn) SetDeadline(t time.Time) error {
	return cn.setDeadline(t, cn.Conn.SetDeadline, reading, writing)
}

func (cn *netConn) SetReadDeadline(t time.Time) error {
	return cn.setDeadline(t, cn.Conn.SetReadDeadline, reading)
}

func (cn *netConn) SetWriteDeadline(t time.Time) error {
	return cn.setDeadline(t, cn.Conn.SetWriteDeadline, writing)
}

func (cn *netConn) setDeadline(t time.Time, set func(time.Time) error, sides ...side) error {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	if cn.dead != nil {
		return cn.dead // or a Read would wait again
	}
	for _, s := range sides {
		cn.past[s] = !t.IsZero() && !t.After(time.Now())
	}
	return set(t)
}
