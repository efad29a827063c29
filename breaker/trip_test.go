package breaker_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

func TestFailuresInARowTripIt(t *testing.T) {
	for _, c := range []struct{ after, want int }{{0, 5}, {1, 1}, {3, 3}, {30, 30}} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{TripAfter: c.after, TripRate: -1}
			if got := trip(t, b); got != c.want {
				t.Errorf("TripAfter %d: tripped after %d, want %d", c.after, got, c.want)
			}
		})
	}
}

func TestASuccessBeginsTheRowAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 3, TripRate: -1}
		for range 10 {
			do(t, b, 2, fails)
			do(t, b, 1, succeeds)
		}
		wantState(t, b, breaker.Closed)
		if got := trip(t, b); got != 3 {
			t.Errorf("tripped after %d, want 3", got)
		}
	})
}

func TestARowMayTakeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		for range 4 {
			do(t, b, 1, fails)
			time.Sleep(time.Hour)
		}
		wantState(t, b, breaker.Closed)
		do(t, b, 1, fails)
		wantState(t, b, breaker.Open)
	})
}

func TestAShareOfFailuresTripsIt(t *testing.T) {
	for _, c := range []struct {
		b         *breaker.Breaker
		good, bad int // bad ones after good ones
		trips     bool
	}{
		{b: &breaker.Breaker{}, good: 10, bad: 10, trips: true},
		{b: &breaker.Breaker{}, good: 11, bad: 10, trips: false},
		{b: &breaker.Breaker{TripCalls: 2}, good: 1, bad: 1, trips: true},
		{b: &breaker.Breaker{TripCalls: 40}, good: 19, bad: 20, trips: false},
		{b: &breaker.Breaker{TripRate: 0.1}, good: 18, bad: 2, trips: true},
		{b: &breaker.Breaker{TripRate: 1, TripCalls: 1}, good: 1, bad: 500, trips: false},
		{b: &breaker.Breaker{TripRate: 1}, good: 0, bad: 20, trips: true},
		{b: &breaker.Breaker{TripRate: -1}, good: 1, bad: 500, trips: false},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := c.b
			b.TripAfter = -1
			do(t, b, c.good, succeeds)
			do(t, b, c.bad-1, fails)
			wantState(t, b, breaker.Closed)
			do(t, b, 1, fails)
			if tripped := b.State() == breaker.Open; tripped != c.trips {
				t.Errorf("%d good and %d bad calls: tripped %v, want %v", c.good, c.bad, tripped, c.trips)
			}
		})
	}
}

// Nine failures; then ten good calls, and one bad
// one, when the first failures still count or count no more.
func TestTheWindowRolls(t *testing.T) {
	for _, c := range []struct {
		window, wait time.Duration
		trips        bool
	}{
		{0, 8 * s, true},
		{0, 10 * s, false},
		{time.Minute, 50 * s, true},
		{time.Minute, 60 * s, false},
		{100 * ms, 80 * ms, true},
		{100 * ms, 100 * ms, false},
		{100 * ms, 24 * time.Hour, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{Window: c.window, TripAfter: -1}
			do(t, b, 9, fails)
			time.Sleep(c.wait)
			do(t, b, 10, succeeds)
			do(t, b, 1, fails) // 10 of 20, or 1 of 11
			if tripped := b.State() == breaker.Open; tripped != c.trips {
				t.Errorf("window %v, after %v: tripped %v, want %v", c.window, c.wait, tripped, c.trips)
			}
		})
	}
}

func TestTheWindowRollsByTenths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: -1, TripCalls: 100, TripRate: 0.5, Window: 10 * s}
		for range 1000 { // 10 calls a second, 4 of which fail: it goes on for ever
			do(t, b, 4, fails)
			do(t, b, 6, succeeds)
			time.Sleep(s)
		}
		for n := range 20 { // from now on all fail
			do(t, b, 9, fails)
			if b.Do(t.Context(), fails); b.State() == breaker.Open {
				if n != 1 { // 8 tenths with 4, 2 with 10, of 100: 52
					t.Errorf("tripped in second %d, want 1", n)
				}
				return
			}
			time.Sleep(s)
		}
		t.Error("it never tripped")
	})
}

func TestSlowCallsTripItEvenIfTheySucceed(t *testing.T) {
	for _, c := range []struct {
		b    *breaker.Breaker
		slow time.Duration // what the slow calls take
		n    int           // how many of 20 are slow
		want breaker.State
	}{
		{&breaker.Breaker{}, 500 * ms, 16, breaker.Open},
		{&breaker.Breaker{}, 500 * ms, 15, breaker.Closed},
		{&breaker.Breaker{}, 499 * ms, 20, breaker.Closed},
		{&breaker.Breaker{Timeout: 100 * ms}, 50 * ms, 16, breaker.Open},
		{&breaker.Breaker{Timeout: 100 * ms}, 49 * ms, 20, breaker.Closed},
		{&breaker.Breaker{Timeout: -1}, time.Minute, 20, breaker.Closed},
		{&breaker.Breaker{Timeout: -1, Slow: 2 * s}, 2 * s, 16, breaker.Open},
		{&breaker.Breaker{Slow: 5 * ms}, 5 * ms, 16, breaker.Open},
		{&breaker.Breaker{SlowRate: 0.25}, 500 * ms, 5, breaker.Open},
		{&breaker.Breaker{SlowRate: 0.25}, 500 * ms, 4, breaker.Closed},
		{&breaker.Breaker{SlowRate: -1}, 900 * ms, 20, breaker.Closed},
		{&breaker.Breaker{TripCalls: 21}, 500 * ms, 20, breaker.Closed},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := c.b
			b.Window = time.Hour
			do(t, b, 20-c.n, succeeds)
			do(t, b, c.n-1, takes(c.slow, nil))
			wantState(t, b, breaker.Closed)
			do(t, b, 1, takes(c.slow, nil))
			wantState(t, b, c.want)
		})
	}
}

func TestSlowCallsCountWhoeverCancelsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Window: time.Minute}
		var clients sync.WaitGroup
		for range 20 {
			clients.Go(func() { // a client who loses patience when the call is slow, not yet late
				ctx, leave := context.WithCancel(t.Context())
				time.AfterFunc(600*ms, leave)
				b.Do(ctx, hangs)
			})
		}
		clients.Wait()
		wantState(t, b, breaker.Open)
		if st := b.Stats(); st.Failed != 0 || st.Uncounted != 20 || st.Slow != 20 {
			t.Errorf("%+v", st)
		}
	})
}

func TestHangingCallsTripItBeforeTheyReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 100 * ms}
		var calls sync.WaitGroup
		for range 5 {
			calls.Go(func() { b.Do(t.Context(), takes(time.Hour, nil)) })
		}
		time.Sleep(100*ms - 1)
		wantState(t, b, breaker.Closed)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		wantState(t, b, breaker.Open)
		calls.Wait()
	})
}

func TestLateResultsOfAnEarlierTimeDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 2, Timeout: 10 * s}
		var late sync.WaitGroup
		for range 10 {
			late.Go(func() { b.Do(t.Context(), takes(5*s, errDown)) }) // these fail after the recovery
			late.Go(func() { b.Do(t.Context(), takes(1*s, nil)) })     // and these succeed while it is open
		}
		synctest.Wait()
		trip(t, b)
		time.Sleep(1*s - 1)
		wantState(t, b, breaker.Open)
		recovered(t, b)
		late.Wait()
		wantState(t, b, breaker.Closed)
		if got := trip(t, b); got != 2 {
			t.Errorf("tripped after %d, want 2", got)
		}
	})
}
