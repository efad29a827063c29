//lint:file-ignore SA1019 what old drivers have is deprecated, and kept for them

package breaker_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
)

// A fakeDB is a database made for a test: it does what on says and writes down
// what the driver was asked.
type fakeDB struct {
	// dress makes a connection of the basic one, with the optional interfaces
	// that a test is about. Nil is all of them.
	dress func(*fakeConn) driver.Conn
	// clothe does so with a statement.
	clothe func(*fakeStmt) driver.Stmt
	// on is called for each thing asked, with the context that was given if there
	// was one; the thing fails with the error. It may be nil.
	on func(ctx context.Context, what string) error
	// data are the rows of every query, one result set after the other.
	data [][]int64

	mu     sync.Mutex
	asked  []string
	conns  int
	closed bool
}

func (b *fakeDB) ask(ctx context.Context, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	b.mu.Lock()
	b.asked = append(b.asked, what)
	b.mu.Unlock()
	if b.on != nil {
		if err := b.on(ctx, what); err != nil {
			return err
		}
	}
	if ctx != nil && strings.Contains(what, "begin") {
		return ctx.Err() // database/sql would end it at a time of its own
	}
	return nil
}

func (b *fakeDB) journal() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.asked, "\n")
}

// count is how often something was asked that contains text.
func (b *fakeDB) count(text string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, what := range b.asked {
		if strings.Contains(what, text) {
			n++
		}
	}
	return n
}

// The backend is its own driver and connector.

func (b *fakeDB) Driver() driver.Driver                 { return b }
func (b *fakeDB) Open(name string) (driver.Conn, error) { return b.Connect(context.Background()) }
func (b *fakeDB) Close() error                          { b.closed = true; return errors.New("closing") }

func (b *fakeDB) Connect(ctx context.Context) (driver.Conn, error) {
	b.mu.Lock()
	b.conns++
	c := &fakeConn{b: b, id: b.conns}
	b.mu.Unlock()
	if err := b.ask(ctx, "%d: connect", c.id); err != nil {
		return nil, err
	}
	if b.dress == nil {
		return full{c, ctxExec{c}, ctxQuery{c}, reset{c}, valid{c}, begin{c}, prepare{c}, ping{c}, check{}}, nil
	}
	return b.dress(c), nil
}

// full is a connection with all that there is.
type full struct {
	*fakeConn
	ctxExec
	ctxQuery
	reset
	valid
	begin
	prepare
	ping
	check
}

// A fakeConn has what every connection has.
type fakeConn struct {
	b    *fakeDB
	id   int
	lost bool // it is not valid
}

func (c *fakeConn) Close() error { return c.b.ask(context.Background(), "%d: close", c.id) }

func (c *fakeConn) Begin() (driver.Tx, error) {
	if err := c.b.ask(context.Background(), "%d: begin", c.id); err != nil {
		return nil, err
	}
	return &fakeTx{c: c}, nil
}

func (c *fakeConn) Prepare(query string) (driver.Stmt, error) {
	return c.prepared(c.b.ask(context.Background(), "%d: prepare %s", c.id, query), query)
}

func (c *fakeConn) prepared(err error, query string) (driver.Stmt, error) {
	if err != nil {
		return nil, err
	}
	s := &fakeStmt{c, query}
	if c.b.clothe == nil {
		return struct {
			*fakeStmt
			stmtExec
			stmtQuery
		}{s, stmtExec{s}, stmtQuery{s}}, nil
	}
	return c.b.clothe(s), nil
}

func (c *fakeConn) rows(err error, ctx context.Context) (driver.Rows, error) {
	if err != nil {
		return nil, err
	}
	return &fakeRows{c: c, ctx: ctx, left: c.b.data}, nil
}

type fakeTx struct {
	c   *fakeConn
	ctx context.Context // with which it began, as pgx keeps it
}

func (t *fakeTx) Commit() error   { return t.c.b.ask(t.ctx, "%d: commit", t.c.id) }
func (t *fakeTx) Rollback() error { return t.c.b.ask(t.ctx, "%d: rollback", t.c.id) }

// A fakeStmt has what every statement has.
type fakeStmt struct {
	c     *fakeConn
	query string
}

func (s *fakeStmt) Close() error {
	return s.c.b.ask(context.Background(), "%d: close statement", s.c.id)
}
func (s *fakeStmt) NumInput() int { return strings.Count(s.query, "?") }

func (s *fakeStmt) Exec(args []driver.Value) (driver.Result, error) {
	return driver.RowsAffected(len(args)), s.c.b.ask(context.Background(), "%d: statement's exec %s %v", s.c.id, s.query, args)
}

func (s *fakeStmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.c.rows(s.c.b.ask(context.Background(), "%d: statement's query %s %v", s.c.id, s.query, args), nil)
}

