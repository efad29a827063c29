package chaos

import (
	"net"
	"syscall"
)

// On Linux a TCP socket can stop to listen and keep its port: clients are refused after shutdown(2), until
// the next listen(2). The system gives the port to nobody who asks for any; somebody who asks for this
// very one can have it.

// pause lets clients be refused.
func (l *listener) pause() error {
	ln, ok := l.ln.(*net.TCPListener)
	if !ok {
		return l.ln.Close()
	}
	return control(ln, func(fd int) error { return syscall.Shutdown(fd, syscall.SHUT_RD) })
}

// resume lets clients connect again.
func (l *listener) resume() error {
	ln, ok := l.ln.(*net.TCPListener)
	if !ok {
		return l.reopen()
	}
	return control(ln, func(fd int) error { return syscall.Listen(fd, 4096) })
}

// control calls f with the listener's descriptor.
func control(ln *net.TCPListener, f func(fd int) error) error {
	raw, err := ln.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}
