package outage_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/servers"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// A product is a database and its driver.
type product struct {
	name      string
	start     func(testing.TB) *servers.Server
	connector func(*testing.T, string) driver.Connector

	placeholder string // of a first argument
	book        string // makes a table with a column of every interesting type
	number      string // is a query for the connection's number on the server
	kill        string // is the statement that ends the connection of a number
	sleep       string // is a query that takes 10 s
	isolation   string // is a query for the transaction's
	special     func(see func(...any), db *sql.DB)
}

var products = []product{
	{
		name:  "MariaDB",
		start: servers.MariaDB,
		connector: func(t *testing.T, dsn string) driver.Connector {
			config, err := mysql.ParseDSN(dsn)
			if err != nil {
				t.Fatal(err)
			}
			config.MultiStatements, config.ParseTime = true, true
			config.Logger = &mysql.NopLogger{} // it says much while its server is gone
			connector, err := mysql.NewConnector(config)
			if err != nil {
				t.Fatal(err)
			}
			return connector
		},
		placeholder: "?",
		book: `CREATE TABLE book (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, title VARCHAR(100) NOT NULL UNIQUE,
			price DECIMAL(8,2), cover LONGBLOB, sold DATETIME(6), rating DOUBLE, tags TEXT)`,
		number:    "SELECT CONNECTION_ID()",
		kill:      "KILL %d",
		sleep:     "SELECT SLEEP(10)",
		isolation: "SELECT CONCAT(trx_isolation_level, trx_is_read_only) FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = CONNECTION_ID()",
		special: func(see func(...any), db *sql.DB) {
			var high uint64
			see(db.QueryRow("SELECT ?", uint64(1<<63+5)).Scan(&high), high) // by the driver's check of arguments
			see(table(db.Query("SELECT 1; SELECT 'a', NULL; SELECT 2 FROM book WHERE 1 = 0; SELECT 3")))
			see(id(db.Exec("INSERT INTO book (title) VALUES ('a'), ('b')")))
		},
	},
	{
		name:  "PostgreSQL",
		start: servers.PostgreSQL,
		connector: func(t *testing.T, dsn string) driver.Connector {
			config, err := pgx.ParseConfig(dsn)
			if err != nil {
				t.Fatal(err)
			}
			return stdlib.GetConnector(*config)
		},
		placeholder: "$1",
		book: `CREATE TABLE book (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title VARCHAR(100) NOT NULL UNIQUE,
			price DECIMAL(8,2), cover BYTEA, sold TIMESTAMP, rating DOUBLE PRECISION, tags TEXT[])`,
		number:    "SELECT pg_backend_pid()",
		kill:      "SELECT pg_terminate_backend(%d)",
		sleep:     "SELECT pg_sleep(10)",
		isolation: "SELECT current_setting('transaction_isolation')",
		special: func(see func(...any), db *sql.DB) {
			var sum int
			see(db.QueryRow("SELECT sum(n) FROM unnest($1::int[]) n", []int32{1, 2, 3}).Scan(&sum), sum)
			see(table(db.Query("SELECT $1::jsonb", map[string]int{"a": 1})))
			see(id(db.Exec("INSERT INTO book (title, tags) VALUES ('a', $1)", []string{"x", "y"})))
			conn, err := db.Conn(context.Background())
			if see(err); err != nil {
				return
			}
			defer conn.Close()
			see(conn.Raw(func(c any) error {
				pg := breaker.DriverConn(c).(*stdlib.Conn).Conn()
				var tags []string
				err := pg.QueryRow(context.Background(), "SELECT tags FROM book").Scan(&tags)
				see(tags)
				return err
			}))
		},
	},
}

