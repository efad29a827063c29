package chaos

import (
	"errors"
	"net"
	"sync"
	"time"
)

// A listener is where clients connect, also while nobody listens there because a fault wants it.
type listener struct {
	mu      sync.Mutex
	ln      net.Listener
	at      string        // what to listen on again
	refuses bool          // nobody listens
	again   chan struct{} // is closed when somebody does
	closed  chan struct{}
}

func listen(addr string) (*listener, error) {
	network, at := split(addr)
	ln, err := net.Listen(network, at)
	if err != nil {
		return nil, err
	}
	l := &listener{ln: ln, at: addr, closed: make(chan struct{})}
	if network == "unix" {
		return l, nil
	}
	// A port that the system has chosen would be given back while nobody listens, one that was asked for
	// is kept. So the one that was chosen is asked for.
	l.at = ln.Addr().String()
	if l.at == at {
		return l, nil
	}
	ln.Close()
	if err := l.reopen(); err != nil {
		return nil, err
	}
	return l, nil
}

// addr is where clients connect, with the port that was found.
func (l *listener) addr() string { return l.at }

var errClosed = errors.New("chaos: the listener has been closed")

// accept waits for the next client. Its only error is that the listener has been closed.
func (l *listener) accept() (conn, error) {
	for {
		l.mu.Lock()
		ln, again := l.ln, l.again
		l.mu.Unlock()
		var busy <-chan time.Time
		if again == nil {
			c, err := ln.Accept()
			if err == nil {
				return c.(conn), nil
			}
			busy = time.After(5 * time.Millisecond) // out of descriptors, or just closed
		}
		select {
		case <-l.closed:
			return nil, errClosed
		case <-again:
		case <-busy:
		}
	}
}

// refuse stops to listen, or begins again. It says whether that was a change.
func (l *listener) refuse(refuse bool) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if refuse == l.refuses {
		return false, nil
	}
	if refuse {
		if err := l.pause(); err != nil {
			return false, err
		}
		l.again = make(chan struct{})
	} else {
		if err := l.resume(); err != nil {
			return false, err
		}
		close(l.again)
		l.again = nil
	}
	l.refuses = refuse
	return true, nil
}

// close ends it for good.
func (l *listener) close() {
	close(l.closed)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ln.Close()
}

// reopen listens again where another listener has been closed.
func (l *listener) reopen() error {
	network, at := split(l.at)
	ln, err := net.Listen(network, at)
	if err == nil {
		l.ln = ln
	}
	return err
}
