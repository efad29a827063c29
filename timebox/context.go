package timebox

import (
	"context"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
)

// requestContext is the context of a boxed request.
type requestContext struct {
	deadline.Context
	of *exchange
}

// boxAround finds the box that a context is already in; nil if there is none, or
// the request has left it.
func boxAround(ctx context.Context) *requestContext {
	if c, ok := request.LimitOf(ctx).(*requestContext); ok && !c.Released() {
		return c
	}
	return nil
}

// Lift lets the request out of the box, as a long-lived one, unless it has
// reached the limit: then it is late, however long it may go on.
func (c *requestContext) Lift() {
	if c.of.phase.CompareAndSwap(open, released) {
		c.of.release()
	}
}

// Outside is the context outside the box.
func (c *requestContext) Outside() context.Context { return c.Parent }

// Value is the parent's; the box finds itself.
func (c *requestContext) Value(key any) any {
	if key == (request.LimitKey{}) {
		return c
	}
	return c.Context.Value(key)
}
