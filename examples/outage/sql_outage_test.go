package outage_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/servers"
)

const (
	sqlTimeout = 300 * time.Millisecond
	sqlOpenFor = 200 * time.Millisecond
	sqlOpenMax = 400 * time.Millisecond
	slack      = 700 * time.Millisecond // for a machine that is busy with other tests
)

// guarded makes a pool whose connections stay, with a breaker.
func guarded(t *testing.T, p product, server *servers.Server) (*breaker.Breaker, *sql.DB) {
	b := &breaker.Breaker{Name: p.name, Timeout: sqlTimeout, TripAfter: 3, OpenFor: sqlOpenFor, OpenMax: sqlOpenMax, SlowRate: -1}
	db := sql.OpenDB(b.Connector(p.connector(t, server.DSN)))
	t.Cleanup(func() { db.Close() })
	db.SetMaxIdleConns(8)
	warm(t, db, 8)
	return b, db
}

// warm makes n queries at once, each on a connection of its own. All must be
// answered.
func warm(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	var queries sync.WaitGroup
	errs := make(chan error, n)
	for range n {
		queries.Go(func() { errs <- ask(db) })
	}
	queries.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Errorf("a query after all was well: %v", err)
		}
	}
}

func ask(db *sql.DB) error {
	var one int
	if err := db.QueryRow("SELECT 1").Scan(&one); err != nil || one == 1 {
		return err
	}
	return fmt.Errorf("1 is %d", one)
}

// A database that is gone costs its callers at most Timeout at first and nearly
// nothing then, and what comes back is used at once, with no connection of
// before.
func TestAnOutageOfADatabase(t *testing.T) {
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			server := p.start(t)
			for _, fault := range []struct {
				name       string
				begin, end func()
			}{
				{"it is stopped", server.Stop, server.Start},
				{"it is killed", server.Kill, server.Start},
				{"it hangs", server.Hang, server.Resume},
				{"it hangs and connections were idle", func() { time.Sleep(1100 * time.Millisecond); server.Hang() }, server.Resume}, // pgx asks the server then

				{"it hangs and is killed", func() { server.Hang(); time.Sleep(time.Second); server.Kill() }, server.Start},
			} {
				t.Run(fault.name, func(t *testing.T) {
					b, db := guarded(t, p, server)
					fault.begin()
					began := time.Now()
					for b.State() == breaker.Closed {
						asked := time.Now()
						err := ask(db)
						if took := time.Since(asked); took > sqlTimeout+slack {
							t.Errorf("a query took %v", took)
						}
						if err == nil || time.Since(began) > 10*time.Second {
							t.Fatalf("error %v after %v, want the breaker tripped", err, time.Since(began))
						}
					}
					t.Logf("open after %v: %+v", time.Since(began), b.Stats())
					refusals(t, b, db)
					for until := time.Now().Add(time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
						if err := ask(db); err == nil {
							t.Error("an answer during the outage")
						}
					}
					fault.end()
					back(t, b, db)
					warm(t, db, 8)
					settled(t, b)
				})
			}
		})
	}
}

// refusals makes 200 queries that are refused, and wants half of them to take
// less than a millisecond.
func refusals(t *testing.T, b *breaker.Breaker, db *sql.DB) {
	t.Helper()
	var took []time.Duration
	for range 10_000 {
		began := time.Now()
		err := ask(db)
		if d := time.Since(began); errors.Is(err, breaker.ErrOpen) {
			took = append(took, d)
		}
		var refusal *breaker.OpenError
		if errors.As(err, &refusal) && (refusal.RetryAfter <= 0 || refusal.RetryAfter > sqlOpenMax*6/5+sqlTimeout) {
			t.Errorf("%+v", refusal)
		}
		if len(took) == 200 {
			break
		}
	}
	if len(took) < 200 {
		t.Fatalf("%d refusals of 10000 queries", len(took))
	}
	slices.Sort(took)
	t.Logf("a refusal takes %v, at most %v", took[100], took[199])
	if took[100] > time.Millisecond {
		t.Errorf("a refusal takes %v", took[100])
	}
}

// back asks until there is an answer, and wants it as soon as the breaker may
// be closed again. Until then queries are refused, and none fails.
func back(t *testing.T, b *breaker.Breaker, db *sql.DB) {
	t.Helper()
	began := time.Now()
	limit := b.RetryAfter() + sqlTimeout + slack
	for {
		err := ask(db)
		if err == nil {
			break
		}
		if !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("the database was back, and a query failed: %v", err)
		}
		if time.Since(began) > limit {
			t.Fatalf("no answer after %v: %+v", limit, b.Stats())
		}
		time.Sleep(time.Millisecond)
	}
	t.Logf("back after %v of %v", time.Since(began), limit)
}

// What a driver does without a context is bounded, too: go-sql-driver's Commit
// is, and the rest of the rows that it reads when they are closed.
func TestATransactionInAnOutage(t *testing.T) {
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			server := p.start(t)
			b, db := guarded(t, p, server)
			if _, err := db.Exec(p.book); err != nil {
				t.Fatal(err)
			}
			for name, end := range map[string]func(*sql.Tx) error{
				"commit":   (*sql.Tx).Commit,
				"rollback": (*sql.Tx).Rollback,
				"a query, and rollback": func(tx *sql.Tx) error {
					_, err := tx.Exec("INSERT INTO book (title) VALUES ('y')")
					began := time.Now()
					tx.Rollback()
					if took := time.Since(began); took > slack {
						t.Errorf("a rollback after the connection was lost took %v", took)
					}
					return err
				},
			} {
				tx, err := db.Begin()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tx.Exec("INSERT INTO book (title) VALUES ("+p.placeholder+")", name); err != nil {
					t.Fatal(err)
				}
				server.Hang()
				began := time.Now()
				err = end(tx)
				var late *breaker.TimeoutError
				if took := time.Since(began); !errors.As(err, &late) || took > sqlTimeout*11/10+slack {
					t.Errorf("%s: error %v after %v, want a TimeoutError after %v", name, err, took, sqlTimeout)
				}
				server.Resume()
				warm(t, db, 8)
			}
			settled(t, b) // what was left behind, too
		})
	}
}
