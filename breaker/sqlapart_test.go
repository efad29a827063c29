package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

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
				wantInTime(t, began, test.call(db), s+s/10)
				asked := b.count("1: ")
				if b.count("1: close")-b.count("1: close rows") != 0 {
					t.Errorf("the connection was touched while it was busy:\n%s", b.journal())
				}
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

// The rest of a connection knows that it is busy, too.
func TestWhatIsOpenOnABusyConnectionIsLeftAlone(t *testing.T) {
	b := &fakeDB{data: [][]int64{{1, 2, 3}}, on: when(": exec", deaf), dress: dresses["Exec and Query"]}
	br := &breaker.Breaker{Timeout: s}
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tx, err := conn.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := conn.QueryContext(t.Context(), "SELECT")
		if err != nil || !rows.Next() {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = conn.ExecContext(t.Context(), "UPDATE")
		wantInTime(t, began, err, s+s/10)
		asked := b.journal()
		if rows.Next() || rows.Err() != err {
			t.Errorf("a row, or error %v; want the same error again", rows.Err())
		}
		// Not ErrBadConn, at which database/sql would wait for the rows.
		if _, again := conn.ExecContext(t.Context(), "UPDATE"); again != err {
			t.Errorf("error %v, want the same again", again)
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
		if again := tx.Rollback(); again != err {
			t.Errorf("error %v, want the same again", again)
		}
		conn.Close()
		if now := b.journal(); now != asked {
			t.Errorf("the driver was asked\n%s", now)
		}
		if got := br.Stats(); got.InProgress != 1 || got.Failed != 1 {
			t.Errorf("%+v, want only the deaf call in progress", got)
		}
		time.Sleep(5 * time.Minute)
	})
}

// A transaction whose context ends while it is committed is committed, or not,
// within the same time.
func TestACommitIsBoundedWhenItsContextHasEnded(t *testing.T) {
	b := &fakeDB{on: when("commit", deaf)}
	br := &breaker.Breaker{Timeout: s}
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(s/2, cancel)
		began := time.Now()
		wantInTime(t, began, tx.Commit(), s+s/10)
		time.Sleep(5 * time.Minute)
	})
}

func TestWithoutATimeoutNothingIsLeftBehind(t *testing.T) {
	b := &fakeDB{on: when("commit", deaf)}
	bubble(t, &breaker.Breaker{Timeout: -1}, b, func(t *testing.T, db *sql.DB) {
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil || b.count("close") != 0 {
			t.Errorf("error %v:\n%s", err, b.journal())
		}
	})
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
