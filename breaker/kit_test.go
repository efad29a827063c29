package breaker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

const (
	ms = time.Millisecond
	s  = time.Second
)

var errDown = errors.New("down")

func fails(context.Context) error    { return errDown }
func succeeds(context.Context) error { return nil }

// hangs answers only when its context ends.
func hangs(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// takes answers after d, whatever its context says.
func takes(d time.Duration, err error) func(context.Context) error {
	return func(context.Context) error { time.Sleep(d); return err }
}

// do makes n calls, one after another, that the breaker must let through.
func do(t *testing.T, b *breaker.Breaker, n int, f func(context.Context) error) {
	t.Helper()
	for i := range n {
		if err := b.Do(t.Context(), f); errors.Is(err, breaker.ErrOpen) {
			t.Fatalf("call %d of %d was refused: %v", i+1, n, err)
		}
	}
}

// trip makes calls that fail until the breaker opens, and says how many it took.
func trip(t *testing.T, b *breaker.Breaker) (calls int) {
	t.Helper()
	for b.State() == breaker.Closed {
		if calls++; calls > 1000 {
			t.Fatal("1000 failures have not tripped it")
		}
		b.Do(t.Context(), fails)
	}
	return calls
}

// reopen sleeps until the breaker is half-open and lets a probe fail.
func reopen(t *testing.T, b *breaker.Breaker) {
	t.Helper()
	time.Sleep(b.RetryAfter())
	wantState(t, b, breaker.HalfOpen)
	do(t, b, 1, fails)
	wantState(t, b, breaker.Open)
}

// recover sleeps until the breaker is half-open and lets a probe succeed.
func recovered(t *testing.T, b *breaker.Breaker) {
	t.Helper()
	time.Sleep(b.RetryAfter())
	wantState(t, b, breaker.HalfOpen)
	do(t, b, 1, succeeds)
	wantState(t, b, breaker.Closed)
}

func wantState(t *testing.T, b *breaker.Breaker, want breaker.State) {
	t.Helper()
	if got := b.State(); got != want {
		t.Fatalf("the breaker is %v, want %v", got, want)
	}
}

// wantRefusal makes a call that must be refused, without running, and gives
// what it was told.
func wantRefusal(t *testing.T, b *breaker.Breaker) *breaker.OpenError {
	t.Helper()
	err := b.Do(t.Context(), func(context.Context) error { t.Error("a call ran that should be refused"); return nil })
	var refusal *breaker.OpenError
	if !errors.As(err, &refusal) || !errors.Is(err, breaker.ErrOpen) {
		t.Fatalf("error %v, want an OpenError", err)
	}
	return refusal
}

// wantWithin checks that a time is d, or up to a fifth more.
func wantWithin(t *testing.T, got, d time.Duration) {
	t.Helper()
	if got < d || got > d+d/5 {
		t.Errorf("%v, want from %v to %v", got, d, d+d/5)
	}
}
