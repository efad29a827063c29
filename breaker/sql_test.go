package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/request"
)

// open makes a pool over a backend with a breaker.
func open(t *testing.T, br *breaker.Breaker, b *fakeDB) *sql.DB {
	db := sql.OpenDB(br.Connector(b))
	t.Cleanup(func() { db.Close() })
	return db
}

// bubble runs a test of a pool in a bubble of its own.
func bubble(t *testing.T, br *breaker.Breaker, b *fakeDB, test func(t *testing.T, db *sql.DB)) {
	synctest.Test(t, func(t *testing.T) { test(t, open(t, br, b)) })
}

// when makes a backend do something when it is asked for what has a text.
func when(text string, f func(ctx context.Context) error) func(context.Context, string) error {
	return func(ctx context.Context, what string) error {
		if strings.Contains(what, text) {
			return f(ctx)
		}
		return nil
	}
}

// sulks answers only when its context ends, as drivers do.
func sulks(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// deaf answers after five minutes, whatever its context says.
func deaf(context.Context) error { time.Sleep(5 * time.Minute); return nil }

func lastly(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

func wantInTime(t *testing.T, began time.Time, err error, after time.Duration) {
	t.Helper()
	var late *breaker.TimeoutError
	if !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrBadConn) {
		t.Errorf("error %v, want a TimeoutError", err)
	}
	if took := time.Since(began); took < after || took > after+after/5 {
		t.Errorf("took %v, want %v", took, after)
	}
}

func TestAnOpenBreakerRefusesCallsAndKeepsConnections(t *testing.T) {
	b, br := new(fakeDB), &breaker.Breaker{Name: "mysql"}
	db := open(t, br, b)
	prepared, err := db.Prepare("SELECT ?")
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	tx, err := db.Begin() // on the pool's only connection
	if err != nil {
		t.Fatal(err)
	}
	br.Open(time.Hour)
	asked := b.journal()
	for name, call := range map[string]func() error{
		"connect":     func() error { return db.Ping() }, // there is no connection in the pool
		"exec":        func() error { _, err := tx.Exec("UPDATE"); return err },
		"query":       func() error { _, err := tx.Query("SELECT"); return err },
		"prepare":     func() error { _, err := tx.Prepare("SELECT ?"); return err },
		"statement":   func() error { _, err := tx.Stmt(prepared).Exec(1); return err },
		"its query":   func() error { var n int; return tx.Stmt(prepared).QueryRow(1).Scan(&n) },
		"transaction": func() error { _, err := db.Begin(); return err },
	} {
		var refusal *breaker.OpenError
		if err := call(); !errors.As(err, &refusal) || refusal.Name != "mysql" || errors.Is(err, driver.ErrBadConn) {
			t.Errorf("%s: error %v, want an OpenError", name, err)
		}
	}
	if now := b.journal(); now != asked {
		t.Errorf("the driver was asked\n%s\n\nfirst it was\n%s", now, asked)
	}
	if s := br.Stats(); s.Refused != 7 {
		t.Errorf("%d refused, want 7", s.Refused)
	}
	if err := tx.Commit(); err != nil {
		t.Errorf("Commit: %v, want it let through", err)
	}
	asked = b.journal()
	for range 3 {
		if err := db.Ping(); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("Ping: error %v, want an OpenError", err)
		}
	}
	if now := b.journal(); now != asked {
		t.Errorf("the pooled connection was asked\n%s\n\nfirst it was\n%s", now, asked)
	}
	if n := db.Stats().OpenConnections; n != 1 {
		t.Errorf("%d connections, want the one", n)
	}
}

