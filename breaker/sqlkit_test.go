package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
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
	if took := time.Since(began); took != after {
		t.Errorf("took %v, want %v", took, after)
	}
}
