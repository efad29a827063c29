package chaos

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

var errLeft = errors.New("the client has left")

// connect reaches the backend, unless a fault of connections is in the way, and as long as the client
// waits for it.
func (l *link) connect() (conn, error) {
	var told *active
	for {
		e, struck := l.admit()
		if struck != nil && struck != told {
			struck.struck.Add(1)
			l.notice(struck, Connect, 0)
			told = struck
		}
		left := time.Until(l.opened.Add(e.Delay))
		switch {
		case e.Fate == Close:
			return nil, errLeft
		case e.Fate == Unlisten, e.Fate == Break:
			l.end(Break)
			return nil, errLeft
		case e.Fate == Swallow:
			left = forever
		case l.admitted:
			return l.dial()
		}
		if err := l.up.await(left); err != nil {
			return nil, err
		}
	}
}

// admit asks the faults whether the connection may be made. One after the other: they may count how
// many are.
func (l *link) admit() (Event, *active) {
	p := l.proxy
	p.admission.Lock()
	defer p.admission.Unlock()
	e := Event{Moment: Connect}
	l.about(&e)
	e.Open++ // with this one
	var struck *active
	for _, a := range p.plan.Load().faults {
		if a.strike(&e, l.opened) {
			struck = a
		}
		if e.Fate != Pass {
			return e, struck
		}
	}
	if time.Since(l.opened) >= e.Delay {
		l.mu.Lock()
		l.admitted = true
		l.mu.Unlock()
		p.admitted.Add(1)
	}
	return e, struck
}

// dial connects to the backend, and meanwhile looks whether the client is still there.
func (l *link) dial() (conn, error) {
	type result struct {
		c   net.Conn
		err error
	}
	done := make(chan result, 1)
	go func() {
		network, addr := split(l.proxy.Target())
		dialer := net.Dialer{Timeout: l.proxy.dialTimeout()}
		c, err := dialer.DialContext(l.ctx, network, addr)
		l.mu.Lock() // so that no pump reads before it has been told
		defer l.mu.Unlock()
		done <- result{c, err}
		l.tell()
	}()
	var left error
	for {
		select {
		case r := <-done:
			if r.err == nil && left == nil {
				return r.c.(conn), nil
			}
			if r.err == nil {
				r.c.Close()
				return nil, left
			}
			if l.ctx.Err() == nil {
				l.proxy.failed.Add(1)
				l.proxy.notify(Notice{Kind: DialFailed, Conn: l.id, Text: r.err.Error()})
			}
			l.end(Break) // what the client would have met without the proxy: no connection
			return nil, r.err
		default:
		}
		if left != nil {
			<-l.changed
			continue
		}
		if left = l.up.await(wait); left != nil {
			l.cancel()
		}
	}
}

// tell wakes whoever awaits something before there is a backend.
func (l *link) tell() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
	l.client.SetReadDeadline(past)
}

// How long await waits, other than for a time.
const (
	wait    time.Duration = -1 // until something changes
	forever time.Duration = -2 // the same, and the client need not be heard any more
)

// await holds what the client says before there is a backend, until a time has passed or something has
// changed. Its error is that the client has left.
func (p *pump) await(left time.Duration) error {
	l := p.link
	var until time.Time
	if left >= 0 {
		until = time.Now().Add(left)
	}
	p.src.SetReadDeadline(until)
	select {
	case <-l.changed:
		return nil
	default:
	}
	if p.quiet && left == forever {
		return errLeft
	}
	if p.have == len(p.buf) && left == forever {
		// It is not heard, but it is looked after. What it says now is lost, and so is the connection.
		l.mu.Lock()
		l.dead = true
		l.mu.Unlock()
		p.have = 0
	}
	if p.have == len(p.buf) || p.quiet {
		return p.rest(left)
	}
	n, err := p.src.Read(p.buf[p.have:])
	p.have += n
	switch {
	case n > 0, errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case errors.Is(err, io.EOF) && left != forever:
		p.quiet = true // it may have said all, and still want to hear
		return nil
	}
	return errLeft
}

// rest is await while nothing is read.
func (p *pump) rest(left time.Duration) error {
	var due <-chan time.Time
	if left >= 0 {
		due = time.After(left)
	}
	select {
	case <-due:
	case <-p.link.changed:
	case <-p.link.ctx.Done():
		return errLeft
	}
	return nil
}