func TestConnectionsOfBeforeAnOutageAreReplaced(t *testing.T) {
	for name, dress := range dresses {
		if name == "IsValid" || name == "Query and IsValid" || name == "Exec only" || name == "Exec, Query and IsValid" {
			continue // nothing tells that it leaves the pool
		}
		t.Run(name, func(t *testing.T) {
			b, br := &fakeDB{dress: dress}, new(breaker.Breaker)
			bubble(t, br, b, func(t *testing.T, db *sql.DB) {
				for range 3 {
					if _, err := db.Exec("UPDATE"); err != nil {
						t.Fatal(err)
					}
				}
				br.Open(time.Second)
				if _, err := db.Exec("UPDATE"); !errors.Is(err, breaker.ErrOpen) {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				for range 3 {
					if _, err := db.Exec("UPDATE"); err != nil {
						t.Error(err)
					}
				}
				wantState(t, br, breaker.Closed)
				if b.conns != 2 || b.count("close") == 0 || b.count("2: ") < 3 {
					t.Errorf("%d connections made, want the first replaced by a second:\n%s", b.conns, b.journal())
				}
			})
		})
	}
}

func TestEveryCallIsBounded(t *testing.T) {
	var n int
	for _, test := range []struct {
		where string
		call  func(db *sql.DB) error
	}{
		{"connect", func(db *sql.DB) error { return db.Ping() }},
		{"ping", func(db *sql.DB) error { return db.Ping() }},
		{"exec", func(db *sql.DB) error { _, err := db.Exec("UPDATE"); return err }},
		{"query", func(db *sql.DB) error { return db.QueryRow("SELECT").Scan(&n) }},
		{"row 1", func(db *sql.DB) error { return db.QueryRow("SELECT").Scan(&n) }},
		{"next results", func(db *sql.DB) error {
			rows, err := db.Query("SELECT")
			if err != nil {
				return err
			}
			defer rows.Close()
			rows.NextResultSet()
			return rows.Err()
		}},
		{"prepare", func(db *sql.DB) error { _, err := db.Prepare("SELECT"); return err }},
		{"statement's exec", func(db *sql.DB) error {
			s, err := db.Prepare("UPDATE")
			if err == nil {
				defer s.Close()
				_, err = s.Exec()
			}
			return err
		}},
		{"begin", func(db *sql.DB) error { _, err := db.Begin(); return err }},
		{"commit", func(db *sql.DB) error {
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			return tx.Commit()
		}},
		{"rollback", func(db *sql.DB) error {
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			return tx.Rollback()
		}},
		{"close rows", func(db *sql.DB) error {
			rows, err := db.Query("SELECT")
			if err != nil {
				return err
			}
			return rows.Close()
		}},
	} {
		t.Run(test.where, func(t *testing.T) {
			b := &fakeDB{data: [][]int64{{1}, {2}}, on: when(": "+test.where, sulks)}
			br := &breaker.Breaker{Name: "mysql", Timeout: s}
			bubble(t, br, b, func(t *testing.T, db *sql.DB) {
				began := time.Now()
				wantInTime(t, began, test.call(db), s)
				if got := br.Stats(); got.TimedOut != 1 || got.Failed != 1 {
					t.Errorf("%+v, want one failure, by timeout", got)
				}
			})
			if got := br.Stats(); got.Overdue != 0 || got.InProgress != 0 {
				t.Errorf("%+v, want nothing in progress", got)
			}
		})
	}
}

// A deaf driver holds its connection, not its caller; and nobody else touches
// the connection until it is done.
func TestACallThatHeedsNothingIsLeftWithItsConnection(t *testing.T) {
	old := func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			oldExec
			oldQuery
		}{c, oldExec{c}, oldQuery{c}}
	}
	for _, test := range []struct {
		where string
		dress func(*fakeConn) driver.Conn
		call  func(db *sql.DB) error
	}{
		{"exec", old, func(db *sql.DB) error { _, err := db.Exec("UPDATE"); return err }},
		{"query", old, func(db *sql.DB) error { _, err := db.Query("SELECT"); return err }},
		{"prepare", old, func(db *sql.DB) error { _, err := db.Prepare("SELECT"); return err }},
		{"begin", old, func(db *sql.DB) error { _, err := db.Begin(); return err }},
		{"commit", nil, func(db *sql.DB) error {
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			if _, err := tx.Prepare("SELECT"); err != nil { // it is closed after the transaction
				return err
			}
			return tx.Commit()
		}},
		{"close rows", nil, func(db *sql.DB) error {
			rows, err := db.Query("SELECT")
			if err != nil {
				return err
			}
			return rows.Close()
		}},
	} {
		t.Run(test.where, func(t *testing.T) {
			b := &fakeDB{dress: test.dress, data: [][]int64{{1}}, on: when("1: "+test.where, deaf)}
			br := &breaker.Breaker{Name: "mysql", Timeout: s}
			bubble(t, br, b, func(t *testing.T, db *sql.DB) {
				began := time.Now()
				wantInTime(t, began, test.call(db), s)
				asked := b.count("1: ")
				for range 3 {
					if _, err := db.Exec("UPDATE"); err != nil {
						t.Error(err)
					}
				}
				if n := b.count("1: "); n != asked {
					t.Errorf("the driver's connection was asked while it was busy:\n%s", b.journal())
				}
				if got := br.Stats(); got.Overdue != 1 || got.InProgress != 1 || got.Failed != 1 {
					t.Errorf("%+v, want the call overdue", got)
				}
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if b.count("1: close") == 0 || !strings.Contains(b.journal(), "1: close\n") && !strings.HasSuffix(b.journal(), "1: close") {
					t.Errorf("the connection was not closed:\n%s", b.journal())
				}
				if got := br.Stats(); got.Overdue != 0 || got.InProgress != 0 || got.Failed != 1 {
					t.Errorf("%+v, want the call ended", got)
				}
			})
		})
	}
}

