package breaker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
)

// A stream is read for hours, and each of its pieces comes soon.
func TestAStreamThatIsTheProbeGivesItsPlaceBack(t *testing.T) {
	for name, c := range map[string]struct {
		pause bool // it is still asked
		want  breaker.State
	}{
		"a download":        {false, breaker.Closed},
		"an upload, so far": {true, breaker.HalfOpen},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{Timeout: 100 * ms}
			halfOpen(t, b)
			stream, err := b.Begin(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			piece := func() {
				time.Sleep(10 * ms)
				if c.pause {
					stream.Pause()
				} else {
					stream.Rest()
				}
				stream.Wait()
			}
			for range 9 {
				piece()
				if got := wantRefusal(t, b).RetryAfter; got != 100*ms {
					t.Errorf("%s: to come back after %v, want the 100ms that the probe may still take", name, got)
				}
			}
			piece()
			wantState(t, b, c.want)
			do(t, b, 1, succeeds)
			wantState(t, b, breaker.Closed)
			for range 100 {
				piece()
			}
			stream.End(errDown) // too late to count against the backend
			wantState(t, b, breaker.Closed)
		})
	}
}

func TestSlowIsALongWaitNotManyShortOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripCalls: 1, SlowRate: 0.5}
		download := func(pieces int, each time.Duration) {
			c, err := b.Begin(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			for range pieces {
				time.Sleep(each)
				c.Rest()
				c.Wait()
			}
			c.End(nil)
		}
		halfOpen(t, b)
		download(14, 50*ms)
		wantState(t, b, breaker.Closed) // as a probe
		download(14, 50*ms)
		wantState(t, b, breaker.Closed)
		if st := b.Stats(); st.Slow != 0 || st.Time != 1400*ms {
			t.Errorf("slow %d, took %v; want none, and 1.4s", st.Slow, st.Time)
		}
		download(1, 500*ms)
		wantState(t, b, breaker.Open)
		if st := b.Stats(); st.Slow != 1 {
			t.Errorf("slow %d, want 1", st.Slow)
		}
	})
}

// The caller of a request that was read slowly has used up its time itself.
func TestAWaitThatBeganShortlyBeforeTheDeadlineHadNoChance(t *testing.T) {
	for _, c := range []struct {
		given time.Duration // what is left of a second when the last wait begins
		want  breaker.State
	}{{-ms, breaker.Closed}, {50 * ms, breaker.Closed}, {150 * ms, breaker.Open}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(&request.Record{Context: t.Context(), Start: deadline.Now()}, s)
			defer cancel()
			b := &breaker.Breaker{TripAfter: 1}
			call, err := b.Begin(ctx, "")
			if err != nil {
				t.Fatal(err)
			}
			call.Rest()
			time.Sleep(s - c.given)
			call.Wait()
			call.End(hangs(call.Context()))
			if got := b.State(); got != c.want {
				t.Errorf("%v were left: the breaker is %v, want %v", c.given, got, c.want)
			}
		})
	}
}

// A breaker that all tests of a package share goes by the clocks of many bubbles.
func TestABreakerMayGoFromBubbleToBubble(t *testing.T) {
	b := &breaker.Breaker{}
	wantState(t, b, breaker.Closed)
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			trip(t, b)
			recovered(t, b)
		})
	}
}

// What the caller does with the answer afterwards makes a probe no quicker.
func TestASlowProbeFailsHoweverLateItsAnswerIsRead(t *testing.T) {
	for _, pause := range []time.Duration{0, 400 * ms} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{Timeout: 200 * ms}
			halfOpen(t, b)
			probe, err := b.Begin(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(150 * ms)
			probe.Rest()
			time.Sleep(pause)
			synctest.Wait()
			probe.Wait()
			probe.End(nil)
			wantState(t, b, breaker.Open)
			if got := b.Stats().Slow; got != 1 {
				t.Errorf("read after %v: %d slow calls, want 1", pause, got)
			}
		})
	}
}
