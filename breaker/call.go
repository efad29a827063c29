package breaker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
)

// A call is one call to the backend. Everything that the breaker needs for it
// is in this one allocation, the context among it.
type call struct {
	b   *Breaker
	p   *period // in which it began; its result counts only there
	ctx callContext
	on  *behalf // nil if it is on nobody's

	entry      deadline.Entry[*call]
	probe      func(error)   // gives the probe's place back; nil if it is none
	start      time.Duration // on deadline's clock
	since      time.Duration // the wait under way began, or, resting, the last one
	waited     time.Duration // in the waits that are over, all together
	longest    atomic.Int64  // of the waits that are over, the longest; timeout reads it while the call rests
	again      atomic.Int64  // when a wait that is not the first must be over; 0 before
	resting    atomic.Bool   // the backend is not waited for
	unanswered atomic.Bool   // and it has not answered yet
	fate       atomic.Uint32 // of the bits below
}

// What has become of a call.
const (
	settled = 1 << iota // its result is known and counted
	overdue             // it was counted as failed while it went on
	ended               // it has returned
)

// A behalf is what a call has in addition that is made for a request, or that
// has a statement.
type behalf struct {
	call  call
	rec   *request.Record
	tally request.Call
}

// A callContext is the context of a call. A call inside it finds it.
type callContext struct {
	deadline.Context
	of *call
}

type callKey struct{}

// Value is the parent's; a call finds itself.
func (c *callContext) Value(key any) any {
	if key == (callKey{}) {
		return c.of
	}
	return c.Context.Value(key)
}

// begin lets a call through or refuses it.
func (b *Breaker) begin(ctx context.Context, statement string) (*call, error) {
	p := b.current()
	now := deadline.Now()
	rec := request.From(ctx)
	var probe func(error)
	if !p.closed() {
		var refused *OpenError
		if probe, refused = b.knock(ctx, p, now); refused != nil {
			b.count.refused.Add(1)
			rec.Refuse(b.name(), refused.RetryAfter)
			return nil, refused
		}
	}
	return b.enter(ctx, rec, statement, p, probe, now), nil
}

// enter makes a call that is let through, and enters it in the books.
func (b *Breaker) enter(ctx context.Context, rec *request.Record, statement string, p *period, probe func(error), now time.Duration) *call {
	var c *call
	if rec != nil || statement != "" {
		on := &behalf{rec: rec}
		c = &on.call
		c.on = on
		on.tally.Backend, on.tally.Statement, on.tally.Start = b.name(), statement, now
		rec.Begin(&on.tally)
	} else {
		c = new(call)
	}
	c.b, c.p, c.probe, c.start, c.since = b, p, probe, now, now
	c.ctx.Parent, c.ctx.of = ctx, c
	c.ctx.Until = deadline.Never
	if b.timeout > 0 {
		c.ctx.Until = now + b.timeout
	}
	c.entry.Item = c
	b.due.Add(&c.entry, c.due(now))
	if probe != nil {
		p.admitted(c)
	}
	return c
}

// due is when a call must be done, or a probe's place must be free again, that
// waits from now on.
func (c *call) due(now time.Duration) time.Duration {
	if c.b.timeout > 0 || c.probe != nil {
		return now + c.b.watch
	}
	return deadline.Never
}

// rest and wait are for calls that are answered piece by piece, as rows are and
// a response's body. Timeout is for each piece; the time that the caller takes
// in between is not the backend's. A call begins waiting. They are called in
// turn, and never while another goroutine rests, waits or finishes. A probe that
// goes on for longer than its time, however steadily, gives its place back.
func (c *call) rest() {
	now := deadline.Now()
	c.ctx.Release() // what is to come has no deadline yet
	waited, longest := c.times(now)
	c.waited = waited
	c.longest.Store(int64(longest))
	c.resting.Store(true)
	if c.probe != nil && now-c.start >= c.b.watch {
		c.settle(c.soFar())
	}
	due := deadline.Never
	if c.probe != nil {
		due = c.due(now)
		c.holds(due)
	}
	c.b.due.Set(&c.entry, due, 0)
}

