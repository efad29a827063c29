package breaker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

var errDown = errors.New("down")

func fails(context.Context) error    { return errDown }
func succeeds(context.Context) error { return nil }

func TestFailuresInARowTripIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Name: "mysql", TripAfter: 3}
		for range 3 {
			if err := b.Do(t.Context(), fails); err != errDown {
				t.Fatal(err)
			}
		}
		var open *breaker.OpenError
		if err := b.Do(t.Context(), succeeds); !errors.As(err, &open) || !errors.Is(err, breaker.ErrOpen) {
			t.Fatalf("%v, want an OpenError", err)
		}
		if open.Name != "mysql" || open.RetryAfter < time.Second || open.RetryAfter > 1200*time.Millisecond {
			t.Errorf("%+v", open)
		}
		time.Sleep(open.RetryAfter)
		if s := b.State(); s != breaker.HalfOpen {
			t.Errorf("%v, want half-open", s)
		}
		if err := b.Do(t.Context(), succeeds); err != nil {
			t.Error(err)
		}
		if s := b.State(); s != breaker.Closed {
			t.Errorf("%v, want closed", s)
		}
	})
}

func TestAHangingCallCountsAtItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Name: "mysql", TripAfter: 1, Timeout: 100 * time.Millisecond}
		release := make(chan struct{})
		done := make(chan error)
		go func() {
			done <- b.Do(t.Context(), func(ctx context.Context) error { <-release; return nil })
		}()
		time.Sleep(101 * time.Millisecond)
		if s := b.State(); s != breaker.Open {
			t.Errorf("%v, want open", s)
		}
		if s := b.Stats(); s.Overdue != 1 || s.TimedOut != 1 || s.InProgress != 1 || s.Failed != 1 || s.Succeeded != 0 {
			t.Errorf("%+v", s)
		}
		close(release)
		<-done
		if s := b.Stats(); s.Overdue != 0 || s.InProgress != 0 || s.Failed != 1 || s.Succeeded != 0 || s.Calls != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestATimeoutIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Name: "mysql", Timeout: 100 * time.Millisecond}
		err := b.Do(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		var late *breaker.TimeoutError
		if !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) || late.Limit != 100*time.Millisecond {
			t.Errorf("%v", err)
		}
	})
}
