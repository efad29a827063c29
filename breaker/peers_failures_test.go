package breaker_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// What other breakers for Go get wrong, as found by trying them. Those of
// failsafe-go's HTTP handler that concern requests are with Transport's and
// Wrap's tests.

// gobreaker calls OnStateChange under its lock.
func TestGobreakerCallingBackFromTheStateHookDeadlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		states := make(chan breaker.State, 1)
		var b *breaker.Breaker
		b = &breaker.Breaker{TripAfter: 1, OnChange: func(breaker.Change) { states <- b.State() }}
		do(t, b, 1, fails)
		if got := <-states; got != breaker.Open {
			t.Errorf("the hook sees %v", got)
		}
	})
}

// gobreaker's half-open state counts what went in, and waits for it to come out.
func TestGobreakerAProbeThatNeverReturnsWedgesHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, release := &breaker.Breaker{}, make(chan struct{})
		halfOpen(t, b)
		var stuck sync.WaitGroup
		stuck.Go(func() { b.Do(context.Background(), func(context.Context) error { <-release; return nil }) })
		time.Sleep(time.Minute)
		do(t, b, 1, succeeds)
		wantState(t, b, breaker.Closed)
		close(release)
		stuck.Wait()
	})
}

func TestGobreakerAProbeThatGoexitsWedgesHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		halfOpen(t, b)
		var gone sync.WaitGroup
		gone.Go(func() { b.Do(context.Background(), func(context.Context) error { runtime.Goexit(); return nil }) })
		gone.Wait()
		do(t, b, 1, succeeds)
		wantState(t, b, breaker.Closed)
	})
}

func TestGobreakerTripsOnFinishedCallsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, release := &breaker.Breaker{}, make(chan struct{})
		var stuck sync.WaitGroup
		for range 100 {
			stuck.Go(func() { b.Do(context.Background(), func(context.Context) error { <-release; return nil }) })
		}
		time.Sleep(time.Second)
		synctest.Wait()
		wantRefusal(t, b)
		if st := b.Stats(); st.InProgress != 100 || st.Trips != 1 {
			t.Errorf("%+v", st)
		}
		close(release)
		stuck.Wait()
	})
}

func TestGobreakerHasNoSlowCallRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		var calls sync.WaitGroup
		for range 100 {
			calls.Go(func() { b.Do(context.Background(), takes(900*ms, nil)) })
		}
		calls.Wait()
		wantRefusal(t, b)
	})
}

func TestGobreakerHasNoJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		times := make(map[time.Duration]bool)
		for range 100 {
			var b breaker.Breaker
			trip(t, &b)
			times[b.RetryAfter()] = true
		}
		if len(times) < 90 {
			t.Errorf("100 breakers probe at %d times", len(times))
		}
	})
}

// gobreaker counts any panic as a failure, as what its text says.
func TestGobreakerCannotTellErrAbortHandlerApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		if v := panicOf(func() { b.Do(t.Context(), func(context.Context) error { panic(http.ErrAbortHandler) }) }); v != http.ErrAbortHandler {
			t.Errorf("panic %v", v)
		}
		wantState(t, b, breaker.Closed)
	})
}

// gobreaker's distributed breaker holds the store's lock for the whole call.
func TestGobreakerDistributedRunsOneCallAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := replicas(t, new(bus), 2)
		began := time.Now()
		var calls sync.WaitGroup
		for i := range 10 {
			calls.Go(func() { all[i%2].Do(t.Context(), takes(50*ms, nil)) })
		}
		calls.Wait()
		if took := time.Since(began); took != 50*ms {
			t.Errorf("10 calls of 50 ms at once took %v", took)
		}
	})
}

// gobreaker's distributed breaker reads, changes and writes its state without a check.
func TestGobreakerDistributedLosesUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := replicas(t, new(bus), 2)
		var calls sync.WaitGroup
		for i := range 2000 {
			calls.Go(func() { all[i%2].Do(t.Context(), takes(ms, context.Canceled)) })
		}
		calls.Wait()
		for _, b := range all {
			if st := b.Stats(); st.Calls != 1001 || st.Uncounted != 1000 || st.Succeeded != 1 {
				t.Errorf("%+v", st)
			}
		}
	})
}

func TestFailsafeGoLeaksPermitsOnPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Probes: 2}
		for range 10 {
			halfOpen(t, b)
			panicOf(func() { b.Do(t.Context(), func(context.Context) error { panic("at the disco") }) })
			wantState(t, b, breaker.Open)
		}
		halfOpen(t, b)
		do(t, b, 2, succeeds)
		wantState(t, b, breaker.Closed)
	})
}

// What a handler has to say in Retry-After comes with the error.
func TestFailsafeGoNeverSaysWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b breaker.Breaker
		trip(t, &b)
		var refused interface {
			Refused() (string, time.Duration)
		}
		if err := b.Do(t.Context(), succeeds); !errors.As(err, &refused) {
			t.Fatalf("error %v", err)
		}
		name, left := refused.Refused()
		if name != "backend" || left != b.RetryAfter() || left < s {
			t.Errorf("%q, %v, want %v", name, left, b.RetryAfter())
		}
	})
}
