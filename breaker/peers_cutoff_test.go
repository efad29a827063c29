package breaker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// One replica of four is cut off for ten minutes, for good or on and off.
func TestAReplicaThatIsCutOffDoesNotStopTheOthers(t *testing.T) {
	for _, flaps := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var shared bus
			all := replicas(t, &shared, 4)
			served, refused := 0, 0
			for n := range 6000 {
				time.Sleep(100 * ms)
				answer := fails
				if flaps && n/20%2 == 0 { // 2 s are good, 2 s are bad
					answer = succeeds
				}
				all[0].Do(t.Context(), answer)
				for _, b := range all[1:] {
					if errors.Is(b.Do(t.Context(), succeeds), breaker.ErrOpen) {
						refused++
					} else {
						served++
					}
				}
				synctest.Wait()
			}
			if all[0].Stats().Trips < 10 {
				t.Fatalf("the sick one has tripped %d times", all[0].Stats().Trips)
			}
			if refused*20 > served+refused {
				t.Errorf("the healthy ones refused %d of %d calls", refused, served+refused)
			}
		})
	}
}

func TestAPeersTripIsHeededByWhoDoesNotKnowBetter(t *testing.T) {
	trip := breaker.Notice{Name: "mysql", From: "x", State: breaker.Open, For: s}
	byHand := trip
	byHand.ByHand = true
	for name, c := range map[string]struct {
		calls  []func(context.Context) error
		after  time.Duration
		notice breaker.Notice
		want   breaker.State
	}{
		"idle":                         {nil, 0, trip, breaker.Open},
		"a good answer":                {[]func(context.Context) error{succeeds}, 0, trip, breaker.Closed},
		"a good answer, long ago":      {[]func(context.Context) error{succeeds}, 10 * s, trip, breaker.Open},
		"a good answer, then a bad":    {[]func(context.Context) error{succeeds, fails}, 0, trip, breaker.Open},
		"a bad answer, then good ones": {[]func(context.Context) error{fails, succeeds}, 0, trip, breaker.Closed},
		"timeouts, then good ones":     {[]func(context.Context) error{takes(2*s, nil), takes(2*s, nil), succeeds}, 0, trip, breaker.Closed},
		"only slow answers":            {[]func(context.Context) error{takes(600*ms, nil)}, 0, trip, breaker.Open},
		"a good answer, but a hand":    {[]func(context.Context) error{succeeds}, 0, byHand, breaker.Open},
	} {
		synctest.Test(t, func(t *testing.T) {
			var shared bus
			b := replicas(t, &shared, 1)[0]
			for _, call := range c.calls {
				do(t, b, 1, call)
			}
			time.Sleep(c.after)
			shared.Announce(t.Context(), c.notice)
			if got := b.State(); got != c.want {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		})
	}
}

// The backend hangs for all of four busy replicas: the first that trips spares
// the others their row of failures.
func TestWhenAllAreCutOffOneFindsOutForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared bus
		all := replicas(t, &shared, 4)
		for range 100 {
			for _, b := range all {
				do(t, b, 1, succeeds)
			}
			time.Sleep(100 * ms)
		}
		for _, b := range all {
			do(t, b, 1, fails)
		}
		trip(t, all[0])
		synctest.Wait()
		for _, b := range all[1:] {
			wantRefusal(t, b)
			if st := b.Stats(); st.Failed != 1 {
				t.Errorf("%d failures of its own, want the one that made it believe the other", st.Failed)
			}
		}
	})
}
