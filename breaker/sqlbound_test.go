package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

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

// A driver's error keeps what it is when the time was up, too.
func TestALateErrorIsStillTheDrivers(t *testing.T) {
	server := errors.New("1205: lock wait")
	b := &fakeDB{on: when("exec", func(ctx context.Context) error { <-ctx.Done(); return server })}
	bubble(t, &breaker.Breaker{Timeout: s}, b, func(t *testing.T, db *sql.DB) {
		began := time.Now()
		_, err := db.Exec("UPDATE")
		wantInTime(t, began, err, s)
		if !errors.Is(err, server) {
			t.Errorf("error %v, want the server's in it", err)
		}
	})
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
		if ctx == nil {
			return nil
		}
		at, bounded := ctx.Deadline()
		switch {
		case strings.Contains(what, "begin") && (!bounded || time.Until(at) != s):
			return fmt.Errorf("the deadline is at %v", at)
		case strings.Contains(what, "commit") && bounded:
			return fmt.Errorf("the deadline is at %v", at)
		case strings.Contains(what, "commit"):
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

func TestATransactionThatDoesNotBeginLeavesNothing(t *testing.T) {
	var life context.Context
	b := &fakeDB{on: when("begin", func(ctx context.Context) error { life = ctx; return errors.New("no") })}
	if _, err := open(t, new(breaker.Breaker), b).Begin(); err == nil || life.Err() == nil {
		t.Errorf("error %v, and its context ended with %v", err, life.Err())
	}
}

// database/sql may hold the lock of the whole pool while it closes a statement.
func TestClosingAStatementIsBounded(t *testing.T) {
	for name, out := range map[string]time.Duration{"the backend hangs": s + s/10, "an outage": 0} {
		t.Run(name, func(t *testing.T) {
			b := &fakeDB{on: when("close statement", deaf)}
			br := &breaker.Breaker{Timeout: s}
			bubble(t, br, b, func(t *testing.T, db *sql.DB) {
				stmt, err := db.Prepare("SELECT")
				if err != nil {
					t.Fatal(err)
				}
				if out == 0 {
					br.Open(time.Hour)
				}
				began := time.Now()
				stmt.Close()
				if took := time.Since(began); took != out {
					t.Errorf("it took %v, want %v", took, out)
				}
				time.Sleep(5 * time.Minute)
			})
		})
	}
}

type lateBegin struct{ of *fakeConn }

func (l lateBegin) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	time.Sleep(2 * s)
	return &fakeTx{c: l.of}, nil
}

func TestATransactionThatBeginsTooLateIsRolledBack(t *testing.T) {
	b := &fakeDB{dress: func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			lateBegin
		}{c, lateBegin{c}}
	}}
	bubble(t, &breaker.Breaker{Timeout: s}, b, func(t *testing.T, db *sql.DB) {
		began := time.Now()
		_, err := db.Begin()
		wantInTime(t, began, err, 2*s)
		if b.count("rollback") != 1 {
			t.Errorf("it was not rolled back:\n%s", b.journal())
		}
	})
}
