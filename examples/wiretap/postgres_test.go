package wiretap_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

// pgxConn is a connection of pgx through a tap.
func pgxConn(t *testing.T, tp *tap, db *servers.Server, options string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), strings.Replace(db.DSN, db.Addr, tp.addr, 1)+options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func TestAStatementOfPgxIsOneRequest(t *testing.T) {
	db := servers.PostgreSQL(t)
	tp := listen(t, wire.Postgres, db.Addr)
	conn := pgxConn(t, tp, db, "")
	ctx := t.Context()
	exec := func(sql string, args ...any) func() error {
		return func() error {
			_, err := conn.Exec(ctx, sql, args...)
			return err
		}
	}
	rows := func(want int, sql string, args ...any) func() error {
		return func() error {
			rows, err := conn.Query(ctx, sql, args...)
			if err != nil {
				return err
			}
			n := 0
			for rows.Next() {
				n++
			}
			if rows.Err() == nil && n != want {
				return fmt.Errorf("%d rows, want %d", n, want)
			}
			return rows.Err()
		}
	}
	fails := func(code string, do func() error) func() error {
		return func() error {
			var no *pgconn.PgError
			if err := do(); !errors.As(err, &no) || no.Code != code {
				return fmt.Errorf("%w, want error %s", err, code)
			}
			return nil
		}
	}
	var tx pgx.Tx
	batch := func(statements ...string) func() error {
		return func() error {
			b := &pgx.Batch{}
			for _, s := range statements {
				b.Queue(s, 1)
			}
			return conn.SendBatch(ctx, b).Close()
		}
	}
	for _, step := range []struct {
		name     string
		do       func() error
		requests int
	}{
		{"create", exec("CREATE TABLE a (id serial PRIMARY KEY, text text)"), 1},
		{"ping", func() error { return conn.Ping(ctx) }, 1},
		{"insert", exec("INSERT INTO a (text) VALUES ('one'), ('two')"), 1},
		{"arguments", rows(1, "SELECT * FROM a WHERE id = $1", 1), 2}, // prepare, execute
		{"the same", rows(1, "SELECT * FROM a WHERE id = $1", 2), 1},
		{"no rows", rows(0, "SELECT * FROM a WHERE id = $1", 9), 1},
		{"many rows", rows(1000, "SELECT n, repeat('x', 100) FROM generate_series(1, 1000) n", pgx.QueryExecModeExec), 1},
		{"in text", rows(2, "SELECT * FROM a WHERE id < $1", pgx.QueryExecModeSimpleProtocol, 9), 1},
		{"described", rows(2, "SELECT * FROM a WHERE id <= $1", pgx.QueryExecModeDescribeExec, 9), 2},
		{"several", exec("SELECT 1; SELECT 2; DO 'BEGIN END'"), 1},
		{"empty", exec(""), 1},
		{"notices", exec("DROP TABLE IF EXISTS nothing, nobody"), 1},
		{"wrong", fails("42601", exec("SELEC")), 1},
		{"wrong arguments", fails("42601", exec("SELEC $1", 1)), 1},
		{"error in rows", fails("22012", rows(9, "SELECT 1 / (id - 2) FROM a WHERE id > $1", 0)), 2},
		{"transaction", func() (err error) { tx, err = conn.Begin(ctx); return err }, 2}, // forgets the one that failed
		{"in it", func() error { _, err := tx.Exec(ctx, "DELETE FROM a WHERE id = 1"); return err }, 1},
		{"savepoint", func() error { _, err := tx.Begin(ctx); return err }, 1},
		{"rollback", func() error { return tx.Rollback(ctx) }, 1},
		{"copy in", func() error {
			source := pgx.CopyFromSlice(10_000, func(i int) ([]any, error) { return []any{100 + i, strings.Repeat("x", 100)}, nil })
			_, err := conn.CopyFrom(ctx, pgx.Identifier{"a"}, []string{"id", "text"}, source)
			return err
		}, 2}, // describe, copy
		{"failed copy", fails("23505", func() error {
			source := pgx.CopyFromSlice(10_000, func(i int) ([]any, error) { return []any{1, strings.Repeat("x", 1000)}, nil })
			_, err := conn.CopyFrom(ctx, pgx.Identifier{"a"}, []string{"id", "text"}, source)
			return err
		}), 1},
		{"cancelled copy", fails("57014", func() error {
			source := pgx.CopyFromFunc(func() ([]any, error) { return nil, errors.New("no more") })
			_, err := conn.CopyFrom(ctx, pgx.Identifier{"a"}, []string{"id", "text"}, source)
			return err
		}), 1},
		{"copy out", func() error {
			_, err := conn.PgConn().CopyTo(ctx, &strings.Builder{}, "COPY a TO STDOUT")
			return err
		}, 1},
		{"batch", batch("SELECT $1::int + 1", "SELECT $1::int + 2", "SELECT $1::int + 3"), 2},
		{"the same batch", batch("SELECT $1::int + 1", "SELECT $1::int + 2", "SELECT $1::int + 3"), 1},
		{"failing batch", fails("22012", batch("SELECT $1::int + 1", "SELECT 1 / ($1::int - 1)", "SELECT $1::int + 3")), 2},
		{"pipeline", func() error {
			p := conn.PgConn().StartPipeline(ctx)
			for range 3 {
				p.SendQueryParams("SELECT 1", nil, nil, nil, nil)
				if err := p.Sync(); err != nil {
					return err
				}
			}
			p.SendPrepare("p", "SELECT $1::int", nil)
			p.SendFlushRequest()
			if err := p.Flush(); err != nil {
				return err
			}
			if err := p.Sync(); err != nil {
				return err
			}
			return p.Close()
		}, 4},
		{"listen", exec("LISTEN news"), 2}, // after it forgets the batch that failed
		{"notify", exec("NOTIFY news, 'hello'"), 1},
		{"notified", func() error {
			notify(t, db)
			for range 2 {
				if _, err := conn.WaitForNotification(ctx); err != nil {
					return err
				}
			}
			return nil
		}, 0},
		{"setting", exec("SET application_name = 'heeler'"), 1},
		{"forget", func() error { return conn.DeallocateAll(ctx) }, 1},
		{"function", func() error { // which no driver uses any more
			front := conn.PgConn().Frontend()
			front.Send(&pgproto3.FunctionCall{Function: 1317, ArgFormatCodes: []uint16{0}, Arguments: [][]byte{[]byte("four")}}) // length(text)
			if err := front.Flush(); err != nil {
				return err
			}
			for {
				message, err := front.Receive()
				if _, ready := message.(*pgproto3.ReadyForQuery); ready || err != nil {
					return err
				}
			}
		}, 1},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if requests, silent := tp.counts(0); requests != step.requests || silent != 0 {
			t.Errorf("%s: %d requests, %d without an answer; want %d", step.name, requests, silent, step.requests)
		}
	}
	if conn.Close(ctx); tp.opaque > 0 {
		t.Error("something was not understood")
	}
	if _, silent := tp.counts(1); silent != 1 {
		t.Errorf("%d requests without an answer, want the last one", silent)
	}
}

