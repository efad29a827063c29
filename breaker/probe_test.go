package breaker_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// halfOpen makes b half-open.
func halfOpen(t *testing.T, b *breaker.Breaker) {
	t.Helper()
	b.Open(ms)
	time.Sleep(ms)
	wantState(t, b, breaker.HalfOpen)
}

func TestOnlyAsManyProbesGoThroughAsItSays(t *testing.T) {
	for _, c := range []struct{ probes, want int }{{0, 1}, {1, 1}, {3, 3}} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{Probes: c.probes}
			halfOpen(t, b)
			var probes sync.WaitGroup
			for range c.want {
				probes.Go(func() {
					if err := b.Do(t.Context(), takes(100*ms, nil)); err != nil {
						t.Errorf("a probe was refused: %v", err)
					}
				})
			}
			time.Sleep(50 * ms)
			for range 10 {
				if got := wantRefusal(t, b).RetryAfter; got != 950*ms {
					t.Errorf("to come back after %v, want the 950ms that the probe may still take", got)
				}
			}
			wantState(t, b, breaker.HalfOpen)
			probes.Wait()
			wantState(t, b, breaker.Closed)
		})
	}
}

func TestAllProbesMustSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Probes: 3}
		halfOpen(t, b)
		do(t, b, 2, succeeds)
		wantState(t, b, breaker.HalfOpen)
		do(t, b, 1, fails)
		wantState(t, b, breaker.Open)
		time.Sleep(b.RetryAfter())
		do(t, b, 2, succeeds)
		wantState(t, b, breaker.HalfOpen) // the two of before count no more
		do(t, b, 1, succeeds)
		wantState(t, b, breaker.Closed)
	})
}

func TestAProbeThatNeverReturnsFreesItsPlace(t *testing.T) {
	for _, c := range []struct {
		b    *breaker.Breaker
		want time.Duration
	}{
		{&breaker.Breaker{}, s},
		{&breaker.Breaker{Timeout: 50 * ms}, 50 * ms},
		{&breaker.Breaker{Timeout: -1}, 30 * s},
		{&breaker.Breaker{Timeout: -1, OpenMax: 3 * s}, 3 * s},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, release := c.b, make(chan struct{})
			halfOpen(t, b)
			var stuck sync.WaitGroup
			stuck.Go(func() { b.Do(context.Background(), func(context.Context) error { <-release; return nil }) })
			time.Sleep(c.want - 1)
			wantState(t, b, breaker.HalfOpen)
			wantRefusal(t, b)
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			wantState(t, b, breaker.Open)
			recovered(t, b)
			if st := b.Stats(); st.Overdue != 1 || st.Failed != 1 || st.InProgress != 1 || st.Succeeded != 1 || st.Calls != 2 {
				t.Errorf("%+v", st)
			}
			close(release)
			stuck.Wait()
			if st := b.Stats(); st.Overdue != 0 || st.Failed != 1 || st.InProgress != 0 || st.Succeeded != 1 {
				t.Errorf("%+v", st)
			}
			wantState(t, b, breaker.Closed)
		})
	}
}

func TestAProbeWithoutAVerdictGivesItsPlaceBack(t *testing.T) {
	for name, f := range map[string]func(context.Context) error{
		"cancelled by its client": func(ctx context.Context) error {
			ctx.Value(leaveKey{}).(context.CancelFunc)()
			return ctx.Err()
		},
		"refused by another breaker": func(context.Context) error { return &breaker.OpenError{Name: "redis"} },
		"Goexit":                     func(context.Context) error { runtime.Goexit(); return nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{Probes: 2}
			halfOpen(t, b)
			for range 10 {
				var probe sync.WaitGroup
				probe.Go(func() {
					ctx, leave := context.WithCancel(context.Background())
					defer leave()
					if err := b.Do(context.WithValue(ctx, leaveKey{}, leave), f); errors.Is(err, breaker.ErrOpen) && name != "refused by another breaker" {
						t.Errorf("%s: a place was lost", name)
					}
				})
				probe.Wait()
				wantState(t, b, breaker.HalfOpen)
			}
			do(t, b, 2, succeeds)
			wantState(t, b, breaker.Closed)
		})
	}
}

type leaveKey struct{}

func TestAPanickingProbeHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		halfOpen(t, b)
		if v := panicOf(func() { b.Do(t.Context(), func(context.Context) error { panic("at the disco") }) }); v != "at the disco" {
			t.Errorf("panic %v", v)
		}
		wantState(t, b, breaker.Open)
		recovered(t, b)
	})
}

func TestASlowProbeHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		halfOpen(t, b)
		do(t, b, 1, takes(500*ms, nil))
		wantState(t, b, breaker.Open)
		recovered(t, b)

		halfOpen(t, b)
		ctx, leave := context.WithTimeout(t.Context(), 600*ms) // and whoever cancels it
		defer leave()
		b.Do(ctx, hangs)
		wantState(t, b, breaker.Open)

		b = &breaker.Breaker{SlowRate: -1}
		halfOpen(t, b)
		do(t, b, 1, takes(900*ms, nil))
		wantState(t, b, breaker.Closed)
	})
}

func TestCallsInsideAProbeArePartOfIt(t *testing.T) {
	for _, probes := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{Name: "mysql", Probes: probes}
			between := &breaker.Breaker{Name: "cache"}
			halfOpen(t, b)
			err := b.Do(t.Context(), func(ctx context.Context) error {
				if err := b.Do(ctx, succeeds); err != nil {
					t.Errorf("directly inside: %v", err)
				}
				if err := between.Do(ctx, func(ctx context.Context) error { return b.Do(ctx, succeeds) }); err != nil {
					t.Errorf("inside a call to another backend: %v", err)
				}
				wantState(t, b, breaker.HalfOpen) // their success is not yet the probe's
				if probes == 1 {
					wantRefusal(t, b) // outside
				}
				if err := b.Do(ctx, fails); err != errDown {
					t.Error(err)
				}
				wantState(t, b, breaker.HalfOpen) // nor is their failure
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			do(t, b, probes-1, succeeds)
			wantState(t, b, breaker.Closed)
			if st := b.Stats(); st.Calls != uint64(3+probes) || st.Failed != 1 || st.InProgress != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestACallInsideAProbeThatHasLostItsPlaceIsLikeAnyOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 100 * ms, OpenFor: 10 * ms, OpenMax: 10 * ms}
		halfOpen(t, b)
		b.Do(t.Context(), func(ctx context.Context) error {
			time.Sleep(100 * ms)
			synctest.Wait()
			if err := b.Do(ctx, succeeds); !errors.Is(err, breaker.ErrOpen) {
				t.Errorf("error %v, want a refusal", err)
			}
			time.Sleep(50 * ms)
			wantState(t, b, breaker.HalfOpen)
			// A probe of its own; its context ended before it began, which is not the backend's doing.
			if err := b.Do(ctx, func(ctx context.Context) error { return ctx.Err() }); err != context.DeadlineExceeded {
				t.Errorf("error %v, want that of the context around", err)
			}
			wantState(t, b, breaker.HalfOpen)
			return nil
		})
	})
}