// The optional interfaces, one each.

type (
	oldExec   struct{ of *fakeConn }
	oldQuery  struct{ of *fakeConn }
	ctxExec   struct{ of *fakeConn }
	ctxQuery  struct{ of *fakeConn }
	reset     struct{ of *fakeConn }
	valid     struct{ of *fakeConn }
	begin     struct{ of *fakeConn }
	prepare   struct{ of *fakeConn }
	ping      struct{ of *fakeConn }
	check     struct{}
	stmtExec  struct{ of *fakeStmt }
	stmtQuery struct{ of *fakeStmt }
	convert   struct{}
)

func (e oldExec) Exec(query string, args []driver.Value) (driver.Result, error) {
	return driver.RowsAffected(len(args)), e.of.b.ask(context.Background(), "%d: exec %s %v", e.of.id, query, args)
}

func (q oldQuery) Query(query string, args []driver.Value) (driver.Rows, error) {
	return q.of.rows(q.of.b.ask(context.Background(), "%d: query %s %v", q.of.id, query, args), nil)
}

func (e ctxExec) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(len(args)), e.of.b.ask(ctx, "%d: exec %s %v", e.of.id, query, args)
}

func (q ctxQuery) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return q.of.rows(q.of.b.ask(ctx, "%d: query %s %v", q.of.id, query, args), ctx)
}

func (r reset) ResetSession(ctx context.Context) error { return r.of.b.ask(ctx, "%d: reset", r.of.id) }

func (v valid) IsValid() bool { return !v.of.lost }

func (b begin) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := b.of.b.ask(ctx, "%d: begin %+v", b.of.id, opts); err != nil {
		return nil, err
	}
	return &fakeTx{b.of, ctx}, nil
}

func (p prepare) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return p.of.prepared(p.of.b.ask(ctx, "%d: prepare %s", p.of.id, query), query)
}

func (p ping) Ping(ctx context.Context) error { return p.of.b.ask(ctx, "%d: ping", p.of.id) }

// CheckNamedValue takes an odd, and leaves the others to database/sql. It takes
// out those that are gone.
func (check) CheckNamedValue(v *driver.NamedValue) error {
	switch value := v.Value.(type) {
	case odd:
		v.Value = "checked " + value.text
	case gone:
		return driver.ErrRemoveArgument
	default:
		return driver.ErrSkip
	}
	return nil
}

// An odd is an argument that database/sql itself does not take.
type odd struct{ text string }
type gone struct{}

func (convert) ColumnConverter(i int) driver.ValueConverter { return converts(i) }

type converts int

func (i converts) ConvertValue(v any) (driver.Value, error) {
	if o, ok := v.(odd); ok {
		return fmt.Sprintf("converted %d %s", i, o.text), nil
	}
	return driver.DefaultParameterConverter.ConvertValue(v)
}

func (e stmtExec) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(len(args)), e.of.c.b.ask(ctx, "%d: statement's exec %s %v", e.of.c.id, e.of.query, args)
}

func (q stmtQuery) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return q.of.c.rows(q.of.c.b.ask(ctx, "%d: statement's query %s %v", q.of.c.id, q.of.query, args), ctx)
}

// fakeRows have numbers, and several result sets if the data have.
type fakeRows struct {
	c    *fakeConn
	ctx  context.Context
	left [][]int64
	at   int
}

func (r *fakeRows) Columns() []string { return []string{"n"} }
func (r *fakeRows) Close() error      { return r.c.b.ask(r.ctx, "%d: close rows", r.c.id) }

func (r *fakeRows) Next(dest []driver.Value) error {
	if len(r.left) == 0 || r.at == len(r.left[0]) {
		return io.EOF
	}
	dest[0] = r.left[0][r.at]
	r.at++
	return r.c.b.ask(r.ctx, "%d: row %d", r.c.id, dest[0])
}

func (r *fakeRows) HasNextResultSet() bool { return len(r.left) > 1 }

func (r *fakeRows) NextResultSet() error {
	if len(r.left) < 2 {
		return io.EOF
	}
	r.left, r.at = r.left[1:], 0
	return r.c.b.ask(r.ctx, "%d: next results", r.c.id)
}

func (r *fakeRows) ColumnTypeScanType(int) reflect.Type                { return reflect.TypeFor[int64]() }
func (r *fakeRows) ColumnTypeDatabaseTypeName(int) string              { return "NUMBER" }
func (r *fakeRows) ColumnTypeLength(int) (int64, bool)                 { return 8, true }
func (r *fakeRows) ColumnTypeNullable(int) (bool, bool)                { return true, true }
func (r *fakeRows) ColumnTypePrecisionScale(int) (a, b int64, ok bool) { return 3, 4, true }