// uses are what a program does with a database. Each tells what it saw, without
// what differs from run to run.
var uses = []struct {
	name string
	do   func(p product, db *sql.DB, see func(...any))
}{
	{"transactions", func(p product, db *sql.DB, see func(...any)) {
		ctx := context.Background()
		for _, opts := range []*sql.TxOptions{nil, {Isolation: sql.LevelSerializable}, {Isolation: sql.LevelReadCommitted}, {ReadOnly: true}, {Isolation: sql.LevelLinearizable}} {
			for name, end := range map[string]func(*sql.Tx) error{"commit": (*sql.Tx).Commit, "rollback": (*sql.Tx).Rollback} {
				tx, err := db.BeginTx(ctx, opts)
				if err != nil {
					see(err)
					continue
				}
				see(table(tx.Query("SELECT count(*) FROM book WHERE title = 'never'")))
				time.Sleep(110 * time.Millisecond) // MariaDB remembers its list of transactions that long
				see(table(tx.Query(p.isolation)))
				see(affected(tx.Exec("INSERT INTO book (title) VALUES ("+p.placeholder+")", fmt.Sprint(name, opts))))
				see(affected(tx.Exec("NO SUCH THING")))
				end(tx) // the one or the other is first
				see(end(tx))
			}
		}
		see(table(db.Query("SELECT title FROM book ORDER BY title")))
		inside, cancel := context.WithCancel(ctx)
		defer cancel()
		tx, err := db.BeginTx(inside, nil)
		if see(err); err != nil {
			return
		}
		see(affected(tx.Exec("INSERT INTO book (title) VALUES ('never')")))
		cancel()
		err = tx.Commit()
		if errors.Is(err, sql.ErrTxDone) {
			err = context.Canceled // if database/sql has rolled back already
		}
		see(err)
		see(table(db.Query("SELECT title FROM book WHERE title = 'never'")))
	}},
	{"prepared statements", func(p product, db *sql.DB, see func(...any)) {
		insert, err := db.Prepare("INSERT INTO book (title) VALUES (" + p.placeholder + ")")
		if see(err); err != nil {
			return
		}
		defer insert.Close()
		var workers sync.WaitGroup
		for w := range 4 { // each on a connection of its own
			workers.Go(func() {
				for i := range 20 {
					if _, err := insert.Exec(fmt.Sprint(w, "-", i)); err != nil {
						see(err)
					}
				}
			})
		}
		workers.Wait()
		tx, err := db.Begin()
		if see(err); err != nil {
			return
		}
		see(affected(tx.Stmt(insert).Exec("in a transaction")))
		see(affected(insert.Exec("beside it")))
		see(tx.Rollback())
		see(affected(insert.Exec("in a transaction", "too many")))
		see(affected(insert.Exec("beside it"))) // a duplicate
		see(table(db.Query("SELECT count(*) FROM book")))
	}},
	{"a cancelled query", func(p product, db *sql.DB, see func(...any)) {
		for range 3 {
			ctx, cancel := context.WithCancel(context.Background())
			timer := time.AfterFunc(50*time.Millisecond, cancel)
			rows, err := db.QueryContext(ctx, p.sleep)
			if err == nil {
				rows.Next() // go-sql-driver's error comes here
				err = rows.Err()
				rows.Close()
			}
			see(err != nil, ctx.Err(), timer.Stop())
			see(table(db.Query("SELECT 1")))
		}
	}},
	{"a connection that the server ends", func(p product, db *sql.DB, see func(...any)) {
		db.SetMaxIdleConns(1)
		var first, second int
		see(db.QueryRow(p.number).Scan(&first))
		conn, err := db.Conn(context.Background()) // is the first
		if see(err); err != nil {
			return
		}
		see(affected(db.Exec(fmt.Sprintf(p.kill, first)))) // on another, which is then closed or kept
		see(conn.Close())
		time.Sleep(1100 * time.Millisecond) // pgx looks at what was idle for longer than a second
		see(db.QueryRow(p.number).Scan(&second), first != second)
	}},
	{"many rows", func(p product, db *sql.DB, see func(...any)) {
		tx, err := db.Begin()
		if see(err); err != nil {
			return
		}
		for i := range 100 {
			values := make([]string, 100)
			for j := range values {
				values[j] = fmt.Sprintf("('%06d', %d)", i*100+j, j)
			}
			if _, err := tx.Exec("INSERT INTO book (title, rating) VALUES " + strings.Join(values, ", ")); err != nil {
				see(err)
			}
		}
		see(tx.Commit())
		rows, err := db.Query("SELECT id, title, rating FROM book ORDER BY title")
		if see(err); err != nil {
			return
		}
		n, sum := 0, 0.0
		for rows.Next() {
			var id int
			var title string
			var rating float64
			if err := rows.Scan(&id, &title, &rating); err != nil || title != fmt.Sprintf("%06d", n) {
				see(title, err)
			}
			n, sum = n+1, sum+rating
		}
		see(n, sum, rows.Err(), rows.Close())
		for range 3 { // broken off in the middle
			rows, err := db.Query("SELECT title FROM book ORDER BY title")
			if see(err); err != nil {
				return
			}
			see(rows.Next(), rows.Next(), rows.Close(), rows.Err())
		}
	}},
	{"a large blob", func(p product, db *sql.DB, see func(...any)) {
		cover := make([]byte, 4<<20)
		for i := range cover {
			cover[i] = byte(i * i)
		}
		see(affected(db.Exec("INSERT INTO book (title, cover) VALUES ('large', "+p.placeholder+")", cover)))
		var got []byte
		see(db.QueryRow("SELECT cover FROM book").Scan(&got), string(got) == string(cover))
		rows, err := db.Query("SELECT cover FROM book")
		if see(err); err != nil {
			return
		}
		defer rows.Close()
		var raw sql.RawBytes
		see(rows.Next(), rows.Scan(&raw), string(raw) == string(cover))
	}},
	{"column types", func(p product, db *sql.DB, see func(...any)) {
		see(affected(db.Exec("INSERT INTO book (title, price, sold, rating) VALUES ('typed', 12.5, '2024-02-29 12:34:56.5', 1.5)")))
		rows, err := db.Query("SELECT * FROM book WHERE title = "+p.placeholder, "typed")
		if see(err); err != nil {
			return
		}
		defer rows.Close()
		types, err := rows.ColumnTypes()
		see(err)
		for _, c := range types {
			length, hasLength := c.Length()
			precision, scale, hasSize := c.DecimalSize()
			nullable, known := c.Nullable()
			see(c.Name(), c.ScanType(), c.DatabaseTypeName(), length, hasLength, precision, scale, hasSize, nullable, known)
		}
		see(rows.NextResultSet())
		see(table(db.Query("SELECT title, price, sold, rating FROM book")))
	}},
	{"what the product alone has", func(p product, db *sql.DB, see func(...any)) { p.special(see, db) }},
	{"errors", func(p product, db *sql.DB, see func(...any)) {
		see(affected(db.Exec("INSERT INTO book (title) VALUES ('once')")))
		see(affected(db.Exec("INSERT INTO book (title) VALUES ('once')")))
		see(affected(db.Exec("SELEKT")))
		see(table(db.Query("SELECT * FROM nowhere WHERE id = "+p.placeholder, 1)))
		see(table(db.Query("SELECT "+p.placeholder, struct{}{})))
		see(affected(db.Exec("UPDATE book SET title = "+p.placeholder, sql.Named("title", "x"))))
		var n int
		see(db.QueryRow("SELECT id FROM book WHERE 1 = 0").Scan(&n))
		see(db.Ping())
	}},
	{"a session that was left in a transaction", func(p product, db *sql.DB, see func(...any)) {
		db.SetMaxIdleConns(1)
		conn, err := db.Conn(context.Background())
		if see(err); err != nil {
			return
		}
		var first, second int
		see(conn.QueryRowContext(context.Background(), p.number).Scan(&first))
		_, err = conn.ExecContext(context.Background(), "BEGIN")
		see(err, conn.Close())
		see(db.QueryRow(p.number).Scan(&second), first == second) // pgx's is replaced
	}},
}

