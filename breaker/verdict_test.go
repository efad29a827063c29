package breaker_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
)

// wantVerdicts checks how many calls have failed, were uncounted and succeeded.
func wantVerdicts(t *testing.T, b *breaker.Breaker, failed, uncounted, succeeded uint64) {
	t.Helper()
	if st := b.Stats(); st.Failed != failed || st.Uncounted != uncounted || st.Succeeded != succeeded || st.InProgress != 0 {
		t.Errorf("%d failed, %d uncounted, %d succeeded, %d in progress; want %d, %d, %d, none",
			st.Failed, st.Uncounted, st.Succeeded, st.InProgress, failed, uncounted, succeeded)
	}
}

func TestAnErrorIsAFailureUnlessItSaysOtherwise(t *testing.T) {
	for _, c := range []struct {
		err                          error
		failed, uncounted, succeeded uint64
	}{
		{nil, 0, 0, 1},
		{errDown, 1, 0, 0},
		{os.ErrDeadlineExceeded, 1, 0, 0},
		{sql.ErrNoRows, 0, 0, 1},
		{fmt.Errorf("no such user: %w", sql.ErrNoRows), 0, 0, 1},
		{context.DeadlineExceeded, 1, 0, 0}, // a deadline of the call's own, shorter than Timeout
		{context.Canceled, 0, 1, 0},
		{fmt.Errorf("lost the race: %w", context.Canceled), 0, 1, 0},
		{&breaker.OpenError{Name: "redis"}, 0, 1, 0},
		{fmt.Errorf("cache: %w", &breaker.TimeoutError{Name: "redis"}), 0, 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{TripAfter: 1}
			if err := b.Do(t.Context(), func(context.Context) error { return c.err }); err != c.err {
				t.Errorf("error %v, want %v", err, c.err)
			}
			t.Log(c.err)
			wantVerdicts(t, b, c.failed, c.uncounted, c.succeeded)
			if tripped := b.State() == breaker.Open; tripped != (c.failed == 1) {
				t.Errorf("tripped: %v", tripped)
			}
		})
	}
}

func TestIsFailureDecidesOnErrorsOfTheBackend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		miss := errors.New("redis: nil")
		var asked []error
		b := &breaker.Breaker{TripAfter: -1, TripRate: -1, IsFailure: func(err error) bool {
			asked = append(asked, err)
			return err != miss
		}}
		for _, err := range []error{nil, miss, errDown, sql.ErrNoRows, context.Canceled, &breaker.OpenError{}} {
			b.Do(t.Context(), func(context.Context) error { return err })
		}
		b.Do(t.Context(), hangs)
		left, leave := context.WithCancel(t.Context())
		b.Do(left, func(context.Context) error { leave(); return errDown })
		wantVerdicts(t, b, 3, 3, 2)
		if len(asked) != 3 || asked[0] != miss || asked[1] != errDown || asked[2] != sql.ErrNoRows {
			t.Errorf("asked about %v", asked)
		}
	})
}

func TestAPanicInIsFailureLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{IsFailure: func(error) bool { panic("judge") }}
		halfOpen(t, b)
		if v := panicOf(func() { b.Do(t.Context(), fails) }); v != "judge" {
			t.Errorf("panic %v", v)
		}
		wantState(t, b, breaker.Open)
		wantVerdicts(t, b, 1, 0, 0)
		recovered(t, b)
	})
}

func TestAClientThatLeavesIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		for range 30 {
			ctx, leave := context.WithCancel(t.Context())
			time.AfterFunc(100*ms, leave)
			if err := b.Do(ctx, hangs); err != context.Canceled {
				t.Errorf("error %v", err)
			}
		}
		wantState(t, b, breaker.Closed)
		wantVerdicts(t, b, 0, 30, 0)
	})
}

func TestAClientThatLeavesDoesNotExcuseATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(100*ms, leave)
		b.Do(ctx, takes(2*s, context.Canceled)) // it does not heed its context
		wantVerdicts(t, b, 1, 0, 0)
	})
}

