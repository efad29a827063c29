package breaker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/deadline"
)

type valueKey struct{}

func TestTheContextIsTheCallersWithADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 100 * ms}
		outer := context.WithValue(t.Context(), valueKey{}, "v")
		b.Do(outer, func(ctx context.Context) error {
			if ctx.Value(valueKey{}) != "v" || ctx.Value("none") != nil {
				t.Error("values are lost")
			}
			if at, ok := ctx.Deadline(); !ok || time.Until(at) != 100*ms {
				t.Errorf("deadline in %v, %v", time.Until(at), ok)
			}
			if ctx.Err() != nil || context.Cause(ctx) != nil {
				t.Errorf("it has ended before its time: %v, %v", ctx.Err(), context.Cause(ctx))
			}
			done := ctx.Done()
			if ctx.Done() != done {
				t.Error("it has two Done channels")
			}
			select {
			case <-done:
				t.Error("done before its time")
			default:
			}
			<-done
			var late *breaker.TimeoutError
			if ctx.Err() != context.DeadlineExceeded || !errors.As(context.Cause(ctx), &late) {
				t.Errorf("ended with %v, because of %v", ctx.Err(), context.Cause(ctx))
			}
			if ctx.Value(valueKey{}) != "v" {
				t.Error("values are lost at the end")
			}
			return nil
		})
	})
}

func TestTheEarlierDeadlineHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ timeout, outer, want time.Duration }{
			{0, time.Hour, s}, {-1, time.Hour, time.Hour}, {time.Hour, s, s},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), c.outer)
			(&breaker.Breaker{Timeout: c.timeout}).Do(ctx, func(ctx context.Context) error {
				if at, ok := ctx.Deadline(); !ok || time.Until(at) != c.want {
					t.Errorf("%+v: deadline in %v, %v", c, time.Until(at), ok)
				}
				return nil
			})
			cancel()
		}
		(&breaker.Breaker{Timeout: -1}).Do(context.Background(), func(ctx context.Context) error {
			if _, ok := ctx.Deadline(); ok {
				t.Error("a deadline out of nothing")
			}
			return nil
		})
	})
}

func TestTheCallersCancellationIsPassedOnWithItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gaveUp := errors.New("gave up")
		outer, cancel := context.WithCancelCause(t.Context())
		(&breaker.Breaker{}).Do(outer, func(ctx context.Context) error {
			child, stop := context.WithCancel(ctx)
			defer stop()
			time.AfterFunc(ms, func() { cancel(gaveUp) })
			<-child.Done()
			if ctx.Err() != context.Canceled || context.Cause(ctx) != gaveUp || context.Cause(child) != gaveUp {
				t.Errorf("%v, %v, %v", ctx.Err(), context.Cause(ctx), context.Cause(child))
			}
			return nil
		})
	})
}

func TestWhatIsDerivedEndsWithTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		called := make(chan struct{})
		(&breaker.Breaker{Name: "mysql"}).Do(t.Context(), func(ctx context.Context) error {
			child, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			detached := context.WithoutCancel(ctx)
			context.AfterFunc(ctx, func() { close(called) })
			stopped := context.AfterFunc(ctx, func() { t.Error("it was stopped") })
			if !stopped() || stopped() {
				t.Error("AfterFunc's stop does not tell what it did")
			}
			<-child.Done()
			<-called
			var late *breaker.TimeoutError
			if child.Err() != context.DeadlineExceeded || !errors.As(context.Cause(child), &late) {
				t.Errorf("%v, %v", child.Err(), context.Cause(child))
			}
			if detached.Err() != nil || context.Cause(detached) != nil {
				t.Errorf("detached, it has ended: %v, %v", detached.Err(), context.Cause(detached))
			}
			return nil
		})
	})
}

func TestNothingOutlivesItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		var own, child context.Context
		ended := make(chan struct{})
		b.Do(t.Context(), func(ctx context.Context) error {
			own = ctx
			var cancel context.CancelFunc
			child, cancel = context.WithCancel(ctx)
			t.Cleanup(cancel)
			context.AfterFunc(ctx, func() { close(ended) })
			return nil
		})
		<-child.Done()
		<-own.Done()
		<-ended
		if own.Err() != context.Canceled || child.Err() != context.Canceled || context.Cause(child) != context.Canceled {
			t.Errorf("%v, %v, because of %v", own.Err(), child.Err(), context.Cause(child))
		}
		late := make(chan struct{})
		context.AfterFunc(own, func() { close(late) }) // too late is at once
		<-late
		if own.Value(valueKey{}) != nil {
			t.Error("a value out of nothing")
		}
		if err := b.Do(own, func(ctx context.Context) error { return ctx.Err() }); err != context.Canceled {
			t.Errorf("a call within an ended one: %v", err)
		}
		wantVerdicts(t, b, 0, 1, 1)
	})
}

func TestNestedTimeoutsAreEachTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := &breaker.Breaker{Name: "page", Timeout: 300 * ms}
		mysql := &breaker.Breaker{Name: "mysql", Timeout: 100 * ms}
		var late *breaker.TimeoutError
		err := page.Do(t.Context(), func(ctx context.Context) error { return mysql.Do(ctx, hangs) })
		if !errors.As(err, &late) || late.Name != "mysql" {
			t.Errorf("error %v, want mysql's", err)
		}
		wantVerdicts(t, mysql, 1, 0, 0)
		wantVerdicts(t, page, 0, 1, 0) // it was not the page's backend
		err = page.Do(t.Context(), func(ctx context.Context) error {
			time.Sleep(250 * ms)
			return mysql.Do(ctx, hangs)
		})
		if !errors.As(err, &late) || late.Name != "page" {
			t.Errorf("error %v, want page's", err)
		}
		wantVerdicts(t, page, 1, 1, 0)
	})
}

func TestAnAnswerInPiecesMayTakeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 100 * ms}
		c, err := b.Begin(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			time.Sleep(90 * ms) // the backend
			c.Rest()
			if _, ok := c.Context().Deadline(); ok {
				t.Error("what is to come has a deadline")
			}
			time.Sleep(time.Hour) // the caller
			c.Wait()
		}
		c.End(nil)
		wantVerdicts(t, b, 0, 0, 1)
		if st := b.Stats(); st.Time != 900*ms || st.Slow != 1 || st.TimedOut != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAnAnswerInPiecesMayEndWhileItRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		c, _ := b.Begin(t.Context(), "")
		time.Sleep(ms)
		c.Rest()
		time.Sleep(time.Hour)
		c.End(nil)
		c.End(errDown) // only the first time counts
		wantVerdicts(t, b, 0, 0, 1)
		if st := b.Stats(); st.Time != ms || st.Slow != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAPieceThatNeverComesTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 100 * ms, TripAfter: 1}
		c, _ := b.Begin(t.Context(), "")
		time.Sleep(90 * ms)
		c.Rest()
		time.Sleep(time.Hour)
		c.Wait()
		began := time.Now()
		<-c.Context().Done()
		if took := time.Since(began); took != 100*ms {
			t.Errorf("ended after %v, want 100ms", took)
		}
		wantState(t, b, breaker.Open)
		var late *breaker.TimeoutError
		if err := c.Named(c.Context().Err()); !errors.As(err, &late) {
			t.Errorf("error %v", err)
		}
		c.End(c.Context().Err())
		wantVerdicts(t, b, 1, 0, 0)
	})
}

// A probe's caller may take as long as it likes over the answer; its place is
// given back in time, and the rest of the answer is bounded like any other.
func TestAProbeThatRestsGivesItsPlaceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 100 * ms}
		halfOpen(t, b)
		c, err := b.Begin(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * ms)
		c.Rest()
		time.Sleep(99 * ms)
		wantRefusal(t, b)
		time.Sleep(ms)
		synctest.Wait()
		wantState(t, b, breaker.Closed)
		c.Wait()
		began := time.Now()
		<-c.Context().Done()
		if took := time.Since(began); took != 100*ms {
			t.Errorf("ended after %v, want 100ms", took)
		}
		c.End(c.Context().Err())
		if st := b.Stats(); st.Succeeded != 1 || st.Failed != 0 || st.Overdue != 0 || st.InProgress != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// A timer may find a call due, and come to it only when it waits anew.
func TestAWaitIsNotCutShortByTheTimerOfTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 100 * ms}
		c, _ := b.Begin(t.Context(), "")
		time.Sleep(99 * ms)
		c.Rest()
		c.Timer(deadline.Now() + ms)
		c.Wait()
		c.Timer(deadline.Now() + ms)
		if err := c.Context().Err(); err != nil {
			t.Fatalf("cut short: %v", err)
		}
		c.End(nil)
		c.Timer(deadline.Now() + time.Hour)
		wantVerdicts(t, b, 0, 0, 1)
	})
}

// One that has given its place back says nothing for the calls inside it.
func TestACallInsideAProbeThatGaveItsPlaceBackIsAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Probes: 2}
		halfOpen(t, b)
		c, _ := b.Begin(t.Context(), "")
		c.Rest()
		time.Sleep(s)
		synctest.Wait()
		wantState(t, b, breaker.HalfOpen)
		b.Do(c.Context(), fails)
		wantState(t, b, breaker.Open)
		c.End(nil)
	})
}