func (c *call) wait() {
	now := deadline.Now()
	c.since = now
	due := c.due(now)
	c.holds(due)
	c.again.Store(int64(due))
	c.resting.Store(false)
	c.b.due.Set(&c.entry, due, 0)
}

// holds notes until when a probe may have its place.
func (c *call) holds(due time.Duration) {
	if c.probe != nil && c.fate.Load()&settled == 0 {
		c.p.probed.Store(int64(due))
	}
}

// times are how long the backend was waited for, all together and at once.
func (c *call) times(now time.Duration) (waited, longest time.Duration) {
	longest = time.Duration(c.longest.Load())
	if c.resting.Load() {
		return c.waited, longest
	}
	wait := now - c.since
	return c.waited + wait, max(longest, wait)
}

// leave is deferred around what runs inside a call. It settles a call that
// panics or ends its goroutine. A panic goes on with its stack, since nothing
// has been unwound.
func (c *call) leave() {
	if c.fate.Load()&ended != 0 {
		return
	}
	value := recover()
	defer c.finish(failure) // in case the judge panics, too
	c.finish(c.judgePanic(value))
	if value != nil {
		panic(value)
	}
}

// end ends the call with what it returned.
func (c *call) end(err error) { c.finish(c.judge(err)) }

// finish ends the call. Only the first time counts.
func (c *call) finish(v verdict) {
	was := c.fate.Or(settled | ended)
	if was&ended != 0 {
		return
	}
	b, now := c.b, deadline.Now()
	took, longest := c.times(now)
	if (v == success || v == begun) && was&settled == 0 && b.timeout > 0 && !c.resting.Load() && now-c.since >= b.timeout {
		v = failure // and the timer was not as fast
		b.count.timedOut.Add(1)
	}
	if c.on != nil {
		failed := v == failure || v == badAnswer || was&overdue != 0
		result := request.Done
		switch {
		case failed:
			result = request.Failed
		case v == uncounted:
			result = request.Unknown
		}
		c.on.tally.End(took, result)
		if text := c.on.tally.Statement; text != "" {
			b.statements.add(text, took, failed)
		}
	}
	b.count.time.Add(int64(took))
	if was&overdue != 0 {
		b.count.overdue.Add(-1)
	}
	if was&settled == 0 {
		c.count(v, now, longest)
	}
	b.due.Remove(&c.entry) // only now: see Stats
	c.ctx.Cancel()
}

// fire is called when calls may have taken all their Timeout.
func (b *Breaker) fire(now time.Duration) {
	for _, c := range b.due.Collect(now, nil) {
		c.timeout(now)
	}
}

// timeout counts a call as failed whose time is up, whether it goes on or not,
// and ends its context.
func (c *call) timeout(now time.Duration) {
	b := c.b
	if c.resting.Load() {
		// It is good so far. If it is a probe its place is needed; any other
		// has begun to rest just now.
		if c.probe != nil && c.fate.CompareAndSwap(0, settled) {
			c.count(c.soFar(), now, time.Duration(c.longest.Load()))
		}
		return
	}
	if again := c.again.Load(); again != 0 && time.Duration(again) > now {
		return // it rested in the meantime, and waits anew
	}
	if c.fate.CompareAndSwap(0, settled|overdue) {
		if b.timeout > 0 {
			b.count.timedOut.Add(1)
		}
		c.count(failure, now, b.watch)
		b.count.overdue.Add(1)
	}
	if b.timeout == 0 || c.fate.Load()&ended != 0 {
		return // a probe that goes on without its place, or one that has just ended
	}
	late := &TimeoutError{Name: b.name(), Limit: b.timeout, RetryAfter: b.comeBack(), of: c}
	c.ctx.Exceed(late)
	if conn, ok := c.ctx.Parent.(*connContext); ok && conn.cut != nil {
		conn.cut(c, late)
	}
}