func TestATimeoutIsNotTriedAgain(t *testing.T) {
	b := &fakeDB{on: when("exec", func(ctx context.Context) error { <-ctx.Done(); return driver.ErrBadConn })}
	br := &breaker.Breaker{Timeout: s}
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		_, err := db.Exec("UPDATE")
		wantInTime(t, time.Now().Add(-s), err, s)
		if n := b.count("exec"); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
		if n := db.Stats().OpenConnections; n != 0 {
			t.Error("the bad connection is in the pool")
		}
	})
}

func TestTheTimeBetweenRowsIsTheApplications(t *testing.T) {
	var during, after context.Context
	b := &fakeDB{data: [][]int64{{1, 2, 3}}, on: func(ctx context.Context, what string) error {
		if strings.Contains(what, "close rows") {
			during = ctx
			return ctx.Err()
		}
		if strings.Contains(what, "query") {
			after = ctx
		}
		return nil
	}}
	br := &breaker.Breaker{Timeout: s}
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		rows, err := db.Query("SELECT")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			time.Sleep(time.Hour)
		}
		if err := rows.Close(); err != nil || rows.Err() != nil {
			t.Error(err, rows.Err())
		}
		if during != after || after.Err() == nil {
			t.Error("the driver's context must end after the rows were closed")
		}
		if got := br.Stats(); got.Failed != 0 || got.Slow != 0 || got.Time != 0 || got.InProgress != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// pgx and others use the context of a transaction's beginning until its end.
