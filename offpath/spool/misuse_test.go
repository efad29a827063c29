package spool_test

import (
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/offpath"
	"github.com/heeler-go/heeler/offpath/spool"
)

func TestABodyWhoseReadLiesIsAnError(t *testing.T) {
	s := opened(t, &spool.Spool{})
	for name, read := range map[string]readerFunc{
		"more than there is room for": func(b []byte) (int, error) { return len(b) + 1, nil },
		"the same at the end":         func(b []byte) (int, error) { return len(b) + 1, io.EOF },
		"less than nothing":           func([]byte) (int, error) { return -1, nil },
	} {
		for _, n := range []int{0, 10, 1 << 20} {
			err := s.Publish(t.Context(), &spool.Entry{}, io.MultiReader(strings.NewReader(words(n)), read))
			if err == nil || !strings.Contains(err.Error(), "its Read says") {
				t.Errorf("%s, after %d bytes: %v", name, n, err)
			}
		}
	}
	empties(t, s)
}

func TestABodyThatGivesNothingForEverIsAnError(t *testing.T) {
	s := opened(t, &spool.Spool{})
	nothing := readerFunc(func([]byte) (int, error) { return 0, nil })
	if err := s.Publish(t.Context(), &spool.Entry{}, nothing); !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

func TestABodyThatComesWhileTheSpoolIsClosedAndOpenedIsNotStored(t *testing.T) {
	s := opened(t, &spool.Spool{})
	begun, release := make(chan struct{}), make(chan struct{})
	wait := readerFunc(func([]byte) (int, error) { close(begun); <-release; return 0, io.EOF })
	rest := strings.NewReader(words(300 << 10))
	ended := make(chan error)
	go func() {
		ended <- s.Publish(t.Context(), &spool.Entry{}, io.MultiReader(strings.NewReader(words(1<<20)), wait, rest))
	}()
	<-begun
	if err := errors.Join(s.Close(), s.Open()); err != nil {
		t.Fatal(err)
	}
	empties(t, s)
	close(release)
	if err := <-ended; !errors.Is(err, spool.ErrClosed) {
		t.Errorf("it says %v", err)
	}
	empties(t, s)
}

// A code is an error type of which one forgets that its nil pointer is an error too.
type code struct{ text string }

func (c *code) Error() string { return c.text }

func TestANilPointerThatIsAnErrorIsAFailedAttempt(t *testing.T) {
	s := opened(t, &spool.Spool{Delay: time.Microsecond, Attempts: 2, OnDead: func(_ *spool.Entry, err error) {
		var panicked *offpath.PanicError
		if !errors.As(err, &panicked) || !strings.Contains(string(panicked.Stack), "misuse_test.go") {
			t.Errorf("%v", err)
		}
	}})
	publish(t, s, "x")
	running(t, s, (*code)(nil), func() bool { return s.Stats().Dead == 1 })
	if st := s.Stats(); st.Failed != 2 || st.Panicked != 2 {
		t.Errorf("%+v", st)
	}
}

func TestWhatOnDeadDoesEndsNothing(t *testing.T) {
	log := logged(t)
	for name, end := range map[string]func(){"panics": func() { panic("oh") }, "ends its goroutine": runtime.Goexit} {
		s := opened(t, &spool.Spool{Attempts: 1, OnDead: func(*spool.Entry, error) { end() }})
		publish(t, s, "x")
		publish(t, s, "x")
		die(t, s, 2)
		if st := s.Stats(); st.Dead != 2 || st.Waiting != 0 {
			t.Errorf("it %s: %+v", name, st)
		}
	}
	if text := log.String(); strings.Count(text, "spool: OnDead") != 4 || !strings.Contains(text, "misuse_test.go") {
		t.Errorf("it was logged as:\n%s", text)
	}
}

func TestThatAnotherSpoolIsClosedIsAFailedAttemptAsAnyOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := opened(t, &spool.Spool{Attempts: -1})
		defer s.Close()
		publish(t, s, "x")
		var other spool.Spool
		attempts := 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_ = s.Run(ctx, func(ctx context.Context, e *spool.Entry) error {
			if attempts++; attempts == 3 {
				cancel()
				return nil
			}
			return other.Publish(ctx, e, e.Body())
		})
		if attempts != 3 {
			t.Errorf("it came %d times, want 3", attempts)
		}
	})
}

func TestAHandleMayCallEveryMethodOfItsSpool(t *testing.T) {
	s := opened(t, &spool.Spool{Attempts: 1, Workers: 3, OnDead: func(*spool.Entry, error) {}})
	for range 3 {
		publish(t, s, "x")
	}
	fine := func(err error) {
		// Another worker may have been faster.
		if err != nil && !errors.Is(err, spool.ErrNotFound) && !errors.Is(err, spool.ErrClosed) {
			t.Error(err)
		}
	}
	err := s.Run(t.Context(), func(ctx context.Context, e *spool.Entry) error {
		fine(s.Publish(ctx, &spool.Entry{}, strings.NewReader(words(200<<10))))
		for dead, err := range s.Dead() {
			if fine(err); err == nil {
				fine(s.Retry(dead.ID))
			}
			if s.Stats().Failed > 10 {
				fine(s.Close())
			}
		}
		return errors.New("no")
	})
	if !errors.Is(err, spool.ErrClosed) {
		t.Errorf("Run says %v", err)
	}
}

func TestTheLongestDelayThatThereIsCanBeReached(t *testing.T) {
	s := opened(t, &spool.Spool{Attempts: -1, Delay: 1, DelayMax: 1})
	publish(t, s, "x")
	for _, attempts := range []int{40, 41} {
		ctx, cancel := context.WithCancel(t.Context())
		_ = s.Run(ctx, func(_ context.Context, e *spool.Entry) error {
			if e.Attempts == attempts {
				cancel()
			} else if attempts == 41 {
				time.AfterFunc(100*time.Millisecond, cancel) // the next one is in 292 years
			}
			return errors.New("no")
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s.Delay, s.DelayMax = time.Second, math.MaxInt64
		if err := s.Open(); err != nil {
			t.Fatal(err)
		}
	}
	if e, _ := consume(t, s, 1); e[0].Attempts != 41 {
		t.Errorf("%+v", e[0])
	}
}
