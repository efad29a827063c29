package wiretap_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

func TestARefusedStatementOfPgxIsItsOwnError(t *testing.T) {
	db := servers.PostgreSQL(t)
	tp := listen(t, wire.Postgres, db.Addr)
	conn := pgxConn(t, tp, db, "")
	ctx := t.Context()
	refused := func(name string, do func() error) {
		t.Helper()
		for _, code := range []string{"", "57P01", "40001"} {
			tp.refuses(1, 0, wire.Why{Code: code, Message: "no"})
			err := do()
			var no *pgconn.PgError
			if !errors.As(err, &no) || no.Message != "no" || code != "" && no.Code != code {
				t.Errorf("%s, code %q: %v", name, code, err)
			}
			if err := conn.Ping(ctx); err != nil || conn.PgConn().TxStatus() != 'I' {
				t.Fatalf("%s, code %q: then %v", name, code, err)
			}
			if tp.counts(0); tp.opaque > 0 {
				t.Fatalf("%s: not understood", name)
			}
		}
	}
	refused("a query", func() error { _, err := conn.Exec(ctx, "SELECT 1"); return err })
	refused("a preparation", func() error { _, err := conn.Exec(ctx, "SELECT $1::int", 1); return err })
	if _, err := conn.Prepare(ctx, "one", "SELECT $1::int"); err != nil {
		t.Fatal(err)
	}
	refused("an execution", func() error { _, err := conn.Exec(ctx, "one", 1); return err })
	refused("a long execution", func() error {
		_, err := conn.Exec(ctx, "SELECT $1::text", pgx.QueryExecModeExec, strings.Repeat("x", 5<<20))
		return err
	})
	refused("a copy", func() error {
		_, err := conn.PgConn().CopyFrom(ctx, strings.NewReader("1\n"), "COPY a FROM STDIN")
		return err
	})
	refused("a transaction", func() error { _, err := conn.Begin(ctx); return err })
	refused("a batch", func() error {
		b := &pgx.Batch{}
		for range 3 {
			b.Queue("one", 1)
		}
		return conn.SendBatch(ctx, b).Close()
	})
	refused("a batch that waits", func() error { // for the error, before it says Sync
		front := conn.PgConn().Frontend()
		front.Send(&pgproto3.Parse{Name: "two", Query: "SELECT 2"})
		front.Send(&pgproto3.Flush{})
		if err := front.Flush(); err != nil {
			return err
		}
		message, err := front.Receive()
		if err != nil {
			return err
		}
		no, ok := message.(*pgproto3.ErrorResponse)
		if !ok {
			return fmt.Errorf("%T", message)
		}
		front.Send(&pgproto3.Sync{})
		if err := front.Flush(); err != nil {
			return err
		}
		if message, err := front.Receive(); err != nil || message.(*pgproto3.ReadyForQuery).TxStatus != 'I' {
			return fmt.Errorf("%T, %w", message, err)
		}
		return pgconn.ErrorResponseToPgError(no)
	})
}

func TestNothingOfARefusedPostgresTransactionIsKept(t *testing.T) {
	db := servers.PostgreSQL(t)
	tp := listen(t, wire.Postgres, db.Addr)
	ctx := t.Context()
	direct, err := pgx.Connect(ctx, db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close(context.Background())
	if _, err := direct.Exec(ctx, "CREATE TABLE a (id int)"); err != nil {
		t.Fatal(err)
	}
	const statement = "INSERT INTO a VALUES (1)"
	for after := range 3 { // a statement, another, COMMIT
		conn := pgxConn(t, tp, db, "")
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		tp.refuses(1, after, wire.Why{Code: "40001"})
		for range 2 {
			if _, err = tx.Exec(ctx, statement); err != nil {
				break
			}
		}
		if err == nil {
			err = tx.Commit(ctx)
		}
		var no *pgconn.PgError
		if !errors.As(err, &no) || no.Code != "40001" || no.Severity != "FATAL" {
			t.Errorf("%v, want FATAL 40001", err)
		}
		conn.Exec(ctx, "COMMIT") // by one who believes that it was not so bad
		var n int
		if err := direct.QueryRow(ctx, "SELECT count(*) FROM a").Scan(&n); err != nil || n != 0 {
			t.Errorf("after %d: %d rows, %v", after, n, err)
		}
	}
}
