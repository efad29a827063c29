//lint:file-ignore SA1019 what old drivers have is deprecated, and kept for them

package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/breaker"
)

// dresses are kinds of driver by what their connections can do.
var dresses = map[string]func(*fakeConn) driver.Conn{
	"everything": nil,
	"nothing":    func(c *fakeConn) driver.Conn { return c },
	"Exec and Query": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			oldExec
			oldQuery
		}{c, oldExec{c}, oldQuery{c}}
	},
	"Exec only": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			oldExec
			valid
		}{c, oldExec{c}, valid{c}}
	},
	"QueryContext only": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			ctxQuery
			begin
			prepare
		}{c, ctxQuery{c}, begin{c}, prepare{c}}
	},
	"Exec, IsValid and ResetSession": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			oldExec
			reset
			valid
		}{c, oldExec{c}, reset{c}, valid{c}}
	},
	"QueryContext, IsValid and ResetSession": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			ctxQuery
			reset
			valid
		}{c, ctxQuery{c}, reset{c}, valid{c}}
	},
	"IsValid": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			valid
			check
		}{c, valid{c}, check{}}
	},
	"Query and IsValid": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			oldQuery
			valid
		}{c, oldQuery{c}, valid{c}}
	},
	"Exec, Query and IsValid": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			ctxExec
			oldQuery
			valid
		}{c, ctxExec{c}, oldQuery{c}, valid{c}}
	},
	"ResetSession, as pgx": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			ctxExec
			ctxQuery
			begin
			reset
			check
		}{c, ctxExec{c}, ctxQuery{c}, begin{c}, reset{c}, check{}}
	},
	"IsValid and ResetSession": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			valid
			reset
			ping
		}{c, valid{c}, reset{c}, ping{c}}
	},
}

// clothes are kinds of driver by what their statements can do.
var clothes = map[string]func(*fakeStmt) driver.Stmt{
	"contexts": nil,
	"nothing":  func(s *fakeStmt) driver.Stmt { return s },
	"a check": func(s *fakeStmt) driver.Stmt {
		return struct {
			*fakeStmt
			check
		}{s, check{}}
	},
	"converters": func(s *fakeStmt) driver.Stmt {
		return struct {
			*fakeStmt
			convert
		}{s, convert{}}
	},
	"a check, converters and ExecContext": func(s *fakeStmt) driver.Stmt {
		return struct {
			*fakeStmt
			check
			convert
			stmtExec
		}{s, check{}, convert{}, stmtExec{s}}
	},
}

// uses are what a program does with a database. Each tells what it saw.
var uses = map[string]func(ctx context.Context, db *sql.DB, see func(...any)){
	"exec": func(ctx context.Context, db *sql.DB, see func(...any)) {
		see(exec(db.ExecContext(ctx, "UPDATE")))
		see(exec(db.ExecContext(ctx, "UPDATE ?", 1)))
		see(exec(db.ExecContext(ctx, "UPDATE ?", odd{"x"})))
		see(exec(db.ExecContext(ctx, "UPDATE ?", gone{}, 2)))
		see(exec(db.ExecContext(ctx, "UPDATE ? ?", 2, struct{}{})))
		see(exec(db.ExecContext(ctx, "UPDATE ?", odd{"x"}, odd{"y"}, odd{"z"})))
		see(exec(db.ExecContext(ctx, "UPDATE ?", sql.Named("n", 1))))
		see(exec(db.ExecContext(ctx, "UPDATE ?", sql.Named("1n", 1))))
	},
	"query": func(ctx context.Context, db *sql.DB, see func(...any)) {
		see(all(db.QueryContext(ctx, "SELECT")))
		see(all(db.QueryContext(ctx, "SELECT ?", 1)))
		see(all(db.QueryContext(ctx, "SELECT ?", odd{"x"})))
		see(all(db.QueryContext(ctx, "SELECT ?", sql.Named("n", 1))))
		var n int
		see(db.QueryRowContext(ctx, "SELECT one").Scan(&n), n)
	},
	"prepare": func(ctx context.Context, db *sql.DB, see func(...any)) {
		s, err := db.PrepareContext(ctx, "DO ?")
		if see(err); err != nil {
			return
		}
		see(exec(s.ExecContext(ctx, 1)))
		see(exec(s.ExecContext(ctx, odd{"x"})))
		see(exec(s.ExecContext(ctx, 1, 2)))
		see(all(s.QueryContext(ctx, 3)))
		tx, err := db.BeginTx(ctx, nil)
		if see(err); err == nil {
			see(exec(tx.StmtContext(ctx, s).ExecContext(ctx, 4)))
			see(tx.Commit())
		}
		see(s.Close())
	},
	"transactions": func(ctx context.Context, db *sql.DB, see func(...any)) {
		for _, opts := range []*sql.TxOptions{nil, {Isolation: sql.LevelSerializable}, {ReadOnly: true}} {
			for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
				tx, err := db.BeginTx(ctx, opts)
				if see(err); err != nil {
					continue
				}
				see(exec(tx.ExecContext(ctx, "UPDATE ?", 1)))
				see(all(tx.QueryContext(ctx, "SELECT")))
				see(end(tx))
				see(end(tx))
			}
		}
	},
	"a transaction whose context ends": func(ctx context.Context, db *sql.DB, see func(...any)) {
		inside, cancel := context.WithCancel(ctx)
		defer cancel()
		tx, err := db.BeginTx(inside, nil)
		if see(err); err != nil {
			return
		}
		cancel()
		for tx.Commit() != sql.ErrTxDone { // rolled back by database/sql
			runtime.Gosched()
		}
		for db.Stats().InUse > 0 {
			runtime.Gosched()
		}
		see("open", db.Stats().OpenConnections) // whether it kept the connection
	},
	"a connection": func(ctx context.Context, db *sql.DB, see func(...any)) {
		see(db.PingContext(ctx))
		conn, err := db.Conn(ctx)
		if see(err); err != nil {
			return
		}
		see(conn.PingContext(ctx))
		see(conn.Raw(func(c any) error {
			see(breaker.DriverConn(c).(interface{ ID() int }).ID())
			return nil
		}))
		see(exec(conn.ExecContext(ctx, "UPDATE")))
		see(conn.Raw(func(any) error { return driver.ErrBadConn }))
		see(conn.PingContext(ctx))
		see(conn.Close())
	},
	"columns and result sets": func(ctx context.Context, db *sql.DB, see func(...any)) {
		rows, err := db.QueryContext(ctx, "SELECT")
		if see(err); err != nil {
			return
		}
		names, err := rows.Columns()
		see(names, err)
		types, err := rows.ColumnTypes()
		see(err)
		for _, c := range types {
			length, hasLength := c.Length()
			precision, scale, hasSize := c.DecimalSize()
			nullable, known := c.Nullable()
			see(c.ScanType(), c.DatabaseTypeName(), length, hasLength, precision, scale, hasSize, nullable, known)
		}
		see(rows.NextResultSet(), rows.Next(), rows.NextResultSet(), rows.Next(), rows.Err())
		see(rows.Close())
	},
	"an ended context": func(ctx context.Context, db *sql.DB, see func(...any)) {
		see(db.PingContext(ctx))
		ended, cancel := context.WithCancel(ctx)
		cancel()
		see(exec(db.ExecContext(ended, "UPDATE")))
		conn, err := db.Conn(ctx)
		if see(err); err != nil {
			return
		}
		defer conn.Close()
		see(exec(conn.ExecContext(ended, "UPDATE")))
		rows, err := conn.QueryContext(ended, "SELECT")
		if see(err); err == nil {
			rows.Close() // which database/sql does as well, at a time of its own
		}
		_, err = conn.PrepareContext(ended, "SELECT")
		see(err)
		_, err = conn.BeginTx(ended, nil)
		see(err)
	},
}

