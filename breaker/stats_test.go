package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
)

func TestStatsCountEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Name: "mysql", TripAfter: 3, TripRate: -1}
		do(t, b, 4, takes(10*ms, nil))
		do(t, b, 1, takes(700*ms, nil)) // slow
		do(t, b, 1, takes(ms, errDown))
		do(t, b, 1, takes(ms, context.Canceled))
		var stuck sync.WaitGroup
		stuck.Go(func() { b.Do(t.Context(), takes(3*s, nil)) })
		time.Sleep(500 * ms)
		if st := b.Stats(); st.Calls != 8 || st.InProgress != 1 || st.Overdue != 0 || st.Succeeded != 5 {
			t.Errorf("%+v", st)
		}
		time.Sleep(time.Second)
		st := b.Stats()
		want := breaker.Stats{Name: "mysql", State: breaker.Closed, Calls: 8, Succeeded: 5, Failed: 2, TimedOut: 1, Uncounted: 1,
			Slow: 2, InProgress: 1, Overdue: 1, Time: 742 * ms}
		if st.Statements = nil; fmt.Sprint(st) != fmt.Sprint(want) {
			t.Errorf("\n%+v, want\n%+v", st, want)
		}
		trip(t, b)
		wantRefusal(t, b)
		wantRefusal(t, b)
		stuck.Wait()
		st = b.Stats()
		want = breaker.Stats{Name: "mysql", State: breaker.HalfOpen, Calls: 10 - 1, Succeeded: 5, Failed: 3, TimedOut: 1, Uncounted: 1,
			Slow: 2, Refused: 2, Trips: 1, Time: 3742 * ms}
		if st.Statements = nil; fmt.Sprint(st) != fmt.Sprint(want) {
			t.Errorf("\n%+v, want\n%+v", st, want)
		}
	})
}

func TestStatementsAreCountedByKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: -1, TripRate: -1, SlowRate: -1}
		call := func(text string, takes time.Duration, err error) {
			c, refused := b.Begin(t.Context(), text)
			if refused != nil {
				t.Fatal(refused)
			}
			time.Sleep(takes)
			c.End(err)
		}
		for range 3 {
			call("SELECT ?", 10*ms, nil)
			call("UPDATE t SET n = ?", 20*ms, errDown)
		}
		call("DELETE FROM t", 2*s, nil) // late, whatever it returns
		call("", ms, nil)
		want := []breaker.Statement{
			{Text: "DELETE FROM t", Calls: 1, Failed: 1, Time: 2 * s},
			{Text: "UPDATE t SET n = ?", Calls: 3, Failed: 3, Time: 60 * ms},
			{Text: "SELECT ?", Calls: 3, Time: 30 * ms},
		}
		if got := b.Stats().Statements; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("\n%+v, want\n%+v", got, want)
		}
	})
}

func TestStatementsAreBounded(t *testing.T) {
	b := &breaker.Breaker{}
	for i := range 1000 {
		c, err := b.Begin(t.Context(), fmt.Sprintf("SELECT %d", i))
		if err != nil {
			t.Fatal(err)
		}
		c.End(nil)
	}
	if got := len(b.Stats().Statements); got != 100 {
		t.Errorf("%d kinds, want 100", got)
	}
	c, _ := b.Begin(t.Context(), "SELECT 7") // one that is known
	c.End(nil)
	for _, st := range b.Stats().Statements {
		if want := uint64(1); st.Text == "SELECT 7" && st.Calls != want+1 {
			t.Errorf("%+v", st)
		}
	}
}

func TestTheRequestsRecordTellsOfItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &request.Record{Context: t.Context(), Start: deadline.Now()}
		mysql, redis := &breaker.Breaker{Name: "mysql", TripAfter: 1, Timeout: 100 * ms}, &breaker.Breaker{Name: "redis"}
		redis.Do(rec, takes(10*ms, nil))
		for range 3 {
			c, err := mysql.Begin(rec, "SELECT ?")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * ms)
			c.End(nil)
		}
		if _, _, ok := rec.Refusal(); ok {
			t.Error("a backend is unavailable though all is well")
		}
		c, _ := mysql.Begin(rec, "UPDATE t")
		time.Sleep(150 * ms)
		backends := rec.Backends()
		if len(backends) != 2 || backends[0].Name != "redis" || backends[0].Calls != 1 || backends[0].Time != 10*ms {
			t.Fatalf("%+v", backends)
		}
		m := backends[1]
		if m.Name != "mysql" || m.Calls != 4 || m.Errors != 0 || m.Time != 60*ms || len(m.Running) != 1 ||
			m.Running[0].Statement != "UPDATE t" || len(m.Statements) != 2 || m.Statements[0].Calls != 3 {
			t.Errorf("%+v", m)
		}
		if name, left, ok := rec.Refusal(); !ok || name != "mysql" || left != mysql.RetryAfter() || left == 0 {
			t.Errorf("unavailable: %q for %v, %v, want mysql for %v", name, left, ok, mysql.RetryAfter())
		}
		if err := mysql.Do(rec, succeeds); err == nil {
			t.Error("not refused")
		}
		c.End(nil) // too late
		m = rec.Backends()[1]
		if m.Calls != 4 || m.Errors != 1 || m.Refused != 1 || m.Time != 210*ms || len(m.Running) != 0 {
			t.Errorf("%+v", m)
		}
	})
}

func TestARecordIsToldWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Name: "mysql", OpenFor: 7 * s}
		rec := &request.Record{Context: t.Context()}
		b.Do(rec, takes(0, syscall.ECONNREFUSED)) // not enough to trip it
		if name, left, ok := rec.Refusal(); !ok || name != "mysql" || left != 7*s {
			t.Errorf("%q, %v, %v", name, left, ok)
		}
		b.Open(time.Minute)
		b.Do(rec, succeeds)
		if _, left, _ := rec.Refusal(); left != time.Minute {
			t.Errorf("%v", left)
		}
	})
}

// A 500 that a bug in the handler makes must not pass for the backend's absence.
func TestWhatMakesABackendUnavailableToARequest(t *testing.T) {
	for _, story := range []struct {
		name  string
		err   error
		panic any
		want  bool
	}{
		{name: "a refused connection", err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, want: true},
		{name: "an end in mid-answer", err: fmt.Errorf("redis: %w", io.EOF), want: true},
		{name: "a deadline of the caller's", err: context.DeadlineExceeded, want: true},
		{name: "an error of the backend's, or of the caller's code", err: errors.New("duplicate key")},
		{name: "a panic", panic: "nil map"},
		{name: "success"},
	} {
		t.Run(story.name, func(t *testing.T) {
			b, rec := &breaker.Breaker{Name: "mysql"}, &request.Record{Context: t.Context()}
			func() {
				defer func() { recover() }()
				b.Do(rec, func(context.Context) error {
					if story.panic != nil {
						panic(story.panic)
					}
					return story.err
				})
			}()
			if _, _, got := rec.Refusal(); got != story.want {
				t.Errorf("unavailable: %v, want %v", got, story.want)
			}
			b.Do(rec, succeeds)
			if _, _, got := rec.Refusal(); got {
				t.Error("unavailable, though a second try succeeded")
			}
		})
	}
}

// An answer that is bad, as a 5xx is, is the caller's to pass on or not.
func TestABadAnswerIsAFailureButNotAnUnavailability(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Name: "api", TripAfter: 1}
		rec := &request.Record{Context: t.Context()}
		c, _ := b.Begin(rec, "")
		c.BadAnswer()
		wantState(t, b, breaker.Open)
		wantVerdicts(t, b, 1, 0, 0)
		if _, _, ok := rec.Refusal(); ok {
			t.Error("the backend is said to be unavailable")
		}
		if got := rec.Backends()[0].Errors; got != 1 {
			t.Errorf("%d errors in the record, want 1", got)
		}
	})
}

// A counter that goes back looks like a restart to whoever draws its rate.
func TestWhatHasSucceededNeverGoesBack(t *testing.T) {
	b := &breaker.Breaker{Timeout: time.Minute, TripAfter: -1, TripRate: -1}
	const each = 20_000
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for i := range each {
				b.Do(context.Background(), []func(context.Context) error{succeeds, fails}[i%2])
			}
		})
	}
	done := make(chan struct{})
	go func() { calls.Wait(); close(done) }()
	for last := uint64(0); ; {
		got := b.Stats().Succeeded
		if got < last {
			t.Errorf("%d succeeded, after %d", got, last)
		}
		last = got
		select {
		case <-done:
			wantVerdicts(t, b, 4*each, 0, 4*each)
			return
		default:
		}
	}
}