// libpq does more than pgx, and in other ways.
func TestPsqlIsUnderstood(t *testing.T) {
	db := servers.PostgreSQL(t)
	tp := listen(t, wire.Postgres, db.Addr)
	dsn := strings.Replace(db.DSN, db.Addr, tp.addr, 1)
	dsn = strings.Replace(dsn, "sslmode=disable", "sslmode=prefer", 1) // which the server does not have
	for _, story := range []struct {
		script   string
		requests int
	}{
		{"SELECT 1;\nSELECT 1 \\; SELECT 2;\n", 2},
		{"CREATE TABLE a (id int);\nCOPY a FROM STDIN;\n1\n2\n\\.\nCOPY a TO STDOUT;\nCOPY a FROM STDIN;\nno\n\\.\nSELECT * FROM a;\n", 5},
		{"SELECT $1::int \\bind 1 \\g\nSELEC \\gdesc\nSELECT 1 \\gdesc\n", -1},
	} {
		command := exec.CommandContext(t.Context(), "psql", "--no-psqlrc", dsn)
		command.Stdin = strings.NewReader(story.script)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		requests, silent := tp.counts(1)
		if requests != story.requests && story.requests >= 0 || silent != 1 || tp.opaque > 0 {
			t.Errorf("%q: %d requests, %d without an answer, %d not understood: %s", story.script, requests, silent, tp.opaque, out)
		}
	}
}

// notify has another connection say something.
func notify(t *testing.T, db *servers.Server) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "NOTIFY news, 'from another'"); err != nil {
		t.Fatal(err)
	}
}
