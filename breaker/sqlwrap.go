//lint:file-ignore SA1019 what old drivers have is deprecated, and kept for them

package breaker

import (
	"context"
	"database/sql/driver"
	"errors"
)

// wrap puts the breaker around a driver's connection. What it gives back has
// these methods only in the right combination, as database/sql does something
// else where they are missing:
//
//   - ExecContext and QueryContext if the driver has them, or Exec and Query.
//     Else database/sql prepares a statement and has the arguments checked by
//     that; ErrSkip would come too late.
//   - IsValid if the driver has it, since a driver that has both IsValid and
//     ResetSession keeps the connection of a transaction that database/sql has
//     rolled back because its context ended.
//   - ResetSession, for the breaker's own look at what leaves the pool, unless
//     the driver has only IsValid and so must not have both.
func (b *Breaker) wrap(d driver.Conn) driver.Conn {
	cn := &conn{b: b, driver: d, fingerprint: fingerprints(d), trips: b.count.trips.Load()}
	cn.validator, _ = DriverConn(d).(driver.Validator) // a wrapper's may know nothing
	e, q, r, v := executer{cn}, queryer{cn}, resetter{cn}, validator{cn}
	executes := is[driver.ExecerContext](d) || is[driver.Execer](d)
	queries := is[driver.QueryerContext](d) || is[driver.Queryer](d)
	resets, validates := is[driver.SessionResetter](d), is[driver.Validator](d)
	switch {
	case resets && validates:
		switch {
		case executes && queries:
			return struct {
				*conn
				executer
				queryer
				resetter
				validator
			}{cn, e, q, r, v}
		case executes:
			return struct {
				*conn
				executer
				resetter
				validator
			}{cn, e, r, v}
		case queries:
			return struct {
				*conn
				queryer
				resetter
				validator
			}{cn, q, r, v}
		default:
			return struct {
				*conn
				resetter
				validator
			}{cn, r, v}
		}
	case validates:
		switch {
		case executes && queries:
			return struct {
				*conn
				executer
				queryer
				validator
			}{cn, e, q, v}
		case executes:
			return struct {
				*conn
				executer
				validator
			}{cn, e, v}
		case queries:
			return struct {
				*conn
				queryer
				validator
			}{cn, q, v}
		default:
			return struct {
				*conn
				validator
			}{cn, v}
		}
	default:
		switch {
		case executes && queries:
			return struct {
				*conn
				executer
				queryer
				resetter
			}{cn, e, q, r}
		case executes:
			return struct {
				*conn
				executer
				resetter
			}{cn, e, r}
		case queries:
			return struct {
				*conn
				queryer
				resetter
			}{cn, q, r}
		default:
			return struct {
				*conn
				resetter
			}{cn, r}
		}
	}
}

// is reports whether v has the methods of T.
func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

type executer struct{ of *conn }

func (e executer) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	text := e.of.shape(query)
	if d, ok := e.of.driver.(driver.ExecerContext); ok {
		return do(e.of, ctx, text, func(c *call) (driver.Result, error) {
			return d.ExecContext(&c.ctx, query, args)
		})
	}
	values, err := plain(ctx, args)
	if err != nil {
		return nil, err
	}
	return do(e.of, ctx, text, func(c *call) (driver.Result, error) {
		return apart(e.of, c, func() (driver.Result, error) {
			return e.of.driver.(driver.Execer).Exec(query, values)
		})
	})
}

type queryer struct{ of *conn }

func (q queryer) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	text := q.of.shape(query)
	if d, ok := q.of.driver.(driver.QueryerContext); ok {
		return q.of.query(ctx, text, func(c *call) (driver.Rows, error) {
			return d.QueryContext(&c.ctx, query, args)
		})
	}
	values, err := plain(ctx, args)
	if err != nil {
		return nil, err
	}
	return q.of.query(ctx, text, func(c *call) (driver.Rows, error) {
		return apart(q.of, c, func() (driver.Rows, error) {
			return q.of.driver.(driver.Queryer).Query(query, values)
		})
	})
}

// plain is what database/sql does for a driver that knows neither contexts nor
// names of arguments.
func plain(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, arg := range args {
		if arg.Name != "" {
			return nil, errors.New("sql: driver does not support the use of Named Parameters")
		}
		values[i] = arg.Value
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	default:
		return values, nil
	}
}

type validator struct{ of *conn }

// IsValid is asked when the connection returns to the pool.
func (v validator) IsValid() bool {
	return v.of.broken == nil && v.of.driver.(driver.Validator).IsValid()
}

type resetter struct{ of *conn }

// ResetSession is called when the connection leaves the pool. ErrBadConn is the
// only error that counts there: it has database/sql take another.
func (r resetter) ResetSession(ctx context.Context) error {
	cn := r.of
	cn.stale = false
	switch {
	case cn.broken != nil:
		return driver.ErrBadConn
	case cn.b.State() == Open:
		cn.stale = true
		return nil // the call that follows may well be refused, and leave it as it is
	case cn.trips != cn.b.count.trips.Load():
		return driver.ErrBadConn
	}
	d, ok := cn.driver.(driver.SessionResetter)
	if !ok {
		return nil
	}
	c, err := cn.b.begin(ctx, "") // pgx asks the server
	if err != nil {
		cn.stale = true // it has tripped just now
		return nil
	}
	defer c.leave()
	err = d.ResetSession(&c.ctx)
	if late := c.late(); late != nil && err != nil {
		cn.broken = late // and the call that follows returns it
		return nil
	}
	c.forget()
	return err
}
