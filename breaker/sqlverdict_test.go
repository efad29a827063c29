package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

func TestARollbackByDatabaseSQLItselfSaysNothing(t *testing.T) {
	b := &fakeDB{on: when("rollback", lastly(net.ErrClosed))}
	br := new(breaker.Breaker)
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := db.BeginTx(ctx, nil); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if got := br.Stats(); got.Uncounted != 2 || got.Failed != 0 || b.count("rollback") != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestRowsThatBreakOffAreAFailureIfTheConnectionIsLost(t *testing.T) {
	for name, err := range map[string]error{"the network's": net.ErrClosed, "the server's": errors.New("1317: query interrupted")} {
		t.Run(name, func(t *testing.T) {
			b := &fakeDB{data: [][]int64{{1, 2, 3}}, dress: dresses["ResetSession, as pgx"], on: when("row 2", lastly(err))}
			br := new(breaker.Breaker)
			rows, _ := open(t, br, b).Query("SELECT")
			for rows.Next() {
			}
			if got := rows.Err(); got != err {
				t.Errorf("error %v, want the driver's own", got)
			}
			if s := br.Stats(); s.Failed != 1 && err == net.ErrClosed || s.Failed != 0 && err != net.ErrClosed || s.InProgress != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// sqlState is an error as PostgreSQL's drivers have them.
type sqlState string

func (s sqlState) Error() string { return "SQLSTATE " + string(s) }

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
		{name: "a reset", err: fmt.Errorf("write: %w", syscall.ECONNRESET), lost: true, want: "failed"},
		{name: "a network's error", err: &net.OpError{Op: "read", Err: errors.New("x")}, dress: "ResetSession, as pgx", want: "failed"},
		{name: "an end too soon", err: fmt.Errorf("pgx: %w", io.ErrUnexpectedEOF), dress: "ResetSession, as pgx", want: "failed"},
		{name: "a closed connection", err: net.ErrClosed, dress: "ResetSession, as pgx", want: "failed"},
		{name: "a bad connection", err: driver.ErrBadConn, want: "uncounted"},
		{name: "a server that shuts down", err: fmt.Errorf("pgx: %w", sqlState("57P01")), dress: "ResetSession, as pgx", want: "failed"},
		{name: "a server with too many connections", err: sqlState("53300"), dress: "ResetSession, as pgx", want: "failed"},
		{name: "a server without memory", err: sqlState("53200"), dress: "ResetSession, as pgx", want: "failed"},
		{name: "a disk that fails", err: sqlState("58030"), dress: "ResetSession, as pgx", want: "failed"},
		{name: "a limit of the session's own", err: sqlState("53400"), dress: "ResetSession, as pgx", want: "succeeded"},
		{name: "a file that is not there", err: sqlState("58P01"), dress: "ResetSession, as pgx", want: "succeeded"},
		{name: "a session that was idle for too long", err: sqlState("57P05"), dress: "ResetSession, as pgx", want: "uncounted"},
		{name: "what the caller sends breaks off", err: io.ErrUnexpectedEOF, want: "succeeded"}, // LOAD DATA's reader
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
	if s := br.Stats(); s.Failed != 3 || s.Uncounted != 3 {
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
	b := &fakeDB{dress: dresses["ResetSession, as pgx"], on: func(_ context.Context, what string) error {
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
	if s := br.Stats(); s.Failed != 1 || s.Uncounted != 2 || s.Calls != 4 {
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
		if s := br.Stats(); s.Uncounted != 2 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A database that is locked, or hangs, may well accept connections.
func TestConnectionsThatCanBeMadeDoNotHideThatStatementsHang(t *testing.T) {
	b := &fakeDB{on: when(": exec", func(ctx context.Context) error { <-ctx.Done(); return driver.ErrBadConn })}
	br := &breaker.Breaker{OpenMax: 4 * s}
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		for range breaker.DefaultTripAfter {
			db.Exec("UPDATE")
		}
		wantState(t, br, breaker.Open)
		for trips := uint64(2); trips < 6; trips++ {
			time.Sleep(br.RetryAfter())
			wantState(t, br, breaker.HalfOpen)
			db.Exec("UPDATE")
			if wantState(t, br, breaker.Open); br.Stats().Trips != trips {
				t.Errorf("%+v, want %d trips: the probe is the statement", br.Stats(), trips)
			}
		}
		b.on = nil
		time.Sleep(br.RetryAfter())
		db.Exec("UPDATE")
		wantState(t, br, breaker.Closed)
	})
}

// That a connection failed once says nothing of what it says next.
func TestEveryFailureOnAConnectionThatGoesOnIsCounted(t *testing.T) {
	all := func(error) bool { return true }
	for _, test := range []struct {
		name      string
		err       error
		isFailure func(error) bool
		dress     string
	}{
		{"IsFailure says so", errors.New("1290: read-only"), all, "everything"},
		{"IsFailure says so, without IsValid", errors.New("1290: read-only"), all, "ResetSession, as pgx"},
		{"no memory", sqlState("53200"), nil, "ResetSession, as pgx"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &fakeDB{on: when("exec", lastly(test.err)), dress: dresses[test.dress]}
			br := &breaker.Breaker{IsFailure: test.isFailure}
			db := open(t, br, b)
			db.SetMaxOpenConns(1)
			for range breaker.DefaultTripAfter {
				db.Exec("UPDATE")
			}
			wantState(t, br, breaker.Open)
		})
	}
}

func TestACancelledCallDoesNotHideTheNextFailure(t *testing.T) {
	b := new(fakeDB)
	var lost *fakeConn
	b.dress = func(c *fakeConn) driver.Conn {
		lost = c
		return full{c, ctxExec{c}, ctxQuery{c}, reset{c}, valid{c}, begin{c}, prepare{c}, ping{c}, check{}}
	}
	br := new(breaker.Breaker)
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(ms, cancel)
		b.on = when("exec", sulks)
		conn.ExecContext(ctx, "UPDATE")
		b.on = when("exec", func(context.Context) error { lost.lost = true; return io.ErrUnexpectedEOF })
		conn.ExecContext(t.Context(), "UPDATE")
		if s := br.Stats(); s.Failed != 1 {
			t.Errorf("%+v, want one failure", s)
		}
	})
}
