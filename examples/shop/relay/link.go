package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// A link is one client's connection and the one to the backend that belongs to it.
type link struct {
	ctx    context.Context // ends when the link is reset or done
	cancel context.CancelFunc

	mu    sync.Mutex
	conns []*net.TCPConn // the client's, then the backend's
}

// carry brings one client to the backend and stays until both have said all.
func (r *Relay) carry(client *net.TCPConn) {
	l := &link{conns: []*net.TCPConn{client}}
	l.ctx, l.cancel = context.WithCancel(r.ctx)
	defer l.close()
	r.enter(l)
	defer r.leave(l)

	held, ok := r.hold(l, false)
	if !ok {
		return
	}
	var first []byte
	if held {
		// Clients give up while they are held, and a backend should not meet them: MySQL locks
		// a host out after a hundred handshakes that nobody finished.
		if first, ok = firstWords(client); !ok {
			return
		}
	}
	backend, err := l.dial(r.backend)
	if err != nil {
		l.reset() // what the client would have met without the relay: no connection
		return
	}

	var both sync.WaitGroup
	both.Go(func() { r.pump(l, backend, client, first, true) })
	both.Go(func() { r.pump(l, client, backend, nil, false) })
	both.Wait()
}

// pump passes on what src says until src has said all, and then tells dst so: a client that has
// closed its sending half still gets its answer. Bytes that src has said before are first; request
// tells which way it goes, because only requests are slowed: a round trip is delayed once.
func (r *Relay) pump(l *link, dst, src *net.TCPConn, first []byte, request bool) {
	buf := make([]byte, 32<<10)
	n := copy(buf, first)
	var end error
	for {
		if n == 0 {
			n, end = src.Read(buf)
		}
		if _, ok := r.hold(l, request); !ok {
			return
		}
		if _, err := dst.Write(buf[:n]); err != nil {
			return // dst has gone; the pump that reads from it sees how, and ends the link
		}
		n = 0
		switch {
		case errors.Is(end, io.EOF):
			dst.CloseWrite()
			return
		case end != nil:
			l.reset() // broken on one side is broken on the other
			return
		}
	}
}

// hold returns when what has just been read may be passed on, which for a request under Slow is the
// Delay from now. It reports whether it had to wait, and whether there is still a link to pass it to.
func (r *Relay) hold(l *link, request bool) (held, ok bool) {
	start := time.Now()
	for {
		fault, changed := r.state()
		var due <-chan time.Time // nil waits for ever
		switch fault.Kind {
		case Cut:
			return held, false
		case Slow:
			left := fault.Delay - time.Since(start)
			if !request || left <= 0 {
				return held, l.ctx.Err() == nil
			}
			due = time.After(left)
		case Normal:
			return held, l.ctx.Err() == nil
		}
		held = true
		select {
		case <-due:
		case <-changed:
		case <-l.ctx.Done():
			return held, false
		}
	}
}

// firstWords looks whether the client is still there. It returns what the client has said so far,
// which may be nothing, and false if it has closed without a word.
func firstWords(client *net.TCPConn) ([]byte, bool) {
	client.SetReadDeadline(time.Now().Add(time.Millisecond))
	defer client.SetReadDeadline(time.Time{})
	buf := make([]byte, 4<<10)
	n, err := client.Read(buf)
	return buf[:n], n > 0 || errors.Is(err, os.ErrDeadlineExceeded)
}

// dial connects the link to its backend, and gives up when the link is reset.
func (l *link) dial(addr string) (*net.TCPConn, error) {
	conn, err := new(net.Dialer).DialContext(l.ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	backend := conn.(*net.TCPConn)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ctx.Err(); err != nil {
		backend.Close()
		return nil, err
	}
	l.conns = append(l.conns, backend)
	return backend, nil
}

// reset ends the link at once: both sides see a connection that broke.
func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		conn.SetLinger(0)
	}
	l.end()
}

// close ends the link in order.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

func (l *link) end() {
	l.cancel()
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
}