func TestOurTimeoutIsAFailureWhateverTheCallReturns(t *testing.T) {
	for _, err := range []error{nil, sql.ErrNoRows, context.Canceled, &breaker.OpenError{}, errDown} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{TripAfter: 1, IsFailure: func(error) bool { return false }}
			b.Do(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return err })
			wantState(t, b, breaker.Open)
			wantVerdicts(t, b, 1, 0, 0)
			if st := b.Stats(); st.TimedOut != 1 || st.Slow != 1 || st.Overdue != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// So does one that returns in the instant of it, or that the timer's goroutine
// has no processor to tell.
func TestTheFullTimeoutIsAFailureIfTheTimerIsLate(t *testing.T) {
	for range 20 { // who is first is chance
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{TripAfter: 1}
			do(t, b, 1, takes(s-1, nil))
			wantState(t, b, breaker.Closed)
			do(t, b, 1, takes(s, nil))
			synctest.Wait()
			wantState(t, b, breaker.Open)
			wantVerdicts(t, b, 1, 0, 1)
			if st := b.Stats(); st.TimedOut != 1 || st.Overdue != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestATimeoutIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Name: "mysql", Timeout: 100 * ms, OpenFor: 7 * s}
		err := b.Do(t.Context(), hangs)
		var late *breaker.TimeoutError
		if !errors.As(err, &late) || late.Name != "mysql" || late.Limit != 100*ms || late.RetryAfter != 7*s {
			t.Errorf("error %#v", err)
		}
		wrapped := errors.New("wrapped")
		if err := b.Do(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return wrapped }); err != wrapped {
			t.Errorf("error %v, want the call's own", err)
		}
		_, err = breaker.Do(t.Context(), b, func(ctx context.Context) (int, error) { return 0, hangs(ctx) })
		if !errors.As(err, &late) {
			t.Errorf("error %v", err)
		}
		do(t, b, 1, hangs)
		if err := b.Do(t.Context(), hangs); !errors.As(err, &late) || b.State() != breaker.Open || late.RetryAfter != b.RetryAfter() {
			t.Errorf("error %#v, want the time that is left, %v", err, b.RetryAfter())
		}
	})
}

// A driver may keep the context's deadline by itself, as with SetDeadline, and
// be faster than the timer.
func TestADriverMayKeepTheDeadlineItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			b := &breaker.Breaker{TripAfter: 1, IsFailure: func(error) bool { return false }}
			wake := time.After(s) // at the same instant as the timer, and before it
			b.Do(t.Context(), func(ctx context.Context) error {
				<-wake
				return os.ErrDeadlineExceeded
			})
			synctest.Wait()
			wantVerdicts(t, b, 1, 0, 0)
			if st := b.Stats(); st.TimedOut != 1 || st.Overdue != 0 {
				t.Fatalf("%+v", st)
			}
		}
	})
}

func TestTheCallersDeadlineCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
		defer cancel()
		var late *breaker.TimeoutError
		if err := b.Do(ctx, hangs); err != context.DeadlineExceeded || errors.As(err, &late) {
			t.Errorf("error %v, want the caller's", err)
		}
		wantState(t, b, breaker.Open)
		if st := b.Stats(); st.Failed != 1 || st.TimedOut != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestACallThatHadNoChanceDoesNotCount(t *testing.T) {
	for _, c := range []struct {
		before, given time.Duration // the request's time when the call began, and what was left
		record        bool
		want          breaker.State
	}{
		{0, 100 * ms, true, breaker.Open},
		{899 * ms, 100 * ms, true, breaker.Open},
		{901 * ms, 100 * ms, true, breaker.Closed},
		{5 * s, 500 * ms, true, breaker.Closed}, // less than a tenth, and not Slow
		{60 * s, 600 * ms, true, breaker.Open},  // Slow
		{5 * s, 0, true, breaker.Closed},
		{5 * s, 1, false, breaker.Open}, // nobody knows of the request
		{5 * s, 0, false, breaker.Closed},
		{5 * s, -s, false, breaker.Closed},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			if c.record {
				ctx = &request.Record{Context: ctx, Start: deadline.Now()}
			}
			ctx, cancel := context.WithTimeout(ctx, c.before+c.given)
			defer cancel()
			time.Sleep(c.before)
			b := &breaker.Breaker{TripAfter: 1, Timeout: s, Slow: 600 * ms}
			b.Do(ctx, hangs)
			if got := b.State(); got != c.want {
				t.Errorf("%v after %v: the breaker is %v, want %v", c.given, c.before, got, c.want)
			}
			statement, err := (&breaker.Breaker{}).Begin(ctx, "SELECT ?") // has a tally, with or without a record
			if err != nil {
				t.Fatal(err)
			}
			statement.End(hangs(statement.Context()))
		})
	}
}

func TestAPanicGoesOnWithItsStack(t *testing.T) {
	b := &breaker.Breaker{TripAfter: 1}
	var stack string
	func() {
		defer func() {
			if v := recover(); v != "at the disco" {
				t.Errorf("panic %v", v)
			}
			buf := make([]byte, 1<<16)
			stack = string(buf[:runtime.Stack(buf, false)])
		}()
		b.Do(t.Context(), panicsAtTheDisco)
	}()
	if !strings.Contains(stack, "panicsAtTheDisco") {
		t.Errorf("the stack does not show where it came from:\n%s", stack)
	}
	wantState(t, b, breaker.Open)
	wantVerdicts(t, b, 1, 0, 0)
}

func panicsAtTheDisco(context.Context) error { panic("at the disco") }

func TestPanicsThatSayNothingOfTheBackend(t *testing.T) {
	for _, value := range []any{
		http.ErrAbortHandler, context.Canceled, &breaker.OpenError{Name: "redis"}, fmt.Errorf("wrapped: %w", &breaker.OpenError{}),
	} {
		b := &breaker.Breaker{TripAfter: 1}
		if v := panicOf(func() { b.Do(t.Context(), func(context.Context) error { panic(value) }) }); v != value {
			t.Errorf("panic %v, want %v", v, value)
		}
		wantState(t, b, breaker.Closed)
		wantVerdicts(t, b, 0, 1, 0)
	}
	b := &breaker.Breaker{TripAfter: 1}
	if v := panicOf(func() { b.Do(t.Context(), func(context.Context) error { panic(errDown) }) }); v != errDown {
		t.Errorf("panic %v", v)
	}
	wantVerdicts(t, b, 1, 0, 0)
	wantState(t, b, breaker.Open)
}

func TestGoexitSaysNothingOfTheBackend(t *testing.T) {
	b := &breaker.Breaker{TripAfter: 1}
	var call sync.WaitGroup
	call.Go(func() { b.Do(t.Context(), func(context.Context) error { runtime.Goexit(); return nil }) })
	call.Wait()
	wantState(t, b, breaker.Closed)
	wantVerdicts(t, b, 0, 1, 0)
}

// hostile is an error whose methods panic.
type hostile struct{}

func (hostile) Error() string   { return "hostile" }
func (hostile) Is(error) bool   { panic("Is") }
func (hostile) As(any) bool     { panic("As") }
func (hostile) Unwrap() []error { panic("Unwrap") }

func TestAHostileErrorLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, f := range []func(context.Context) error{
			func(context.Context) error { return hostile{} },
			func(context.Context) error { panic(hostile{}) },
		} {
			b := &breaker.Breaker{}
			halfOpen(t, b)
			if v := panicOf(func() { b.Do(t.Context(), f) }); v == nil {
				t.Error("no panic")
			}
			wantState(t, b, breaker.Open)
			wantVerdicts(t, b, 1, 0, 0)
		}
	})
}
