package breaker

import (
	"context"
	"sync/atomic"

	"github.com/heeler-go/heeler/internal/deadline"
)

// A connContext is the context of a call on a connection, which knows nothing
// of whoever took the connection out of a pool. It has one call at a time.
type connContext struct {
	context.Context
	cut   func(*call, *TimeoutError) // called when a call has taken all its Timeout; may be nil
	cover *period                    // whose probe the call may be part of; nil if it is not
}

// A cover counts the probes that may have calls on connections inside, and these.
type cover struct{ probes, calls atomic.Int64 }

// admitted notes a probe within which calls on connections may be.
func (p *period) admitted(c *call) {
	if _, ok := c.ctx.Parent.(*connContext); !ok {
		p.cover.probes.Add(1)
	}
}

// over is for every probe that was admitted, when it has its result.
func (p *period) over(c *call) {
	if _, ok := c.ctx.Parent.(*connContext); !ok {
		p.cover.probes.Add(-1)
	}
}

// covers reports whether a call on a connection may be part of a probe, as when
// Do is around a command of a pool's. It cannot be told from others that are
// made at that time, so as many go through at once as there are such probes. To
// refuse it would fail the probe, and all that follow.
func (p *period) covers(ctx context.Context) bool {
	conn, ok := ctx.(*connContext)
	if !ok {
		return false
	}
	for {
		n := p.cover.calls.Load()
		if n >= p.cover.probes.Load() {
			return false
		}
		if p.cover.calls.CompareAndSwap(n, n+1) {
			conn.cover = p
			return true
		}
	}
}

// done is for when the call is over.
func (c *connContext) done() {
	if p := c.cover; p != nil {
		c.cover = nil
		p.cover.calls.Add(-1)
	}
}

// pause is rest for a call that has had no answer yet: if it is a probe, and
// its place is needed, it says nothing of the backend.
func (c *call) pause() {
	c.unanswered.Store(true)
	c.rest()
}

// settle counts a call that goes on.
func (c *call) settle(v verdict) {
	if c.fate.CompareAndSwap(0, settled) {
		now := deadline.Now()
		_, longest := c.times(now)
		c.count(v, now, longest)
	}
}

// soFar is what a call says that rests.
func (c *call) soFar() verdict {
	if c.unanswered.Load() {
		return uncounted
	}
	return success
}

// handOn gives the place of a probe that says nothing by itself to another
// call, which has yet to begin: it is paused. It is nil if there is no place,
// or if the probe was too slow: it has failed then, as finish will say.
func (c *call) handOn(ctx context.Context) *call {
	slow := deadline.Now()-c.since >= c.b.slow
	if c.probe == nil || slow && c.b.SlowRate >= 0 || !c.fate.CompareAndSwap(0, settled) {
		return nil
	}
	if slow {
		c.b.count.slow.Add(1)
	}
	c.b.count.uncounted.Add(1)
	next := &call{b: c.b, p: c.p, probe: c.probe, start: deadline.Now()}
	next.since = next.start
	next.p.probed.Store(int64(next.due(next.start)))
	next.ctx.Parent, next.ctx.of, next.ctx.Until = ctx, next, deadline.Never
	next.entry.Item = next
	next.b.due.Add(&next.entry, deadline.Never)
	next.pause()
	return next
}
