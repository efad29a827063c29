package breaker

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
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

	entry   deadline.Entry[*call]
	probe   func(error)   // gives the probe's place back; nil if it is none
	start   time.Duration // on deadline's clock
	idle    time.Duration // since then, while the backend was not waited for; or, resting, since when
	settled atomic.Bool   // its result is known
	resting atomic.Bool   // the backend is not waited for
	ended   bool          // it has been taken out of the books
}

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

// A verdict is what a call says of its backend.
type verdict int

const (
	success   verdict = iota
	failure           // it counts against the backend
	badAnswer         // so does this, but it is an answer, and the caller's to judge
	uncounted         // it says nothing
)

// begin lets a call through or refuses it.
func (b *Breaker) begin(ctx context.Context, statement string) (*call, error) {
	p := b.current()
	now := deadline.Now()
	rec := request.From(ctx)
	var probe func(error)
	if !p.closed() {
		var err error
		if probe, err = b.knock(ctx, p, now); err != nil {
			b.count.refused.Add(1)
			rec.Refuse(b.name(), err.(*OpenError).RetryAfter)
			return nil, err
		}
	}
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
	c.b, c.p, c.probe, c.start = b, p, probe, now
	c.ctx.Parent, c.ctx.of = ctx, c
	c.ctx.Until = deadline.Never
	if b.timeout > 0 {
		c.ctx.Until = now + b.timeout
	}
	c.entry.Item = c
	b.due.Add(&c.entry, c.due(now))
	return c, nil
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
// a response's body. Timeout is for each piece; the time that the caller takes in between
// is not the backend's. A call begins waiting. They are called in turn, by one goroutine at a time.
func (c *call) rest() {
	now := deadline.Now()
	c.ctx.Release() // what is to come has no deadline yet
	c.resting.Store(true)
	c.idle -= now
	due := deadline.Never
	if c.probe != nil {
		due = c.due(now)
	}
	c.b.due.Set(&c.entry, due, 0)
}

func (c *call) wait() {
	now := deadline.Now()
	c.idle += now
	c.resting.Store(false)
	c.b.due.Set(&c.entry, c.due(now), 0)
}

// leave is deferred around what runs inside a call. It settles a call that
// panics or ends its goroutine. A panic goes on with its stack, since nothing
// has been unwound.
func (c *call) leave() {
	if c.ended {
		return
	}
	value := recover()
	if value == nil || value == http.ErrAbortHandler {
		c.finish(uncounted) // Goexit, or an answer given up: neither is the backend's doing
	} else {
		c.finish(failure)
	}
	if value != nil {
		panic(value)
	}
}

// end ends the call with what it returned.
func (c *call) end(err error) { c.finish(c.judge(err)) }

// finish ends the call.
func (c *call) finish(v verdict) {
	if c.ended {
		return
	}
	c.ended = true
	c.b.due.Remove(&c.entry)
	now := deadline.Now()
	if c.resting.Load() {
		c.idle += now
	}
	took := now - c.start - c.idle
	if c.on != nil {
		failed := v == failure || v == badAnswer
		c.on.tally.End(took, failed)
		if text := c.on.tally.Statement; text != "" {
			c.b.statements.add(text, took, failed)
		}
	}
	c.b.count.time.Add(int64(took))
	if !c.settle(v, now, took) && c.b.timeout > 0 {
		c.b.count.overdue.Add(-1)
	}
	c.ctx.Cancel()
}

// judge tells what an error says of the backend.
func (c *call) judge(err error) verdict {
	if err == nil {
		return success
	}
	switch c.ctx.Parent.Err() {
	case context.Canceled:
		return uncounted // nobody waits for it any more
	case context.DeadlineExceeded:
		if c.hadItsChance() {
			return failure
		}
		return uncounted
	}
	if c.b.IsFailure != nil {
		if c.b.IsFailure(err) {
			return failure
		}
		return success
	}
	var refusal request.Refuser
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return success
	case errors.Is(err, context.Canceled):
		return uncounted
	case errors.As(err, &refusal) && c.late() == nil:
		return uncounted
	}
	return failure
}

// hadItsChance reports whether the call was given enough of the time that its
// caller had. A request that another backend has held up until shortly before
// its deadline says nothing of this one.
func (c *call) hadItsChance() bool {
	at, ok := c.ctx.Parent.Deadline()
	if !ok || c.on == nil {
		return true
	}
	until := deadline.Of(at)
	return until-c.start >= (until-c.on.rec.Start)/10
}

// record is that of the request; nil if there is none.
func (c *call) record() *request.Record {
	if c.on == nil {
		return nil
	}
	return c.on.rec
}

// late is the error of a call that has taken all its Timeout; nil otherwise.
func (c *call) late() *TimeoutError {
	if c.ctx.Err() == nil {
		return nil
	}
	late, _ := context.Cause(&c.ctx).(*TimeoutError)
	if late == nil || late.of != c {
		return nil // it is that of a call around
	}
	return late
}

// settle counts the call, once.
func (c *call) settle(v verdict, now, took time.Duration) (first bool) {
	if !c.settled.CompareAndSwap(false, true) {
		return false
	}
	b := c.b
	switch v {
	case failure, badAnswer:
		b.count.failed.Add(1)
	case uncounted:
		b.count.uncounted.Add(1)
	}
	slow := took >= b.slow
	if slow {
		b.count.slow.Add(1)
	}
	if c.probe != nil {
		b.probed(c, v)
	} else if b.period.Load() == c.p && c.p.closed() {
		b.counted(c.p, v, now, slow)
	}
	if v == failure {
		c.record().Unavailable(b.name(), b.comeBack())
	}
	return true
}

// named gives a deadline that has passed the name of the backend that it waited
// for.
func (c *call) named(err error) error {
	if err == context.DeadlineExceeded || err == context.Canceled {
		if late := c.late(); late != nil {
			return late
		}
	}
	return err
}

// fire is called when a call may have taken all its Timeout.
func (b *Breaker) fire(now time.Duration) {
	for _, c := range b.due.Collect(now, nil) {
		c.timeout(now)
	}
}

// timeout counts the call as failed, whether it goes on or not, and ends its
// context.
func (c *call) timeout(now time.Duration) {
	b := c.b
	if c.resting.Load() { // a probe whose answer is good so far, and whose place is needed
		c.settle(success, now, 0)
		return
	}
	if b.timeout == 0 { // a probe that takes too long: its place is needed
		c.settle(failure, now, b.watch)
		return
	}
	if !c.settle(failure, now, b.timeout) {
		return
	}
	b.count.timedOut.Add(1)
	b.count.overdue.Add(1)
	late := &TimeoutError{Name: b.name(), Limit: b.timeout, RetryAfter: b.comeBack(), of: c}
	c.ctx.Exceed(late)
}