func TestATransactionsContextLivesAsLongAsIt(t *testing.T) {
	var life context.Context
	type key struct{}
	b := &fakeDB{on: func(ctx context.Context, what string) error {
		if strings.Contains(what, "commit") {
			life = ctx
			return ctx.Err()
		}
		return nil
	}}
	bubble(t, &breaker.Breaker{Timeout: s}, b, func(t *testing.T, db *sql.DB) {
		tx, err := db.BeginTx(context.WithValue(t.Context(), key{}, "value"), nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
		if life.Value(key{}) != "value" || life.Err() == nil {
			t.Errorf("value %v, error %v; want the context's, and an end", life.Value(key{}), life.Err())
		}
	})
}

// sqlState is an error as PostgreSQL's drivers have them.
type sqlState string

func (s sqlState) Error() string    { return "SQLSTATE " + string(s) }
func (s sqlState) SQLState() string { return string(s) }

func TestWhatADriversErrorSaysOfTheBackend(t *testing.T) {
	server := errors.New("1062: duplicate entry")
	for _, test := range []struct {
		name      string
		err       error
		lost      bool // the driver's connection is not valid afterwards
		dress     string
		isFailure func(error) bool
		want      string // "failed" or "succeeded" or "uncounted", of the last call
	}{
		{name: "the server's answer", err: server, want: "succeeded"},
		{name: "the server's answer, from a driver without IsValid", err: server, dress: "ResetSession, as pgx", want: "succeeded"},
		{name: "the server's answer, if IsFailure says so", err: server, isFailure: func(error) bool { return true }, want: "failed"},
		{name: "a lost connection", err: errors.New("invalid connection"), lost: true, want: "failed"},
		{name: "a lost connection, if IsFailure says so", err: io.EOF, lost: true, isFailure: func(error) bool { return false }, want: "succeeded"},
		{name: "a reset", err: fmt.Errorf("write: %w", syscall.ECONNRESET), want: "failed"},
		{name: "a network's error", err: &net.OpError{Op: "read", Err: errors.New("x")}, want: "failed"},
		{name: "an end too soon", err: fmt.Errorf("pgx: %w", io.ErrUnexpectedEOF), dress: "ResetSession, as pgx", want: "failed"},
		{name: "a closed connection", err: net.ErrClosed, dress: "ResetSession, as pgx", want: "failed"},
		{name: "a bad connection", err: driver.ErrBadConn, want: "uncounted"},
		{name: "a server that shuts down", err: fmt.Errorf("pgx: %w", sqlState("57P01")), dress: "ResetSession, as pgx", want: "failed"},
		{name: "a server with too many connections", err: sqlState("53300"), dress: "ResetSession, as pgx", want: "failed"},
		{name: "a statement that was cancelled at the server", err: sqlState("57014"), dress: "ResetSession, as pgx", want: "succeeded"},
		{name: "no rows", err: sql.ErrNoRows, lost: true, want: "succeeded"},
		{name: "a cancellation further in", err: fmt.Errorf("x: %w", context.Canceled), lost: true, want: "uncounted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &fakeDB{}
			var conns []*fakeConn
			b.dress = func(c *fakeConn) driver.Conn {
				conns = append(conns, c)
				if test.dress != "" {
					return dresses[test.dress](c)
				}
				return full{c, ctxExec{c}, ctxQuery{c}, reset{c}, valid{c}, begin{c}, prepare{c}, ping{c}, check{}}
			}
			br := &breaker.Breaker{IsFailure: test.isFailure}
			db := open(t, br, b)
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.ExecContext(t.Context(), "UPDATE"); err != nil { // it has proved itself
				t.Fatal(err)
			}
			before := br.Stats()
			b.on = when("exec", func(context.Context) error { conns[0].lost = test.lost; return test.err })
			if _, err := conn.ExecContext(t.Context(), "UPDATE"); !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
			after := br.Stats()
			got := map[string]uint64{
				"failed":    after.Failed - before.Failed,
				"succeeded": after.Succeeded - before.Succeeded,
				"uncounted": after.Uncounted - before.Uncounted,
			}
			if got[test.want] != 1 || after.Calls-before.Calls != 1 {
				t.Errorf("counted %v, want %s", got, test.want)
			}
		})
	}
}

func TestABadConnectionThatIsNewIsAFailure(t *testing.T) {
	b := &fakeDB{on: when("exec", lastly(driver.ErrBadConn))}
	br := &breaker.Breaker{TripAfter: 3}
	db := open(t, br, b)
	if _, err := db.Exec("UPDATE"); !errors.Is(err, driver.ErrBadConn) {
		t.Fatal(err)
	}
	if s := br.Stats(); s.Failed != 3 || s.Succeeded != 3 {
		t.Errorf("%+v, want three connections that were made and failed", s)
	}
}

