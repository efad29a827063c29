package breaker

import (
	"context"
	"time"
)

// A Call is one that a test makes as the ways in do that are answered piece by
// piece.
type Call struct{ c *call }

func (b *Breaker) Begin(ctx context.Context, statement string) (Call, error) {
	c, err := b.begin(ctx, statement)
	return Call{c}, err
}

func (c Call) Context() context.Context { return &c.c.ctx }
func (c Call) Rest()                    { c.c.rest() }
func (c Call) Pause()                   { c.c.pause() }
func (c Call) Wait()                    { c.c.wait() }
func (c Call) End(err error)            { c.c.end(err) }
func (c Call) Named(err error) error    { return c.c.named(err) }
func (c Call) Timer(now time.Duration)  { c.c.timeout(now) }
func (c Call) BadAnswer()               { c.c.finish(badAnswer) }
