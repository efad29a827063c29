package spool_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/offpath"
	"github.com/heeler-go/heeler/offpath/spool"
)

func TestEntriesComeInTheOrderOfReceipt(t *testing.T) {
	s := opened(t, &spool.Spool{})
	var want []string
	for i := range 300 { // more than are looked for at a time
		want = append(want, fmt.Sprint(i))
		publish(t, s, want[i])
	}
	if _, bodies := consume(t, s, 300); !slices.Equal(bodies, want) {
		t.Errorf("they came as %v", bodies)
	}
}

func TestAnEntryThatFailsComesAgainLaterAndHoldsUpNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := opened(t, &spool.Spool{Delay: time.Second, DelayMax: 8 * time.Second, Attempts: -1})
		defer s.Close()
		bad := publish(t, s, "bad")
		publish(t, s, "good 1")
		publish(t, s, "good 2")
		ctx, cancel := context.WithCancel(t.Context())
		began, last := time.Now(), time.Now()
		var waits []time.Duration
		err := s.Run(ctx, func(ctx context.Context, e *spool.Entry) error {
			if e.ID != bad {
				if waited := time.Since(began); waited > 0 {
					t.Errorf("%s has waited %v", read(t, e.Body()), waited)
				}
				return nil
			}
			if e.Attempts != len(waits) {
				t.Errorf("attempts %d after %d", e.Attempts, len(waits))
			}
			if len(waits) > 0 && e.LastError != fmt.Sprint("failed ", len(waits)-1) {
				t.Errorf("last error %q", e.LastError)
			}
			waits, last = append(waits, time.Since(last)), time.Now()
			if len(waits) == 7 {
				cancel()
				return nil
			}
			return fmt.Errorf("failed %d", len(waits)-1)
		})
		if err != context.Canceled {
			t.Error(err)
		}
		for i, least := range []time.Duration{0, 500, 1000, 2000, 4000, 4000, 4000} {
			if least *= time.Millisecond; waits[i] < least || waits[i] > 2*least {
				t.Errorf("before attempt %d it waited %v, want %v to %v", i, waits[i], least, 2*least)
			}
		}
		if st := s.Stats(); st.Waiting+st.Working+st.Dead != 0 || st.Failed != 6 || st.Acknowledged != 3 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAPanicAndAnEndedGoroutineAreFailedAttempts(t *testing.T) {
	var dead []string
	s := opened(t, &spool.Spool{Delay: time.Microsecond, Attempts: 3, OnDead: func(e *spool.Entry, err error) {
		var panicked *offpath.PanicError
		if !errors.As(err, &panicked) || !strings.Contains(string(panicked.Stack), "run_test.go") {
			t.Errorf("%v", err)
		}
		dead = append(dead, fmt.Sprint(e.URI, " ", e.Attempts, " ", panicked.Value))
	}})
	for _, uri := range []string{"panic", "goexit", "fine"} {
		if err := s.Publish(t.Context(), &spool.Entry{URI: uri}, nil); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(ctx, func(ctx context.Context, e *spool.Entry) error {
			switch e.URI {
			case "panic":
				panic("oh")
			case "goexit":
				runtime.Goexit()
			}
			return nil
		})
	}()
	for s.Stats().Dead < 2 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-ended
	slices.Sort(dead)
	if want := []string{"goexit 3 <nil>", "panic 3 oh"}; !slices.Equal(dead, want) {
		t.Errorf("dead are %q, want %q", dead, want)
	}
	if st := s.Stats(); st.Dead != 2 || st.Waiting != 0 || st.Panicked != 6 || st.Failed != 6 || st.Acknowledged != 1 {
		t.Errorf("%+v", st)
	}
}

func TestSeveralWorkersHandleSeveralEntriesAtOnce(t *testing.T) {
	s := opened(t, &spool.Spool{Workers: 4})
	for range 8 {
		publish(t, s, "x")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	var four sync.WaitGroup
	four.Add(4)
	var n atomic.Int32
	_ = s.Run(ctx, func(ctx context.Context, e *spool.Entry) error {
		switch i := n.Add(1); {
		case i <= 4:
			four.Done()
			four.Wait() // for ever, if they were handled one after the other
		case i == 8:
			cancel()
		}
		return nil
	})
	if n.Load() != 8 {
		t.Errorf("%d were handled", n.Load())
	}
}

func TestWhatFailsWhenTheContextHasEndedIsNoAttempt(t *testing.T) {
	s := opened(t, &spool.Spool{Attempts: 1})
	id := publish(t, s, "x")
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Run(ctx, func(ctx context.Context, e *spool.Entry) error { cancel(); return ctx.Err() })
		if err != context.Canceled {
			t.Error(err)
		}
	}
	if st := s.Stats(); st.Waiting != 1 || st.Failed != 0 {
		t.Errorf("%+v", st)
	}
	if e, _ := consume(t, s, 1); e[0].ID != id || e[0].Attempts != 0 {
		t.Errorf("%+v", e[0])
	}
}

func TestARunThatWaitsSeesWhatComes(t *testing.T) {
	s := opened(t, &spool.Spool{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	got := make(chan string)
	ended := make(chan error)
	go func() {
		ended <- s.Run(ctx, func(ctx context.Context, e *spool.Entry) error { got <- read(t, e.Body()); return nil })
	}()
	for i := range 20 {
		publish(t, s, fmt.Sprint(i))
		if b := <-got; b != fmt.Sprint(i) {
			t.Errorf("%q came, want %d", b, i)
		}
	}
	if err := s.Run(ctx, func(context.Context, *spool.Entry) error { return nil }); err == nil || !strings.Contains(err.Error(), "Workers") {
		t.Errorf("a second Run says %v", err)
	}
	if err := s.Run(ctx, nil); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("Run without a function says %v", err)
	}
	cancel()
	<-ended
}

func TestCloseEndsRunAndEverythingElse(t *testing.T) {
	s := opened(t, &spool.Spool{})
	publish(t, s, "x")
	began, release, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- s.Run(t.Context(), func(ctx context.Context, e *spool.Entry) error {
			close(began)
			<-ctx.Done()
			<-release
			if _, err := e.Body().Read(nil); err != nil {
				t.Error(err)
			}
			return nil
		})
	}()
	<-began
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	close(release)
	if err := <-ended; !errors.Is(err, spool.ErrClosed) {
		t.Errorf("Run says %v", err)
	}
	for what, err := range map[string]error{
		"Publish": s.Publish(t.Context(), &spool.Entry{}, nil), "Run": s.Run(t.Context(), nil),
		"Retry": s.Retry("x"), "Discard": s.Discard("x"),
	} {
		if !errors.Is(err, spool.ErrClosed) {
			t.Errorf("%s says %v", what, err)
		}
	}
	for _, err := range s.Dead() {
		if !errors.Is(err, spool.ErrClosed) {
			t.Errorf("Dead says %v", err)
		}
	}
	if err := errors.Join(s.Close(), s.Open()); err != nil {
		t.Fatal(err)
	}
	if _, bodies := consume(t, s, 1); bodies[0] != "x" {
		t.Error("what was not acknowledged has not come again")
	}
}
