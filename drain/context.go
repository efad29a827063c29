package drain

import (
	"context"
	"sync/atomic"
	"time"
)

// A requestContext is a request's context, which can be ended. Most requests end before anybody asks
// when; only for the others is there a context of the standard library's, which everything is then left to, so
// that a context derived from this one costs no goroutine.
type requestContext struct {
	parent context.Context
	asked  atomic.Pointer[cancelContext]
	yields atomic.Bool
}

type cancelContext struct {
	context.Context
	cancel context.CancelCauseFunc
}

// ask makes the context for those who want to know when it ends.
func (c *requestContext) ask() *cancelContext {
	if asked := c.asked.Load(); asked != nil {
		return asked
	}
	made := new(cancelContext)
	made.Context, made.cancel = context.WithCancelCause(c.parent)
	if !c.asked.CompareAndSwap(nil, made) {
		made.cancel(nil)
		return c.asked.Load()
	}
	return made
}

// now is the context as far as it is needed.
func (c *requestContext) now() context.Context {
	if asked := c.asked.Load(); asked != nil {
		return asked.Context
	}
	return c.parent
}

func (c *requestContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }
func (c *requestContext) Err() error                  { return c.now().Err() }
func (c *requestContext) Value(key any) any           { return c.now().Value(key) }

// Done is the parent's if that is all there will be to know.
func (c *requestContext) Done() <-chan struct{} {
	if c.yields.Load() && c.asked.Load() == nil {
		return c.parent.Done()
	}
	return c.ask().Done()
}

// yield leaves all to the parent, if nobody has asked yet: nobody ends the context of a request whose connection was
// hijacked.
func (c *requestContext) yield() { c.yields.Store(true) }

// end ends the context.
func (c *requestContext) end(cause error) { c.ask().cancel(cause) }

// leave frees what the parent holds for it.
func (c *requestContext) leave() {
	if asked := c.asked.Load(); asked != nil {
		asked.cancel(nil)
	}
}
