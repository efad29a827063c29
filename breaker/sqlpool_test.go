package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

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

func TestAnOpenBreakerLeavesThePoolAlone(t *testing.T) {
	b, br := new(fakeDB), new(breaker.Breaker)
	db := open(t, br, b)
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	br.Open(time.Hour)
	asked := b.journal()
	for range 5 {
		if _, err := db.Exec("UPDATE"); !errors.Is(err, breaker.ErrOpen) {
			t.Error(err)
		}
	}
	if now := b.journal(); now != asked || db.Stats().Idle != 1 {
		t.Errorf("%d connections in the pool; the driver was asked\n%s", db.Stats().Idle, now)
	}
	if s := br.Stats(); s.Refused != 5 {
		t.Errorf("%d refused, want 5", s.Refused)
	}
}

func TestConnectionsOfBeforeAnOutageThatOthersHaveSeenTheEndOfAreReplaced(t *testing.T) {
	b, br := new(fakeDB), new(breaker.Breaker)
	db := open(t, br, b)
	for range 2 {
		if err := db.Ping(); err != nil {
			t.Fatal(err)
		}
	}
	br.Open(time.Hour)
	br.Close()
	if err := db.Ping(); err != nil || b.conns != 2 || b.count("1: close") != 1 {
		t.Errorf("error %v on connection %d:\n%s", err, b.conns, b.journal())
	}
	if err := db.Ping(); err != nil || b.conns != 2 {
		t.Errorf("error %v on connection %d, want the second again", err, b.conns)
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

func TestATransactionThatOutlivesAnOutageProvesItsConnection(t *testing.T) {
	b, br := new(fakeDB), new(breaker.Breaker)
	db := open(t, br, b)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	br.Open(time.Hour)
	br.Close()
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	if err := db.Ping(); err != nil || b.conns != 1 {
		t.Errorf("error %v on %d connections, want the one", err, b.conns)
	}
}

// A connection that was taken from the pool for a call that was refused is as
// good as before.
func TestARefusalDoesNotSpoilAConnection(t *testing.T) {
	b, br := new(fakeDB), &breaker.Breaker{Probes: 2}
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		br.Open(s)
		time.Sleep(s)
		if _, err := db.Exec("UPDATE"); err != nil { // the first probe
			t.Fatal(err)
		}
		if err := br.Do(t.Context(), func(context.Context) error { // the second
			_, err := db.Exec("UPDATE")
			return err
		}); !errors.Is(err, breaker.ErrOpen) {
			t.Fatalf("error %v, want a refusal", err)
		}
		if err := br.Do(t.Context(), succeeds); err != nil {
			t.Fatal(err)
		}
		wantState(t, br, breaker.Closed)
		if _, err := db.Exec("UPDATE"); err != nil || b.conns != 1 {
			t.Errorf("error %v on %d connections, want the one", err, b.conns)
		}
	})
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
		conn, err := db.Conn(t.Context()) // a second connection, as the first is bad
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		conn, err = db.Conn(t.Context()) // which hangs, too, when it is taken again
		if err != nil || b.conns != 2 {
			t.Fatalf("error %v on %d connections", err, b.conns)
		}
		defer conn.Close()
		_, err = conn.ExecContext(t.Context(), "UPDATE")
		wantInTime(t, time.Now().Add(-s), err, s)
		if _, again := conn.ExecContext(t.Context(), "UPDATE"); again != err {
			t.Errorf("error %v, want the same again", again)
		}
		b.on = nil
		if _, err := db.Exec("UPDATE"); err != nil || b.conns != 3 {
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

func TestAConnectionThatIsTakenWhileTheBackendIsTriedIsGood(t *testing.T) {
	b, br := new(fakeDB), new(breaker.Breaker)
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		if _, err := db.Exec("UPDATE"); err != nil {
			t.Fatal(err)
		}
		br.Open(s)
		time.Sleep(s)
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(t.Context(), "UPDATE"); err != nil {
			t.Error(err)
		}
		wantState(t, br, breaker.Closed)
	})
}

func TestAConnectionThatAProbeHasProvenIsKept(t *testing.T) {
	b, br := new(fakeDB), &breaker.Breaker{Probes: 3}
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		br.Open(s)
		time.Sleep(s)
		for range 3 {
			if _, err := db.Exec("UPDATE"); err != nil {
				t.Error(err)
			}
		}
		if wantState(t, br, breaker.Closed); b.conns != 1 {
			t.Errorf("%d connections for three probes, want one", b.conns)
		}
	})
}
