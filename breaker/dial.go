package breaker

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/heeler-go/heeler/internal/deadline"
)

// DialContext guards a backend that speaks any protocol of requests and
// answers over TCP, or a Unix socket: it goes where a client has a dial function.
// base does the dialling; nil means a net.Dialer's DialContext.
//
// A dial is a call. So is an exchange: from a Write until the first byte that
// is read after it, and with a server that speaks first, from the first Read to
// its greeting. That it does is learnt from the first greeting that comes, which
// is no call and has no limit but the client's: a Read before it may be that of a
// reader that runs all the time. Timeout is for the dial, and then for every wait
// for the backend within an exchange: in Read, or until it has taken 64 KiB more
// of a Write. A Read when nothing was asked is no call and has no limit, so that
// pools, background readers and subscriptions may wait for as long as they like.
// The deadlines that the client sets work as ever; whichever is earlier counts.
//
// When the breaker refuses, the dial or the Write returns an *OpenError at once.
// Nothing has been sent then and the connection can be used again. An exchange
// that takes all its Timeout ends the connection, whose answer may still come:
// Read and Write return a net.Error, which wraps a *TimeoutError, from then on.
//
// A connection that could be made, or was closed before its answer came, says
// nothing of the backend: a server that hangs accepts connections, too. Nor
// does one that turns out to have been cut, when it was not used for 100 ms;
// those that outlive a restart are such. The exchanges that begin in a connection's
// first 100 ms make up for failures as one success, when the client has
// closed it or goes on to use it: a backend whose work hangs may still answer
// what clients begin with. A deadline of the client's that passes in an exchange
// is a failure unless it was in the past when it was set, which is how clients
// cancel; so clients that poll, with deadlines shorter than an answer takes, do
// not fit. IsFailure is asked about all other errors.
//
// What blocks at the server on purpose, such as Redis's BLPOP, is cut at
// Timeout: give it a Breaker with a longer one. What comes after the first byte
// of an answer has no limit but the client's, and says nothing; where answers
// stop half-way, [Breaker.Do] around the client's call sees that. Every round of a
// TLS handshake is an exchange, and so is its farewell, which an open breaker
// refuses. Protocols whose client sends what is never answered do not fit:
// HTTP/2, WebSockets, NATS, AMQP. For HTTP there is [Breaker.Transport], and for
// database/sql [Breaker.Connector].
//
// A dial is in the tally of the request that its context comes from. An exchange
// is in none, as pools have no request: [Breaker.Do] around the client's call
// gives it one.
//
// The connection has the methods of the one below if that is a *net.TCPConn or
// *net.UnixConn, but File and those for messages; and of any other those of
// net.Conn, and SyscallConn and CloseWrite if it has them. NetConn() net.Conn
// gives the one below. TLS goes on top of it, rather than below, so that clients
// see their *tls.Conn.
func (b *Breaker) DialContext(base func(ctx context.Context, network, addr string) (net.Conn, error)) func(ctx context.Context, network, addr string) (net.Conn, error) {
	b.current()
	if base == nil {
		base = new(net.Dialer).DialContext
	}
	d := &dialer{b: b, base: base}
	return d.dial
}

type dialer struct {
	b     *Breaker
	base  func(ctx context.Context, network, addr string) (net.Conn, error)
	first atomic.Int32 // who speaks first, as has been seen
}

// Who speaks first on a new connection. Until it has been seen a Read may be a
// client's wait for a greeting, or its reader that runs all the time.
const (
	nobodyKnows = iota
	theServer
	theClient
)

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	around := &connContext{Context: ctx}
	c, err := d.b.begin(around, "")
	if err != nil {
		return nil, err
	}
	defer around.done()
	defer c.leave()
	below, err := d.base(&c.ctx, network, addr)
	if late := c.late(); late != nil {
		if err == nil {
			below.Close()
		}
		err = &net.OpError{Op: "dial", Net: network, Err: late}
	}
	if err != nil {
		c.end(err)
		return nil, err
	}
	cn := &netConn{Conn: below, from: d, network: network, fresh: true, made: deadline.Now()}
	cn.used = cn.made
	cn.ctx = connContext{Context: context.Background(), cut: cn.cut}
	cn.call = c.handOn(&cn.ctx)
	c.finish(uncounted)
	return cn.as(), nil
}
