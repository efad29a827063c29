package deadline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Context is one with a deadline, embedded in what it bounds. Unlike the
// context package's own it makes its channel only for those who ask, and its
// deadline can be taken off again. It has no timer: at its deadline its owner
// calls Exceed.
type Context struct {
	Parent context.Context
	Until  time.Duration // on this package's clock; Never is none

	mu     sync.Mutex
	err    error
	done   chan struct{}
	after  *afterFunc  // the first of those that wait
	unlink func() bool // from the parent

	yields bool // it is only its parent from now on; guarded by mu

	state atomic.Uint32                   // fresh, used or over
	free  atomic.Bool                     // the deadline is off
	dead  atomic.Pointer[context.Context] // has the cause, once the limit was reached
}

// Most contexts are cancelled before anybody has asked for anything: then that
// is noted, which costs half of the lock.
const (
	fresh = iota
	used  // the lock has been taken
	over  // cancelled while fresh
)

// An afterFunc is called when the context ends, unless it is stopped.
type afterFunc struct {
	f          func()
	of         *Context
	next, prev *afterFunc
	waiting    bool
}

// lock locks c.mu and completes what Cancel has only noted.
func (c *Context) lock() {
	c.mu.Lock()
	if !c.state.CompareAndSwap(fresh, used) && c.state.Load() == over {
		c.err = context.Canceled
	}
}

// Deadline is its own or the parent's, whichever comes first.
func (c *Context) Deadline() (time.Time, bool) {
	at, ok := c.Parent.Deadline()
	if c.free.Load() || c.Until == Never {
		return at, ok
	}
	if own := At(c.Until); !ok || own.Before(at) {
		return own, true
	}
	return at, true
}

// Value is the parent's. context.Cause looks for its answer here too, so after
// the limit the context that has the cause is asked.
func (c *Context) Value(key any) any {
	if dead := c.dead.Load(); dead != nil {
		return (*dead).Value(key)
	}
	return c.Parent.Value(key)
}

// Err is nil until the context has ended.
func (c *Context) Err() error {
	c.lock()
	err := c.err
	c.mu.Unlock()
	if err == nil {
		if err = c.Parent.Err(); err != nil {
			err = c.end(err, nil)
		}
	}
	return err
}

// Done is closed when the context ends.
func (c *Context) Done() <-chan struct{} {
	c.lock()
	defer c.mu.Unlock()
	if c.yields {
		return c.Parent.Done()
	}
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
func (c *Context) AfterFunc(f func()) (stop func() bool) {
	c.lock()
	defer c.mu.Unlock()
	if c.yields {
		return context.AfterFunc(c.Parent, f)
	}
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	a := &afterFunc{f: f, of: c, next: c.after, waiting: true}
	if a.next != nil {
		a.next.prev = a
	}
	c.after = a
	c.link()
	return a.stop
}

// stop takes a out of the list, and reports whether it was in.
func (a *afterFunc) stop() bool {
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	if !a.waiting {
		return false
	}
	a.waiting = false
	if a.prev != nil {
		a.prev.next = a.next
	} else {
		a.of.after = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	}
	return true
}

// link has the parent's end passed on. c.mu is held.
func (c *Context) link() {
	if c.unlink == nil {
		c.unlink = context.AfterFunc(c.Parent, func() { c.end(c.Parent.Err(), nil) })
	}
}

// Exceed ends the context at its limit.
func (c *Context) Exceed(cause error) {
	dead, cancel := context.WithDeadlineCause(c.Parent, time.Time{}, cause)
	defer cancel()
	c.end(dead.Err(), &dead)
}

// Cancel ends the context without a deadline's error, as its owner does who
// needs it no more.
func (c *Context) Cancel() {
	if !c.state.CompareAndSwap(fresh, over) {
		c.end(context.Canceled, nil)
	}
}

// Released reports whether the deadline was taken off.
func (c *Context) Released() bool { return c.free.Load() }

// Release takes the deadline off.
func (c *Context) Release() { c.free.Store(true) }

// Yield takes the deadline off and leaves all else to the parent, unless somebody
// waits for the context's end already: so that what derives from it costs no more
// than what derives from the parent. Then Cancel does nothing, and the parent is
// to end when the owner would call it.
func (c *Context) Yield() {
	c.Release()
	c.lock()
	c.yields = c.err == nil && c.done == nil && c.after == nil
	c.mu.Unlock()
}

// end ends the context unless it has ended, and says how it did. The cause is
// that of dead, or else the parent's.
func (c *Context) end(err error, dead *context.Context) error {
	c.lock()
	if c.yields {
		c.mu.Unlock()
		return err
	}
	if c.err != nil {
		defer c.mu.Unlock()
		return c.err
	}
	c.err = err
	if dead != nil {
		c.dead.Store(dead)
	}
	if c.done != nil {
		close(c.done)
	}
	after, unlink := c.after, c.unlink
	c.after, c.unlink = nil, nil
	for a := after; a != nil; a = a.next {
		a.waiting = false
	}
	c.mu.Unlock()
	if unlink != nil {
		unlink()
	}
	for a := after; a != nil; a = a.next {
		a.f()
	}
	return err
}
