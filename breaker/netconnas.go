package breaker

import (
	"io"
	"net"
	"syscall"
	"time"
)

// A tcpConn has what clients use of a *net.TCPConn beyond net.Conn. What is not
// named here is hidden, as the way past the guard that net.Buffers takes.
type tcpConn struct {
	*netConn
	tcp
}

type tcp interface {
	socket
	SetNoDelay(bool) error
	SetLinger(int) error
	SetKeepAlive(bool) error
	SetKeepAlivePeriod(time.Duration) error
	SetKeepAliveConfig(net.KeepAliveConfig) error
	MultipathTCP() (bool, error)
}

// A unixConn is to a *net.UnixConn as a tcpConn is to a *net.TCPConn.
type unixConn struct {
	*netConn
	socket
}

type socket interface {
	halfCloser
	CloseRead() error
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
}

type halfCloser interface{ CloseWrite() error }

// as is the connection with the methods of the one below that clients look for.
func (cn *netConn) as() net.Conn {
	switch below := cn.Conn.(type) {
	case *net.TCPConn:
		return &tcpConn{cn, below}
	case *net.UnixConn:
		return &unixConn{cn, below}
	}
	half, halfCloses := cn.Conn.(halfCloser)
	_, hasDescriptor := cn.Conn.(syscall.Conn)
	switch {
	case halfCloses && hasDescriptor:
		return &struct {
			*netConn
			halfCloser
			syscall.Conn
		}{cn, half, descriptor{cn}}
	case halfCloses:
		return &struct {
			*netConn
			halfCloser
		}{cn, half}
	case hasDescriptor:
		return &struct {
			*netConn
			syscall.Conn
		}{cn, descriptor{cn}}
	}
	return cn
}

// SyscallConn is for clients that look whether the connection is still alive
// before they use it.
func (c *tcpConn) SyscallConn() (syscall.RawConn, error) { return descriptor{c.netConn}.SyscallConn() }

// SyscallConn is as tcpConn's.
func (c *unixConn) SyscallConn() (syscall.RawConn, error) { return descriptor{c.netConn}.SyscallConn() }

// ReadFrom writes what it reads: to have the kernel copy it would hide the exchange.
func (c *tcpConn) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c.netConn}, r)
}

// WriteTo reads what it writes.
func (c *tcpConn) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{c.netConn})
}

// A descriptor is the SyscallConn of a connection, unless an exchange has ended
// that: the socket may look healthy then.
type descriptor struct{ *netConn }

func (d descriptor) SyscallConn() (syscall.RawConn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead != nil {
		return nil, d.dead
	}
	return d.Conn.(syscall.Conn).SyscallConn()
}
