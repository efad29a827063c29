package breaker

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
)

// do makes one call on a connection.
func do[T any](cn *conn, ctx context.Context, statement string, f func(*call) (T, error)) (T, error) {
	c, err := cn.begin(ctx, statement)
	if err != nil {
		return *new(T), err
	}
	defer cn.leave(c)
	v, err := f(c)
	return v, cn.end(c, cn.judge(c, err), err)
}

// begin lets a call on the connection through or not.
func (cn *conn) begin(ctx context.Context, statement string) (*call, error) {
	if cn.broken != nil {
		return nil, cn.broken
	}
	c, err := cn.b.begin(ctx, statement)
	if err != nil {
		return nil, err
	}
	if cn.stale {
		c.forget()
		return nil, driver.ErrBadConn
	}
	return c, nil
}

// admit lets a call through whatever the state: one that ends what was begun.
func (b *Breaker) admit(ctx context.Context, statement string) *call {
	return b.enter(ctx, request.From(ctx), statement, b.current(), nil, deadline.Now())
}

// forget takes a call out of the books as if it had not been made, unless it
// has taken all its Timeout.
func (c *call) forget() {
	if !c.fate.CompareAndSwap(0, settled|ended) {
		c.finish(uncounted)
		return
	}
	c.b.count.forgotten.Add(1)
	c.b.due.Remove(&c.entry)
	if c.probe != nil {
		c.probe(errNone)
	}
	if c.on != nil {
		c.on.tally.Forget()
	}
	c.ctx.Cancel()
}

// leave is deferred around what runs inside a call. One that rests goes on.
func (cn *conn) leave(c *call) {
	if c.resting.Load() || c.fate.Load()&ended != 0 {
		return
	}
	value := recover()
	c.finish(c.judgePanic(value))
	if value != nil {
		panic(value)
	}
}

// judge tells what a driver's error says of the backend.
func (cn *conn) judge(c *call, err error) verdict {
	if cn.busy != nil || err == driver.ErrSkip {
		return uncounted
	}
	v := c.judge(err)
	if v == success {
		cn.lost = false
		return v
	}
	before := cn.lost
	cn.lost = cn.loses(v, err)
	switch {
	case v == uncounted, c.late() != nil:
		return v
	case before && cn.lost, cn.proven && isStale(err):
		return uncounted
	case cn.b.IsFailure != nil:
		return v
	case cn.lost, c.ctx.Parent.Err() != nil, inTrouble(sqlState(err)):
		return failure
	}
	return success // the server's answer, or the driver's, on a connection that goes on
}

// loses reports whether a connection is lost with a call that has not succeeded.
// PostgreSQL's drivers are no Validators, but tell the SQLSTATE; and pgx closes
// the connection of a call that is cancelled, and has no error of its own for
// what is then asked of it.
func (cn *conn) loses(v verdict, err error) bool {
	state := sqlState(err)
	switch {
	case errors.Is(err, driver.ErrBadConn):
		return true
	case cn.validator != nil:
		return !cn.validator.IsValid()
	case state != "":
		return strings.HasPrefix(state, "08") || strings.HasPrefix(state, "57P")
	}
	return v == uncounted || cn.lost || isLoss(err)
}

// isStale reports whether an error is that of a connection which the server, or
// something between, has closed while it was idle: 57P05 is idle_session_timeout.
func isStale(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || sqlState(err) == "57P05"
}

// sqlState is the SQLSTATE of an error that has one.
func sqlState(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState()
	}
	return ""
}

// inTrouble tells the SQLSTATEs by which a server says that it is shutting down,
// starting, or short of connections, memory or disk. The rest of their classes
// is about the statement or the session, as 53400 is of a limit that it set, and
// 58P01 of a file that it named. See PostgreSQL's documentation, appendix A.
func inTrouble(state string) bool {
	switch state {
	case "53000", "53100", "53200", "53300", "57P01", "57P02", "57P03", "58000", "58030":
		return true
	}
	return strings.HasPrefix(state, "08")
}

// end ends a call that the driver has returned from, and gives its error the
// backend's name if it took all its Timeout.
func (cn *conn) end(c *call, v verdict, err error) error {
	if cn.busy != nil {
		return err // the call goes on elsewhere
	}
	if err == driver.ErrSkip {
		c.forget() // it was none
		return err
	}
	late := c.late()
	c.finish(v)
	if v == success {
		cn.proven, cn.trips = true, cn.b.count.trips.Load()
	}
	if late != nil && errors.Is(err, driver.ErrBadConn) {
		cn.broken = late // database/sql would try again, and again take as long
	}
	return explain(late, err)
}

// explain says of an error that it came after all of a call's Timeout.
func explain(late *TimeoutError, err error) error {
	var said *TimeoutError
	switch {
	case err == nil || late == nil || errors.As(err, &said):
		return err
	case err == context.DeadlineExceeded, err == context.Canceled, errors.Is(err, driver.ErrBadConn):
		return late
	}
	return fmt.Errorf("%w: %w", late, err)
}

// apart runs a part of a call for which the driver has no context. At Timeout,
// and a tenth more for those that heed another, the caller is given back, and
// the connection stays with what runs.
func apart[T any](cn *conn, c *call, f func() (T, error)) (T, error) {
	if c.b.timeout == 0 {
		return f()
	}
	o := &outcome[T]{over: make(chan struct{})}
	go o.of(c, f)
	timer := time.NewTimer(c.b.timeout + c.b.timeout/10)
	defer timer.Stop()
	select {
	case <-o.over:
		return o.get()
	case <-timer.C:
	}
	c.timeout(deadline.Now()) // if that timer was not as fast
	err := c.ctx.Err()
	if late := c.late(); late != nil {
		err = late
	}
	c.rest()
	if o.ended.CompareAndSwap(false, true) {
		cn.broken, cn.busy = err, o.over
		return *new(T), err
	}
	c.wait()
	<-o.over
	return o.get()
}

// An outcome is that of a part of a call that runs apart.
type outcome[T any] struct {
	ended    atomic.Bool   // or nobody waits for it any more, and the call is its to end
	over     chan struct{} // closed after all the rest
	v        T
	err      error
	returned bool
	panicked any // Goexit if it is nil
}

// of is the goroutine that it runs on.
func (o *outcome[T]) of(c *call, f func() (T, error)) {
	defer func() {
		if !o.returned {
			o.panicked = recover()
		}
		if !o.ended.CompareAndSwap(false, true) {
			if o.panicked != nil { // it has no caller any more whom it could reach
				slog.LogAttrs(context.Background(), slog.LevelError, "breaker: panic in a call that was left behind",
					slog.String("backend", c.b.name()), slog.Any("panic", o.panicked), slog.String("stack", string(debug.Stack())))
			}
			c.finish(failure)
		}
		close(o.over)
	}()
	o.v, o.err = f()
	o.returned = true
}

// get goes on with the outcome on the caller's goroutine.
func (o *outcome[T]) get() (T, error) {
	switch {
	case o.returned:
	case o.panicked != nil:
		panic(o.panicked)
	default:
		runtime.Goexit()
	}
	return o.v, o.err
}
