package drain

import (
	"crypto/tls"
	"net"
)

// What a handler gets when it hijacks its connection is the connection with another Close. Whatever else
// libraries look for is there, since the connection's own type is embedded: SyscallConn for those who poll,
// ReadFrom and WriteTo for splice(2), writev for net.Buffers, CloseWrite, SetLinger, and the state of a TLS connection.
type (
	tcpConn struct {
		*net.TCPConn
		kept
	}
	tlsConn struct {
		*tls.Conn
		kept
	}
	unixConn struct {
		*net.UnixConn
		kept
	}
	otherConn struct {
		net.Conn
		kept
	}
)

// adopt keeps a connection that has a slot of the client's.
func (d *Drainer) adopt(conn net.Conn, client uint64) (net.Conn, *kept) {
	switch conn := conn.(type) {
	case *net.TCPConn:
		c := &tcpConn{TCPConn: conn}
		d.keep(&c.kept, hijacked, client, c)
		return c, &c.kept
	case *tls.Conn:
		c := &tlsConn{Conn: conn}
		d.keep(&c.kept, hijacked, client, c)
		return c, &c.kept
	case *net.UnixConn:
		c := &unixConn{UnixConn: conn}
		d.keep(&c.kept, hijacked, client, c)
		return c, &c.kept
	}
	c := &otherConn{Conn: conn}
	d.keep(&c.kept, hijacked, client, c)
	return c, &c.kept
}

func (c *tcpConn) Close() error {
	defer c.leave()
	return c.TCPConn.Close()
}

func (c *tlsConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

func (c *unixConn) Close() error {
	defer c.leave()
	return c.UnixConn.Close()
}

func (c *otherConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// NetConn is the connection inside, as a tls.Conn has it. Closing that does not give the slot back.
func (c *otherConn) NetConn() net.Conn { return c.Conn }

func (c *tcpConn) goodbye()   { c.Close() }
func (c *tlsConn) goodbye()   { c.Close() }
func (c *unixConn) goodbye()  { c.Close() }
func (c *otherConn) goodbye() { c.Close() }

func (c *tcpConn) cut()   { c.Close() }
func (c *tlsConn) cut()   { c.Close() }
func (c *unixConn) cut()  { c.Close() }
func (c *otherConn) cut() { c.Close() }