func affected(result sql.Result, err error) string {
	if err != nil {
		return err.Error()
	}
	n, err := result.RowsAffected()
	return fmt.Sprint(n, err)
}

func id(result sql.Result, err error) string {
	if err != nil {
		return err.Error()
	}
	id, err := result.LastInsertId()
	return fmt.Sprint(id, err)
}

// table is all that a query answers.
func table(rows *sql.Rows, err error) string {
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	var seen strings.Builder
	for {
		columns, err := rows.Columns()
		fmt.Fprintln(&seen, columns, err)
		for rows.Next() {
			cells := make([]any, len(columns))
			for i := range cells {
				cells[i] = new(any)
			}
			err := rows.Scan(cells...)
			for _, cell := range cells {
				fmt.Fprintf(&seen, "%T %v, ", *cell.(*any), *cell.(*any))
			}
			fmt.Fprintln(&seen, err)
		}
		if !rows.NextResultSet() {
			return fmt.Sprint(seen.String(), rows.Err())
		}
	}
}

func TestDatabaseSQLIsTheSameWithABreaker(t *testing.T) {
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			server := p.start(t)
			for _, use := range uses {
				t.Run(use.name, func(t *testing.T) {
					want := run(t, p, p.connector(t, server.DSN), use.do)
					b := &breaker.Breaker{Name: p.name, Timeout: time.Minute}
					if got := run(t, p, b.Connector(p.connector(t, server.DSN)), use.do); got != want {
						t.Errorf("with a breaker:\n%s\nwithout:\n%s", got, want)
					}
					if testing.Verbose() {
						t.Log(want)
					}
					settled(t, b) // database/sql may still be rolling back
					if s := b.Stats(); s.Failed != 0 || s.Refused != 0 || s.Succeeded == 0 {
						t.Errorf("%+v, want no failure", s)
					}
				})
			}
		})
	}
}

// settled waits until no call is in progress.
func settled(t *testing.T, b *breaker.Breaker) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for b.Stats().InProgress > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%+v, want nothing in progress", b.Stats())
		}
		time.Sleep(time.Millisecond)
	}
}

// run uses a pool, with an empty table, and says what was seen.
func run(t *testing.T, p product, connector driver.Connector, use func(product, *sql.DB, func(...any))) string {
	t.Helper()
	db := sql.OpenDB(connector)
	defer db.Close()
	db.SetMaxIdleConns(4)
	for _, statement := range []string{"DROP TABLE IF EXISTS book", p.book} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var seen strings.Builder
	use(p, db, func(what ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&seen, what...)
	})
	return seen.String()
}
