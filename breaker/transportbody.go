package breaker

import (
	"context"
	"io"
	"sync"
)

// An upload is a request's body.
type upload struct {
	io.ReadCloser
	x            *exchange
	length, read int64
}

// Read is the caller's time. When a request is sent again its body may be read
// while a Read of the first one goes on.
func (u *upload) Read(p []byte) (int, error) {
	x := u.x
	x.mu.Lock()
	if x.pausing++; !x.got && x.pausing == 1 {
		x.call.pause()
	}
	x.mu.Unlock()
	n, err := u.ReadCloser.Read(p)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil && err != io.EOF {
		x.producer = err
	}
	u.read += int64(n)
	if u.length > 0 && (u.read > u.length || err == io.EOF && u.read < u.length) {
		x.misfit = true
	}
	if x.pausing--; !x.got && x.pausing == 0 {
		x.call.wait()
	}
	return n, err
}

// A download is a response's body.
type download struct {
	body    io.ReadCloser
	x       *exchange
	verdict verdict // if nothing goes wrong any more

	mu      sync.Mutex
	reading bool
	closed  bool
	left    bool        // the caller's context has ended
	over    bool        // the call has ended
	unwatch func() bool // its caller's context
}

// watch ends the call of a body that nobody reads, nor closes, with its
// caller's context: net/http gives its connection back then, too.
func (d *download) watch(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unwatch = context.AfterFunc(ctx, func() { d.drop(&d.left) })
}

// drop ends the call with what is known of it, for a reason that it notes,
// unless a Read is under way, which ends it instead.
func (d *download) drop(why *bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	*why = true
	if !d.over && !d.reading {
		d.finish(d.verdict)
	}
}

// finish ends the call. d.mu is held.
func (d *download) finish(v verdict) {
	d.over = true
	d.unwatch()
	d.x.call.finish(v)
}

func (d *download) Read(p []byte) (int, error) {
	waits := d.wait()
	n, err := d.body.Read(p)
	if waits {
		err = d.came(err)
	}
	return n, err
}

// wait reports whether a Read is part of the call.
func (d *download) wait() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over || d.closed || d.reading {
		return false
	}
	d.reading = true
	d.x.call.wait()
	return true
}

// came ends the call with the body, or lets it rest until the next Read.
func (d *download) came(err error) error {
	c, v := d.x.call, d.verdict
	if err != nil && err != io.EOF {
		defer c.finish(failure) // in case the judge panics
		err = d.x.named(err)
		v = c.judge(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reading = false
	if err == nil && !d.closed && !d.left {
		c.rest()
		return nil
	}
	if v != success && d.closed && c.late() == nil {
		v = uncounted // it was broken off
	}
	d.finish(v)
	return err
}

// Close ends the call: what the caller does not want cannot go wrong. A Read
// under way ends it instead.
func (d *download) Close() error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	defer d.drop(&d.closed)
	return d.body.Close()
}
