//lint:file-ignore SA1019 what old drivers have is deprecated, and kept for them

package breaker

import (
	"context"
	"database/sql/driver"
)

// A stmt is a driver's prepared statement.
type stmt struct {
	cn     *conn
	driver driver.Stmt
	text   string // its fingerprint
}

// A converter is one whose driver has a converter for each argument. It is
// there only if the driver has one: what is missing has rules of its own.
type converter struct {
	*stmt
	driver driver.ColumnConverter
}

func (c converter) ColumnConverter(i int) driver.ValueConverter { return c.driver.ColumnConverter(i) }

func (cn *conn) statement(d driver.Stmt, text string) driver.Stmt {
	s := &stmt{cn, d, text}
	if c, ok := d.(driver.ColumnConverter); ok {
		return converter{s, c}
	}
	return s
}

func (s *stmt) NumInput() int { return s.driver.NumInput() }

// Close leaves the statement to the connection's Close if that is to come: pgx
// asks the server to forget the statement, and waits for up to 5 s, while
// database/sql may hold the lock of its whole pool.
func (s *stmt) Close() error {
	cn := s.cn
	if cn.busy != nil || cn.broken != nil || cn.lost || cn.trips != cn.b.count.trips.Load() {
		return nil
	}
	c := cn.b.admit(context.Background(), "")
	defer cn.leave(c)
	_, err := apart(cn, c, func() (struct{}, error) { return struct{}{}, s.driver.Close() })
	if cn.busy == nil {
		c.forget() // not what anybody asks for
	}
	return err
}

// CheckNamedValue is the statement's, or else the connection's.
func (s *stmt) CheckNamedValue(v *driver.NamedValue) error {
	if d, ok := s.driver.(driver.NamedValueChecker); ok {
		return d.CheckNamedValue(v)
	}
	return s.cn.CheckNamedValue(v)
}

// Exec is for other wrappers; database/sql has the context.
func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), numbered(args))
}

// Query is for other wrappers; database/sql has the context.
func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), numbered(args))
}

func numbered(args []driver.Value) []driver.NamedValue {
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return named
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if d, ok := s.driver.(driver.StmtExecContext); ok {
		return do(s.cn, ctx, s.text, func(c *call) (driver.Result, error) {
			return d.ExecContext(&c.ctx, args)
		})
	}
	values, err := plain(ctx, args)
	if err != nil {
		return nil, err
	}
	return do(s.cn, ctx, s.text, func(c *call) (driver.Result, error) {
		return apart(s.cn, c, func() (driver.Result, error) { return s.driver.Exec(values) })
	})
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if d, ok := s.driver.(driver.StmtQueryContext); ok {
		return s.cn.query(ctx, s.text, func(c *call) (driver.Rows, error) {
			return d.QueryContext(&c.ctx, args)
		})
	}
	values, err := plain(ctx, args)
	if err != nil {
		return nil, err
	}
	return s.cn.query(ctx, s.text, func(c *call) (driver.Rows, error) {
		return apart(s.cn, c, func() (driver.Rows, error) { return s.driver.Query(values) })
	})
}
