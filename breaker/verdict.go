package breaker

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
)

// A verdict is what a call says of its backend.
type verdict int

const (
	success   verdict = iota
	failure           // it counts against the backend, which was not there
	badAnswer         // it counts, too, but the backend, or the caller's own code, said something
	uncounted         // it says nothing
	begun             // success, but of no weight against failures: more is to come
)

// judge tells what the error that a call has returned says of the backend.
func (c *call) judge(err error) verdict {
	switch {
	case err == nil:
		return success
	case c.late() != nil:
		return failure
	case c.excuses(err):
		return uncounted
	}
	failed := !errors.Is(err, sql.ErrNoRows)
	if c.b.IsFailure != nil {
		failed = c.b.IsFailure(err)
	}
	switch {
	case !failed:
		return success
	case isLoss(err):
		return failure
	}
	return badAnswer
}

// isLoss reports whether an error is that of a connection, or of a deadline: of
// somebody who is not there.
func isLoss(err error) bool {
	var network net.Error // a syscall.Errno is one, too
	for _, loss := range []error{
		driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, context.DeadlineExceeded,
	} {
		if errors.Is(err, loss) {
			return true
		}
	}
	return errors.As(err, &network)
}

// judgePanic tells what a panic says, or Goexit, which has no value. IsFailure
// knows errors that are returned, and is not asked.
func (c *call) judgePanic(value any) verdict {
	err, _ := value.(error)
	switch {
	case c.late() != nil:
		return failure
	case value == nil, err == http.ErrAbortHandler: // an answer given up is not the backend's doing
		return uncounted
	case err != nil && c.excuses(err):
		return uncounted
	}
	return badAnswer
}

// excuses reports whether an error says nothing of the backend: the caller went
// away, or something else is not available.
func (c *call) excuses(err error) bool {
	var refusal request.Refuser
	if errors.As(err, &refusal) {
		return true
	}
	switch c.ctx.Parent.Err() {
	case nil:
		return errors.Is(err, context.Canceled) // the caller's own doing, further in
	case context.DeadlineExceeded:
		return !c.hadItsChance()
	}
	return true
}

// hadItsChance reports whether the wait under way was given enough of the time
// that the caller had: a tenth of the request's, or as much as a slow call takes. A
// request that another backend has held up until shortly before its deadline
// says nothing of this one. Without a request nobody knows, but for a call that
// had no time at all.
func (c *call) hadItsChance() bool {
	at, ok := c.ctx.Parent.Deadline()
	if !ok {
		return true
	}
	until := deadline.Of(at)
	given, enough := until-c.since, time.Duration(1)
	if rec := c.record(); rec != nil {
		enough = max(enough, min(c.b.slow, (until-rec.Start)/10))
	}
	return given >= enough
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
		now := deadline.Now()
		if now < c.ctx.Until || c.ctx.Released() {
			return nil
		}
		c.timeout(now) // a driver that heeds the context's Deadline may be faster than our timer
	}
	late, _ := context.Cause(&c.ctx).(*TimeoutError)
	if late == nil || late.of != c {
		return nil // it is that of a call around
	}
	return late
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

// count counts the call. It is called once, by whoever settles it.
// longest is that of its waits.
func (c *call) count(v verdict, now, longest time.Duration) {
	b := c.b
	switch v {
	case failure, badAnswer:
		b.count.failed.Add(1)
	case uncounted:
		b.count.uncounted.Add(1)
	}
	slow := longest >= b.slow
	if slow {
		b.count.slow.Add(1)
	}
	switch {
	case c.probe != nil:
		b.probed(c, v, slow && b.SlowRate >= 0)
	case c.p.closed(): // or part of a probe
		b.counted(c.p, v, now, slow)
	}
	if v == failure {
		c.record().Unavailable(b.name(), b.comeBack())
	}
}