func (c *fakeConn) ID() int { return c.id }

func exec(result sql.Result, err error) string {
	if err != nil {
		return err.Error()
	}
	n, err := result.RowsAffected()
	id, noID := result.LastInsertId()
	return fmt.Sprint(n, err, id, noID)
}

// all reads all rows of all results.
func all(rows *sql.Rows, err error) string {
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	var seen []any
	for {
		for rows.Next() {
			var n int
			seen = append(seen, rows.Scan(&n), n)
		}
		if seen = append(seen, rows.Err()); !rows.NextResultSet() {
			return fmt.Sprint(append(seen, rows.Err(), rows.Close()))
		}
	}
}

// faults are what may be wrong with the backend, as functions that are made
// anew for each run.
var faults = map[string]func() func(context.Context, string) error{
	"none": func() func(context.Context, string) error { return nil },
	"its first connection is bad": func() func(context.Context, string) error {
		return func(_ context.Context, what string) error {
			if strings.HasPrefix(what, "1: ") && !strings.HasSuffix(what, "connect") && !strings.Contains(what, "close") {
				return driver.ErrBadConn
			}
			return nil
		}
	},
	"it skips what has arguments": func() func(context.Context, string) error {
		return func(_ context.Context, what string) error {
			if strings.Contains(what, "?") && (strings.Contains(what, ": exec") || strings.Contains(what, ": query")) {
				return driver.ErrSkip
			}
			return nil
		}
	},
	"it does not like it": func() func(context.Context, string) error {
		return func(_ context.Context, what string) error {
			if strings.HasSuffix(what, "connect") {
				return nil
			}
			return errors.New("do not like " + what)
		}
	},
	"rows break off": func() func(context.Context, string) error {
		return func(_ context.Context, what string) error {
			if strings.Contains(what, "row 2") {
				return errors.New("broken off")
			}
			return nil
		}
	},
}

// A breaker that has nothing to do changes nothing: neither what a program sees
// nor what the driver is asked, whatever that can do.
func TestDatabaseSQLBehavesAsWithoutABreaker(t *testing.T) {
	run := func(t *testing.T, b *fakeDB, connector driver.Connector, use func(context.Context, *sql.DB, func(...any))) string {
		db := sql.OpenDB(connector)
		var seen strings.Builder
		for range 2 { // the second time the connections come from the pool
			use(t.Context(), db, func(what ...any) { fmt.Fprintln(&seen, what...) })
		}
		fmt.Fprintln(&seen, db.Driver() == driver.Driver(b), db.Close(), b.closed)
		return seen.String() + b.journal()
	}
	for dress, d := range dresses {
		for clothing, c := range clothes {
			for fault, f := range faults {
				for name, use := range uses {
					t.Run(dress+"/"+clothing+"/"+fault+"/"+name, func(t *testing.T) {
						make := func() *fakeDB {
							return &fakeDB{dress: d, clothe: c, on: f(), data: [][]int64{{1, 2, 3}, {}, {4}}}
						}
						b := make()
						want := run(t, b, b, use)
						b = make()
						br := &breaker.Breaker{TripAfter: -1, TripRate: -1, SlowRate: -1}
						got := run(t, b, br.Connector(b), use)
						if got != want {
							t.Errorf("with a breaker:\n%s\n\nwithout:\n%s", got, want)
						}
					})
				}
			}
		}
	}
}