func TestNoConnectionIsAFailureWhateverTheReason(t *testing.T) {
	b := &fakeDB{on: when("connect", lastly(errors.New("access denied")))}
	br := &breaker.Breaker{TripAfter: 2}
	db := open(t, br, b)
	db.Ping()
	if err := db.Ping(); err == nil || err.Error() != "access denied" {
		t.Error(err)
	}
	wantState(t, br, breaker.Open)
}

func TestOneFailureIsCountedOnce(t *testing.T) {
	b := &fakeDB{on: func(_ context.Context, what string) error {
		if strings.Contains(what, "exec") || strings.Contains(what, "rollback") {
			return net.ErrClosed
		}
		return nil
	}}
	br := new(breaker.Breaker)
	tx, err := open(t, br, b).Begin()
	if err != nil {
		t.Fatal(err)
	}
	tx.Exec("UPDATE")
	tx.Rollback()
	if s := br.Stats(); s.Failed != 1 || s.Uncounted != 1 || s.Calls != 4 {
		t.Errorf("%+v, want one failure, and a rollback that says nothing", s)
	}
}

func TestACancelledQueryIsNotTheBackendsFault(t *testing.T) {
	b := &fakeDB{on: when("query", sulks)}
	br := new(breaker.Breaker)
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*ms, cancel)
		if _, err := db.QueryContext(ctx, "SELECT"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if s := br.Stats(); s.Uncounted != 1 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatTheDriverSkipsIsNoCall(t *testing.T) {
	b := &fakeDB{on: when(": exec", lastly(driver.ErrSkip))}
	br := new(breaker.Breaker)
	db := open(t, br, b)
	rec := &request.Record{Context: t.Context()}
	for range 500 {
		if _, err := db.ExecContext(rec, "UPDATE book SET title = ?", "Emma"); err != nil {
			t.Fatal(err)
		}
	}
	if s := br.Stats(); s.Calls != 1001 || s.Succeeded != 1001 || s.Uncounted != 0 {
		t.Errorf("%+v, want a connection, and each statement prepared and executed", s)
	}
	got := rec.Backends()[0]
	if got.Calls != 1001 || len(got.Running) != 0 {
		t.Errorf("%+v", got)
	}
	for i, want := range []request.Statement{
		{Text: "PREPARE UPDATE book SET title = ?", Calls: 500}, {Text: "UPDATE book SET title = ?", Calls: 500}, {Text: "connect", Calls: 1},
	} {
		if s := got.Statements[i]; s.Text != want.Text || s.Calls != want.Calls {
			t.Errorf("%+v, want %+v", s, want)
		}
	}
}

func TestTheTallyNamesTheCallInProgress(t *testing.T) {
	b := &fakeDB{data: [][]int64{{1}}}
	br := &breaker.Breaker{Name: "mysql"}
	db := open(t, br, b)
	rec := &request.Record{Context: t.Context()}
	var running []string
	b.on = func(_ context.Context, what string) error {
		if list := rec.Backends(); list != nil && len(list[0].Running) > 0 {
			running = append(running, list[0].Running[0].Statement)
		}
		return nil
	}
	tx, err := db.BeginTx(rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	tx.ExecContext(rec, "DELETE FROM cart WHERE id = 17")
	tx.QueryContext(rec, "SELECT 'secret'")
	tx.Commit()
	db.PingContext(rec)
	want := "connect, BEGIN, DELETE FROM cart WHERE id = ?, SELECT ?, SELECT ?, COMMIT, , ping"
	if got := strings.Join(running, ", "); got != want {
		t.Errorf("in progress were\n%s, want\n%s", got, want)
	}
	if s := br.Stats(); len(s.Statements) != 6 {
		t.Errorf("%+v, want six kinds of statement", s.Statements)
	}
}

func TestAHangingResetIsBoundedAndTheCallSaysSo(t *testing.T) {
	b := &fakeDB{dress: dresses["ResetSession, as pgx"], on: when("reset", func(ctx context.Context) error {
		<-ctx.Done()
		return driver.ErrBadConn
	})}
	br := &breaker.Breaker{Timeout: s}
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		if _, err := db.Exec("UPDATE"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err := db.Exec("UPDATE")
		wantInTime(t, began, err, s)
		if n := b.count("reset"); n != 1 || b.conns != 1 {
			t.Errorf("%d resets on %d connections, want one: no more are tried", n, b.conns)
		}
		b.on = nil
		if _, err := db.Exec("UPDATE"); err != nil || b.conns != 2 {
			t.Errorf("error %v on %d connections, want a new one", err, b.conns)
		}
	})
}

func TestAResetIsNoCall(t *testing.T) {
	b, br := new(fakeDB), new(breaker.Breaker)
	db := open(t, br, b)
	for range 3 {
		if _, err := db.Exec("UPDATE"); err != nil {
			t.Fatal(err)
		}
	}
	if s := br.Stats(); s.Calls != 4 || b.count("reset") != 2 {
		t.Errorf("%+v, want a connection and three statements", s)
	}
}

// Whatever a driver does, its place as a probe is given back.
func TestPermitsSurviveADriverThatPanicsOrExits(t *testing.T) {
	for name, f := range map[string]func(context.Context) error{
		"panic":  func(context.Context) error { panic("driver") },
		"Goexit": func(context.Context) error { runtime.Goexit(); return nil },
	} {
		for _, where := range []string{"connect", "reset", "exec", "query", "row 1", "close rows", "prepare", "begin", "commit"} {
			t.Run(name+" in "+where, func(t *testing.T) {
				b := &fakeDB{data: [][]int64{{1}}}
				br := &breaker.Breaker{TripAfter: -1, OpenFor: s}
				bubble(t, br, b, func(t *testing.T, db *sql.DB) {
					use := func(db *sql.DB) {
						db.Exec("UPDATE")
						db.Exec("UPDATE")
						if rows, err := db.Query("SELECT"); err == nil {
							defer rows.Close()
							rows.Next()
							rows.Close()
						}
						if stmt, err := db.Prepare("SELECT"); err == nil {
							stmt.Close()
						}
						if tx, err := db.Begin(); err == nil {
							tx.Commit()
						}
					}
					b.on = when(where, f)
					done := make(chan any)
					go func() {
						defer func() { done <- recover() }()
						use(db)
						t.Error("it went on")
					}()
					if value := <-done; (value != nil) != (name == "panic") {
						t.Errorf("recovered %v", value)
					}
					if got := br.Stats(); got.InProgress != 0 {
						t.Errorf("%+v, want nothing in progress", got)
					}
					// The same as a probe, on a pool of its own: the other may have
					// lost a connection that nobody returns.
					br.Open(s)
					time.Sleep(s)
					second := sql.OpenDB(br.Connector(b))
					defer second.Close()
					go func() {
						defer func() { done <- recover() }()
						use(second)
					}()
					<-done
					b.on = nil
					time.Sleep(time.Minute)
					third := sql.OpenDB(br.Connector(b))
					defer third.Close()
					if _, err := third.Exec("UPDATE"); err != nil {
						t.Errorf("error %v: a permit is lost", err)
					}
				})
			})
		}
	}
}

func TestAConnectionIsSeenThroughItsWrappers(t *testing.T) {
	b := new(fakeDB)
	first, _ := new(breaker.Breaker).Connector(b).Connect(t.Context())
	var c any = first
	if _, ok := breaker.DriverConn(c).(full); !ok {
		t.Errorf("%T, want the driver's", breaker.DriverConn(c))
	}
	twice, _ := new(breaker.Breaker).Connector(new(breaker.Breaker).Connector(b)).Connect(t.Context())
	if _, ok := breaker.DriverConn(twice).(full); !ok {
		t.Errorf("%T, want the driver's", breaker.DriverConn(twice))
	}
	if breaker.DriverConn(7) != 7 || breaker.DriverConn(nil) != nil {
		t.Error("another value must be returned as it is")
	}
}
