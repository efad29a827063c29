package timebox

import (
	"context"

	"github.com/heeler-go/heeler/internal/deadline"
)

// requestContext is the context of a boxed request.
type requestContext struct {
	deadline.Context
	of *exchange
}

type boxKey struct{}

// boxAround finds the box that a context is already in; nil if there is none.
func boxAround(ctx context.Context) *requestContext {
	if c, ok := ctx.Value(boxKey{}).(*requestContext); ok && !c.Released() {
		return c
	}
	return nil
}

// Value is the parent's; the box finds itself.
func (c *requestContext) Value(key any) any {
	if key == (boxKey{}) {
		return c
	}
	return c.Context.Value(key)
}
