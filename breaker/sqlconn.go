//lint:file-ignore SA1019 what old drivers have is deprecated, and kept for them

package breaker

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/heeler-go/heeler/internal/deadline"
)

// A conn is a driver's connection. database/sql uses it, with its statements,
// rows and transaction, from one goroutine at a time.
type conn struct {
	b      *Breaker
	driver driver.Conn

	validator driver.Validator // the driver's own, through its wrappers; nil if it is none

	fingerprint func(statement string) string

	trips  uint64          // of the breaker, when the backend last answered on it
	proven bool            // the backend has answered on it
	lost   bool            // as far as is known; what follows from that says nothing new
	stale  bool            // it was taken from the pool during an outage
	broken error           // why it is no good any more, which calls return; nil if it is
	busy   <-chan struct{} // closed when the call ends that was left with it; nil if none was
}

// Raw is the driver's own.
func (cn *conn) Raw() driver.Conn { return cn.driver }

// Close never waits for the backend longer than the driver does.
func (cn *conn) Close() error {
	if cn.busy != nil {
		go closeAfter(cn.busy, cn.driver)
		return nil
	}
	return cn.driver.Close()
}

// closeAfter closes a connection when the call has ended that has it.
func closeAfter(busy <-chan struct{}, d driver.Conn) {
	<-busy
	d.Close()
}

// Ping does nothing if the driver cannot, as database/sql.
func (cn *conn) Ping(ctx context.Context) error {
	d, ok := cn.driver.(driver.Pinger)
	if !ok {
		return nil
	}
	_, err := do(cn, ctx, "ping", func(c *call) (struct{}, error) {
		return struct{}{}, d.Ping(&c.ctx)
	})
	return err
}

// CheckNamedValue checks an argument when there is no statement; those have
// their own.
func (cn *conn) CheckNamedValue(v *driver.NamedValue) error {
	if d, ok := cn.driver.(driver.NamedValueChecker); ok {
		return d.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// Prepare is for other wrappers; database/sql has the context.
func (cn *conn) Prepare(query string) (driver.Stmt, error) {
	return cn.PrepareContext(context.Background(), query)
}

func (cn *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	text := cn.shape(query)
	s, err := do(cn, ctx, "PREPARE "+text, func(c *call) (driver.Stmt, error) {
		if d, ok := cn.driver.(driver.ConnPrepareContext); ok {
			return d.PrepareContext(&c.ctx, query)
		}
		s, err := apart(cn, c, func() (driver.Stmt, error) { return cn.driver.Prepare(query) })
		if err == nil && ctx.Err() != nil {
			s.Close()
			return nil, ctx.Err()
		}
		return s, err
	})
	if err != nil {
		return nil, err
	}
	return cn.statement(s, text), nil
}

// Begin is for other wrappers; database/sql has the context.
func (cn *conn) Begin() (driver.Tx, error) {
	return cn.BeginTx(context.Background(), driver.TxOptions{})
}

func (cn *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	d, ok := cn.driver.(driver.ConnBeginTx)
	switch {
	case ok:
	case opts.Isolation != driver.IsolationLevel(sql.LevelDefault):
		return nil, errors.New("sql: driver does not support non-default isolation level")
	case opts.ReadOnly:
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	t := &tx{cn: cn}
	t.life.Parent = ctx
	inner, err := do(cn, ctx, "BEGIN", func(c *call) (driver.Tx, error) {
		t.life.Until = c.ctx.Until
		defer t.bound(c)()
		if ok {
			inner, err := d.BeginTx(&t.life, opts)
			if late := c.late(); err == nil && late != nil {
				// Its context has ended, and so would the transaction.
				if _, err := apart(cn, c, func() (struct{}, error) { return struct{}{}, inner.Rollback() }); err != nil {
					cn.broken = late
				}
				return nil, late
			}
			return inner, err
		}
		inner, err := apart(cn, c, cn.driver.Begin)
		if err == nil && ctx.Err() != nil {
			inner.Rollback()
			return nil, ctx.Err()
		}
		return inner, err
	})
	if err != nil {
		t.life.Cancel()
		return nil, err
	}
	t.life.Release()
	t.driver = inner
	return t, nil
}

// A tx is a transaction. Some drivers (pgx, lib/pq, go-mssqldb) go on to use the
// context with which it began, so that one lives as long as it. It is bounded
// only while a call is made for it.
type tx struct {
	cn     *conn
	driver driver.Tx
	life   deadline.Context
}

// bound ends the transaction's context with a call's Timeout, until the function
// is called that it returns.
func (t *tx) bound(c *call) (stop func() bool) {
	return c.ctx.AfterFunc(func() {
		if late := c.late(); late != nil {
			t.life.Exceed(late)
		}
	})
}

func (t *tx) Commit() error   { return t.end("COMMIT", t.driver.Commit) }
func (t *tx) Rollback() error { return t.end("ROLLBACK", t.driver.Rollback) }

// end ends the transaction, in whatever state the breaker is. As drivers are
// given no context for it, the end of the transaction's does not end it; that
// database/sql does so and rolls back says nothing of the backend.
func (t *tx) end(statement string, f func() error) error {
	defer t.life.Cancel()
	cn := t.cn
	if cn.busy != nil {
		return cn.broken
	}
	c := cn.b.admit(context.WithoutCancel(t.life.Parent), statement)
	defer cn.leave(c)
	defer t.bound(c)()
	_, err := apart(cn, c, func() (struct{}, error) { return struct{}{}, f() })
	v := uncounted
	if cn.busy == nil && (err == nil || t.life.Parent.Err() == nil) {
		v = cn.judge(c, err)
	}
	return cn.end(c, v, err)
}

// shape is a statement's fingerprint. While calls are refused nobody needs it,
// and it would take longer than all the rest.
func (cn *conn) shape(query string) string {
	if cn.b.RetryAfter() > 0 {
		return ""
	}
	return cn.fingerprint(query)
}
