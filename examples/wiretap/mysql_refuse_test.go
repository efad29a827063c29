package wiretap_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

func TestARefusedStatementOfGosMySQLDriverIsItsOwnError(t *testing.T) {
	db := servers.MariaDB(t)
	tp := listen(t, wire.MySQL, db.Addr)
	conn := mysqlConn(t, tp, db, "")
	ctx := t.Context()
	if _, err := conn.ExecContext(ctx, "CREATE TABLE a (id INT)"); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"", "1040", "1213", "1317"} {
		for _, args := range [][]any{nil, {1}} {
			for after := range 1 + len(args) { // the preparation, the execution
				tp.refuses(1, after, wire.Why{Code: code, Message: "no"})
				statement := "INSERT INTO a VALUES (1" + strings.Repeat("+?", len(args)) + ")"
				_, err := conn.ExecContext(ctx, statement, args...)
				var no *mysql.MySQLError
				if !errors.As(err, &no) || no.Message != "no" || code != "" && fmt.Sprint(no.Number) != code {
					t.Errorf("code %q: %v", code, err)
				}
				var one int
				if err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM a").Scan(&one); err != nil || one != 0 {
					t.Errorf("code %q: then %d rows, %v", code, one, err)
				}
				tp.counts(0)
			}
		}
	}

	long := "SELECT '" + strings.Repeat("x", 33<<20) + "'"
	tp.refuses(1, 0, wire.Why{Message: "no"})
	var no *mysql.MySQLError
	if _, err := conn.ExecContext(ctx, long); !errors.As(err, &no) || conn.PingContext(ctx) != nil {
		t.Errorf("a statement of three packets: %v", err)
	}
}

func TestNothingOfARefusedMySQLTransactionIsKept(t *testing.T) {
	db := servers.MariaDB(t)
	tp := listen(t, wire.MySQL, db.Addr)
	ctx := t.Context()
	global(t, db, "CREATE TABLE a (id INT)")
	direct, err := sql.Open("mysql", db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	for after, code := range map[int]string{1: "1213", 2: "1205"} { // the second statement; COMMIT
		conn := mysqlConn(t, tp, db, "")
		tx, err := conn.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		tp.refuses(1, after, wire.Why{Code: code})
		for range 2 {
			if _, err = tx.Exec("INSERT INTO a VALUES (1)"); err != nil {
				break
			}
		}
		if err == nil {
			err = tx.Commit()
		}
		var no *mysql.MySQLError
		if !errors.As(err, &no) || fmt.Sprint(no.Number) != code {
			t.Errorf("%v, want %s", err, code)
		}
		conn.ExecContext(ctx, "COMMIT") // by one who believes that it is over
		var n int
		if err := direct.QueryRowContext(ctx, "SELECT COUNT(*) FROM a").Scan(&n); err != nil || n != 0 {
			t.Errorf("%s: %d rows, %v", code, n, err)
		}
	}
}
