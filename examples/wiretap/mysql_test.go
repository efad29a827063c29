package wiretap_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

// mysqlConn is one connection of Go's driver through a tap.
func mysqlConn(t *testing.T, tp *tap, db *servers.Server, options string) *sql.Conn {
	t.Helper()
	dsn := strings.Replace(db.DSN, db.Addr, tp.addr, 1) + options
	pool, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	conn, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	tp.counts(0) // what it asks at first
	return conn
}

// global asks a server something before others connect.
func global(t *testing.T, db *servers.Server, statement string) {
	t.Helper()
	pool, err := sql.Open("mysql", db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// read reads all results and tells how many rows they have.
func read(rows *sql.Rows, err error) (n int, _ error) {
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for more := true; more; more = rows.NextResultSet() {
		for rows.Next() {
			n++
		}
	}
	return n, rows.Err()
}

func TestAStatementOfGosMySQLDriverIsOneRequest(t *testing.T) {
	db := servers.MariaDB(t)
	global(t, db, "SET GLOBAL max_allowed_packet = 64<<20, GLOBAL local_infile = 1")
	tp := listen(t, wire.MySQL, db.Addr)
	conn := mysqlConn(t, tp, db, "?multiStatements=true&maxAllowedPacket=0&allowAllFiles=true")
	ctx := t.Context()
	exec := func(sql string, args ...any) func() error {
		return func() error {
			_, err := conn.ExecContext(ctx, sql, args...)
			return err
		}
	}
	rows := func(want int, sql string, args ...any) func() error {
		return func() error {
			n, err := read(conn.QueryContext(ctx, sql, args...))
			if err == nil && n != want {
				err = fmt.Errorf("%d rows, want %d", n, want)
			}
			return err
		}
	}
	fails := func(number uint16, do func() error) func() error {
		return func() error {
			var no *mysql.MySQLError
			if err := do(); !errors.As(err, &no) || no.Number != number {
				return fmt.Errorf("%w, want error %d", err, number)
			}
			return nil
		}
	}
	var tx *sql.Tx
	var stmt *sql.Stmt
	for _, step := range []struct {
		name             string
		do               func() error
		requests, silent int
	}{
		{"create", exec("CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, text LONGTEXT)"), 1, 0},
		{"ping", func() error { return conn.PingContext(ctx) }, 1, 0},
		{"insert", exec("INSERT INTO a (text) VALUES ('one'), ('two')"), 1, 0},
		{"select", rows(2, "SELECT * FROM a"), 1, 0},
		{"no rows", rows(0, "SELECT * FROM a WHERE id > 9"), 1, 0},
		{"many columns", rows(1, "SELECT 1"+strings.Repeat(", 1", 299)), 1, 0},
		{"many rows", rows(1000, "SELECT seq, REPEAT('x', 100) FROM seq_1_to_1000"), 1, 0},
		{"wrong", fails(1064, exec("SELEC")), 1, 0},
		{"error in rows", fails(1690, rows(0, "SELECT EXP(id * 500) FROM a")), 1, 0},
		{"duplicate", fails(1062, exec("INSERT INTO a VALUES (1, '')")), 1, 0},
		{"arguments", rows(1, "SELECT * FROM a WHERE id = ?", 1), 2, 1}, // prepare, execute; close
		{"wrong arguments", fails(1064, rows(1, "SELEC ?", 1)), 1, 0},
		{"prepare", func() (err error) {
			stmt, err = conn.PrepareContext(ctx, "SELECT text FROM a WHERE id < ?")
			return err
		}, 1, 0},
		{"execute", func() error { _, err := read(stmt.Query(9)); return err }, 1, 0},
		{"execute again", func() error { _, err := read(stmt.Query(1)); return err }, 1, 0},
		{"close", func() error { return stmt.Close() }, 0, 1},
		{"no arguments", exec("DO ?", 1), 2, 1},
		{"long argument", exec("INSERT INTO a (text) VALUES (?)", strings.Repeat("x", 40<<20)), 2, 2},
		{"long row", rows(1, "SELECT text FROM a WHERE LENGTH(text) > 9"), 1, 0},
		{"long binary row", rows(1, "SELECT text FROM a WHERE LENGTH(text) > ?", 9), 2, 1},
		{"several", exec("DO 1; DO 2; DO 3"), 1, 0},
		{"several results", rows(5, "SELECT 1; SELECT 2 UNION SELECT 3; SELECT id FROM a LIMIT 2; DO 1"), 1, 0},
		{"several with an error", fails(1064, rows(5, "SELECT 1; SELEC; SELECT 2")), 1, 0},
		{"procedure", exec("CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2 UNION SELECT 3; END"), 1, 0},
		{"call", rows(3, "CALL p()"), 1, 0},
		{"transaction", func() (err error) { tx, err = conn.BeginTx(ctx, nil); return err }, 1, 0},
		{"in it", func() error { _, err := tx.Exec("DELETE FROM a WHERE id = 1"); return err }, 1, 0},
		{"rollback", func() error { return tx.Rollback() }, 1, 0},
		{"read only", func() (err error) {
			tx, err = conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelSerializable})
			return err
		}, 2, 0},
		{"commit", func() error { return tx.Commit() }, 1, 0},
		{"file", func() error {
			mysql.RegisterReaderHandler("data", func() io.Reader { return strings.NewReader(strings.Repeat("7\tx\n", 50_000)) })
			_, err := conn.ExecContext(ctx, "LOAD DATA LOCAL INFILE 'Reader::data' IGNORE INTO TABLE a")
			return err
		}, 1, 0},
		{"no file", func() error {
			if _, err := conn.ExecContext(ctx, "LOAD DATA LOCAL INFILE 'Reader::none' INTO TABLE a"); err == nil {
				return errors.New("loaded")
			}
			return nil
		}, 1, 0},
		{"processes", func() error { _, err := read(conn.QueryContext(ctx, "SHOW PROCESSLIST")); return err }, 1, 0},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if requests, silent := tp.counts(step.silent); requests != step.requests || silent != step.silent {
			t.Errorf("%s: %d requests, %d without an answer; want %d and %d", step.name, requests, silent, step.requests, step.silent)
		}
	}
	if tp.opaque > 0 {
		t.Error("something was not understood")
	}
}

// Others than Go's know more, or less: this one asks for the list of fields, and hears of progress.
func TestTheMariaDBClientIsUnderstood(t *testing.T) {
	db := servers.MariaDB(t)
	tp := listen(t, wire.MySQL, db.Addr)
	host, port, _ := strings.Cut(tp.addr, ":")
	for _, sql := range []string{"SELECT 1; SELECT 2, 3", "SHOW STATUS", "CREATE TABLE a SELECT 1 AS b; ALTER TABLE a ADD c INT, ALGORITHM=COPY; SELECT * FROM a; SELEC"} {
		command := exec.CommandContext(context.Background(), "mariadb", "--no-defaults", "--skip-ssl", "--auto-rehash", "--force",
			"-h"+host, "-P"+port, "-u"+db.User, "-p"+db.Password, db.Database, "-e", sql)
		out, err := command.CombinedOutput()
		if err != nil && !strings.HasSuffix(sql, "SELEC") {
			t.Fatalf("%v: %s", err, out)
		}
		if requests, silent := tp.counts(1); requests < strings.Count(sql, ";")+1 || silent != 1 || tp.opaque > 0 {
			t.Errorf("%s: %d requests, %d without an answer, %d not understood: %s", sql, requests, silent, tp.opaque, out)
		}
	}
}
