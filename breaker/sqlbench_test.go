package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"testing"

	"github.com/heeler-go/heeler/breaker"
)

// An idle database answers at once, so that only what is around it takes time.
type idle struct{}

func (idle) Connect(context.Context) (driver.Conn, error) { return idleConn{}, nil }
func (idle) Driver() driver.Driver                        { return nil }

type idleConn struct{ driver.Conn }

func (idleConn) Close() error                       { return nil }
func (idleConn) ResetSession(context.Context) error { return nil }
func (idleConn) IsValid() bool                      { return true }
func (idleConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, nil
}
func (idleConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return &idleRows{left: 100}, nil
}

type idleRows struct{ left int }

func (*idleRows) Columns() []string { return []string{"n"} }
func (*idleRows) Close() error      { return nil }
func (r *idleRows) Next(dest []driver.Value) error {
	if r.left--; r.left < 0 {
		return io.EOF
	}
	dest[0] = int64(r.left)
	return nil
}

// BenchmarkSQL is what database/sql takes with a driver that does nothing, and
// with a breaker between.
func BenchmarkSQL(b *testing.B) {
	const insert = "INSERT INTO book (title, author, price) VALUES (?, ?, ?)"
	const query = "SELECT title, author, price FROM book WHERE publisher = ? ORDER BY title LIMIT 100"
	uses := []struct {
		name string
		do   func(context.Context, *sql.DB) error
	}{
		{"exec", func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, insert, "Emma", "Austen", 12)
			return err
		}},
		{"a row", func(ctx context.Context, db *sql.DB) error {
			var n int
			return db.QueryRowContext(ctx, query, 1).Scan(&n)
		}},
		{"100 rows", func(ctx context.Context, db *sql.DB) error {
			rows, err := db.QueryContext(ctx, query, 1)
			if err != nil {
				return err
			}
			defer rows.Close()
			var n int
			for rows.Next() {
				if err := rows.Scan(&n); err != nil {
					return err
				}
			}
			return rows.Err()
		}},
	}
	for _, use := range uses {
		for _, with := range []bool{false, true} {
			name, connector := use.name+"/alone", driver.Connector(idle{})
			if with {
				name, connector = use.name+"/breaker", new(breaker.Breaker).Connector(idle{})
			}
			b.Run(name, func(b *testing.B) {
				db := sql.OpenDB(connector)
				defer db.Close()
				b.ReportAllocs()
				for b.Loop() {
					if err := use.do(b.Context(), db); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
