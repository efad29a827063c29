package breaker_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

func TestItIsOpenForAsLongAsItSays(t *testing.T) {
	for _, c := range []struct {
		b    *breaker.Breaker
		want time.Duration
	}{
		{&breaker.Breaker{}, s},
		{&breaker.Breaker{OpenFor: 5 * ms}, 5 * ms},
		{&breaker.Breaker{OpenFor: time.Hour}, time.Hour}, // beyond the default of OpenMax
		{&breaker.Breaker{OpenMax: 10 * ms}, 10 * ms},     // below the default of OpenFor
	} {
		synctest.Test(t, func(t *testing.T) {
			trip(t, c.b)
			left := c.b.RetryAfter()
			wantWithin(t, left, c.want)
			for range 4 {
				if got := wantRefusal(t, c.b).RetryAfter; got != left || c.b.RetryAfter() != left || c.b.Stats().RetryAfter != left {
					t.Errorf("to come back after %v, %v, %v; really left are %v", got, c.b.RetryAfter(), c.b.Stats().RetryAfter, left)
				}
				time.Sleep(left / 5)
				left -= left / 5
			}
			time.Sleep(left - 1)
			if got := wantRefusal(t, c.b).RetryAfter; got != 1 {
				t.Errorf("to come back after %v, 1 ns before its end", got)
			}
			time.Sleep(time.Nanosecond)
			wantState(t, c.b, breaker.HalfOpen)
			if !c.b.HalfOpen() || c.b.RetryAfter() != 0 {
				t.Error("it does not say that it is half-open")
			}
			do(t, c.b, 1, succeeds)
			wantState(t, c.b, breaker.Closed)
			if c.b.HalfOpen() || c.b.RetryAfter() != 0 {
				t.Error("it does not say that it is closed")
			}
		})
	}
}

func TestTheOpenTimeDoublesUpToOpenMax(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{OpenMax: 30 * s}
		trip(t, b)
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
			wantWithin(t, b.RetryAfter(), want*s)
			reopen(t, b)
		}
	})
}

func TestTheOpenTimeIsNeverMoreThanADayAndAFifth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{OpenMax: 24 * time.Hour}
		trip(t, b)
		for range 100 {
			reopen(t, b)
		}
		wantWithin(t, b.RetryAfter(), 24*time.Hour)
	})
}

func TestTheOpenTimeIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var least, most time.Duration = time.Hour, 0
		for range 200 {
			var b breaker.Breaker
			trip(t, &b)
			wantWithin(t, b.RetryAfter(), s)
			least, most = min(least, b.RetryAfter()), max(most, b.RetryAfter())
		}
		if least > 1020*ms || most < 1180*ms {
			t.Errorf("200 times from %v to %v, want all of 1s to 1.2s", least, most)
		}
	})
}

func TestTheOpenTimeHalvesWithARecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		trip(t, b)
		for range 4 {
			reopen(t, b)
		}
		wantWithin(t, b.RetryAfter(), 16*s)
		for _, want := range []time.Duration{8, 4, 2, 1, 1} {
			recovered(t, b)
			trip(t, b)
			wantWithin(t, b.RetryAfter(), want*s)
		}
	})
}

func TestTheOpenTimeHalvesWithEveryQuietWindow(t *testing.T) {
	for _, c := range []struct{ quiet, want time.Duration }{
		{0, 8 * s}, {10*s - 1, 8 * s}, {10 * s, 4 * s}, {25 * s, 2 * s}, {30 * s, s}, {time.Minute, s}, {10_000 * time.Hour, s},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{}
			trip(t, b)
			for range 4 {
				reopen(t, b)
			}
			recovered(t, b)
			time.Sleep(c.quiet)
			trip(t, b)
			wantWithin(t, b.RetryAfter(), c.want)
		})
	}
}

func TestOpenByHandLastsAsLongAsItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		b.Open(time.Hour)
		if got := wantRefusal(t, b).RetryAfter; got != time.Hour {
			t.Errorf("to come back after %v, want 1h", got)
		}
		time.Sleep(30 * time.Minute)
		b.Open(5 * s) // another time replaces it
		if got := b.RetryAfter(); got != 5*s {
			t.Errorf("%v left, want 5s", got)
		}
		time.Sleep(5 * s)
		wantState(t, b, breaker.HalfOpen)
		do(t, b, 1, fails)
		wantWithin(t, b.RetryAfter(), 2*s)
		recovered(t, b)
	})
}

func TestOpenByHandMayLastUntilClose(t *testing.T) {
	for _, d := range []time.Duration{0, -1, math.MinInt64, math.MaxInt64} {
		run := func(t *testing.T) {
			b := &breaker.Breaker{OpenMax: 7 * s}
			b.Open(d)
			wantState(t, b, breaker.Open)
			if left := b.RetryAfter(); d <= 0 && left != 7*s || left <= 0 || wantRefusal(t, b).RetryAfter > left {
				t.Errorf("Open(%v): %v left, want OpenMax", d, left)
			}
			b.Close()
			wantState(t, b, breaker.Closed)
			do(t, b, 1, succeeds)
		}
		run(t)
		synctest.Test(t, func(t *testing.T) {
			run(t)
			b := &breaker.Breaker{}
			b.Open(d)
			time.Sleep(10_000 * time.Hour)
			wantState(t, b, breaker.Open)
		})
	}
}

func TestCloseByHandForgetsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripRate: -1}
		do(t, b, 4, fails)
		b.Close()
		if got := trip(t, b); got != 5 {
			t.Errorf("closed by hand after 4 failures it tripped after %d more, want 5", got)
		}
		for range 4 {
			reopen(t, b)
		}
		b.Close()
		wantState(t, b, breaker.Closed)
		trip(t, b)
		wantWithin(t, b.RetryAfter(), s)

		rate := &breaker.Breaker{TripAfter: -1}
		do(t, rate, 19, fails)
		rate.Close()
		if got := trip(t, rate); got != 20 {
			t.Errorf("closed by hand after 19 failures it tripped after %d more, want 20", got)
		}
	})
}

func TestAHandCountsForMoreThanARunningProbe(t *testing.T) {
	for _, result := range []error{nil, errDown} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{}
			var probes sync.WaitGroup
			probe := func() {
				b.Open(ms)
				time.Sleep(ms)
				probes.Go(func() { b.Do(context.Background(), takes(100*ms, result)) })
				synctest.Wait()
				wantRefusal(t, b) // it is under way
			}
			probe()
			b.Open(time.Hour)
			probes.Wait()
			wantState(t, b, breaker.Open)
			if left := b.RetryAfter(); left != time.Hour-100*ms {
				t.Errorf("%v left, want what the hand said", left)
			}
			probe()
			b.Close()
			probes.Wait()
			wantState(t, b, breaker.Closed)
			probe()
			b.Open(time.Hour)
			b.Close()
			probes.Wait()
			wantState(t, b, breaker.Closed)
		})
	}
}
