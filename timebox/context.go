package timebox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

// requestContext is the context of a boxed request. Unlike the context
// package's own it makes its channel only for those who ask, has no timer, and
// its deadline can be taken off again when the request turns into a stream.
type requestContext struct {
	parent context.Context
	until  time.Duration // on deadline's clock
	of     *exchange

	mu     sync.Mutex
	err    error
	done   chan struct{}
	after  map[*afterFunc]struct{}
	unlink func() bool // from the parent

	free atomic.Bool                     // the deadline is off
	dead atomic.Pointer[context.Context] // has the cause, once the limit was reached
}

type afterFunc struct{ f func() }

type boxKey struct{}

// boxAround finds the box that a context is already in; nil if there is none.
func boxAround(ctx context.Context) *requestContext {
	if c, ok := ctx.Value(boxKey{}).(*requestContext); ok && !c.free.Load() {
		return c
	}
	return nil
}

func (c *requestContext) Deadline() (time.Time, bool) {
	at, ok := c.parent.Deadline()
	if c.free.Load() {
		return at, ok
	}
	if own := deadline.At(c.until); !ok || own.Before(at) {
		return own, true
	}
	return at, true
}

// Value is the parent's. context.Cause looks for its answer here too, so after
// the limit the context that has the cause is asked.
func (c *requestContext) Value(key any) any {
	if key == (boxKey{}) {
		return c
	}
	if dead := c.dead.Load(); dead != nil {
		return (*dead).Value(key)
	}
	return c.parent.Value(key)
}

func (c *requestContext) Err() error {
	c.mu.Lock()
	err := c.err
	c.mu.Unlock()
	if err == nil {
		if err = c.parent.Err(); err != nil {
			err = c.end(err, nil)
		}
	}
	return err
}

func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		} else {
			c.link()
		}
	}
	return c.done
}

// AfterFunc is what the context package looks for in contexts not its own, so
// that a derived context costs no goroutine.
func (c *requestContext) AfterFunc(f func()) (stop func() bool) {
	a := &afterFunc{f}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	if c.after == nil {
		c.after = make(map[*afterFunc]struct{})
	}
	c.after[a] = struct{}{}
	c.link()
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waiting := c.after[a]
		delete(c.after, a)
		return waiting
	}
}

// link has the parent's end passed on. c.mu is held.
func (c *requestContext) link() {
	if c.unlink == nil {
		c.unlink = context.AfterFunc(c.parent, func() { c.end(c.parent.Err(), nil) })
	}
}

// exceed ends the context at its limit.
func (c *requestContext) exceed(cause error) {
	dead, cancel := context.WithDeadlineCause(c.parent, time.Time{}, cause)
	defer cancel()
	c.end(dead.Err(), &dead)
}

// release takes the deadline off.
func (c *requestContext) release() { c.free.Store(true) }

// end ends the context unless it has ended, and says how it did. The cause is
// that of dead, or else the parent's.
func (c *requestContext) end(err error, dead *context.Context) error {
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return c.err
	}
	c.err = err
	c.dead.Store(dead)
	if c.done != nil {
		close(c.done)
	}
	after, unlink := c.after, c.unlink
	c.after, c.unlink = nil, nil
	c.mu.Unlock()
	if unlink != nil {
		unlink()
	}
	for a := range after {
		a.f()
	}
	return err
}
