package timebox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

// inBubble runs a test in fake time, which stands still while code computes.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * time.Hour) // in which all that was given up ends
		test(t)
	})
}

func bubbled(test func(t *testing.T)) func(t *testing.T) {
	return func(t *testing.T) { inBubble(t, test) }
}

// after checks how much time has passed, in a bubble, where it does so exactly.
func after(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("after %v, want %v", got, want)
	}
}

// hour is a block that ignores its context, and ends long after the test.
func hour(context.Context) error {
	time.Sleep(time.Hour)
	return nil
}

func TestRunReturnsWhatTheBlockReturns(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		for _, want := range []error{nil, io.EOF, context.Canceled, context.DeadlineExceeded} {
			err := timebox.Run(t.Context(), 2*time.Second, func(ctx context.Context) error {
				if at, ok := ctx.Deadline(); !ok || time.Until(at) != 2*time.Second {
					t.Errorf("the deadline is %v, %v", at, ok)
				}
				time.Sleep(time.Second)
				return want
			})
			if err != want {
				t.Errorf("%v, want %v", err, want)
			}
		}
		after(t, start, 4*time.Second)
	})
}

func TestDoReturnsTheResultOrTheZeroValue(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		answer := func(wait time.Duration, err error) (int, error) {
			return timebox.Do(t.Context(), time.Second, func(context.Context) (int, error) {
				time.Sleep(wait)
				return 42, err
			})
		}
		if n, err := answer(0, nil); n != 42 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		if n, err := answer(0, io.EOF); n != 0 || err != io.EOF {
			t.Errorf("%d %v", n, err)
		}
		if n, err := answer(time.Minute, nil); n != 0 || !errors.Is(err, timebox.ErrExceeded) {
			t.Errorf("%d %v", n, err)
		}
	})
}

func TestALimitOfZeroOrLessIsAnErrorBeforeTheBlock(t *testing.T) {
	never := func(context.Context) error { t.Error("the block has run"); return nil }
	for _, limit := range []time.Duration{0, -1, -time.Hour} {
		for name, run := range map[string]func() error{
			"Run": func() error { return timebox.Run(t.Context(), limit, never) },
			"Do": func() error {
				_, err := timebox.Do(t.Context(), limit, func(ctx context.Context) (int, error) { return 0, never(ctx) })
				return err
			},
			"Box.Run": func() error { return (&timebox.Box{Limit: min(limit, -1)}).Run(t.Context(), never) },
		} {
			if err := run(); err == nil || errors.Is(err, timebox.ErrExceeded) || !strings.Contains(err.Error(), "must be positive") {
				t.Errorf("%s with %v: %v", name, limit, err)
			}
		}
	}
}

func TestABoxWithoutALimitGivesTenSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		if err := new(timebox.Box).Run(t.Context(), hour); !errors.Is(err, timebox.ErrExceeded) {
			t.Error(err)
		}
		after(t, start, 10*time.Second)
	})
}

func TestABlockThatIgnoresItsContextIsGivenUpAtTheLimit(t *testing.T) {
	for name, block := range map[string]func(context.Context) error{
		"asleep": hour,
		"waiting for a channel": func(ctx context.Context) error {
			<-time.After(time.Hour)
			return ctx.Err()
		},
		"reading": func(context.Context) error {
			client, server := net.Pipe()
			time.AfterFunc(time.Hour, func() { server.Close() })
			_, err := client.Read(make([]byte, 1))
			return err
		},
	} {
		t.Run(name, bubbled(func(t *testing.T) {
			start := time.Now()
			box := &timebox.Box{Name: "pick", Limit: 2 * time.Second}
			var over *timebox.Error
			if err := box.Run(t.Context(), block); !errors.As(err, &over) {
				t.Fatalf("%v, want a *timebox.Error", err)
			}
			after(t, start, 2*time.Second)
			if over.Name != "pick" || over.Limit != 2*time.Second || over.Elapsed != 2*time.Second {
				t.Errorf("%+v", over)
			}
			if got, want := box.Stats(), (timebox.Stats{Started: 1, Exceeded: 1, Overrunning: 1}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			time.Sleep(2 * time.Hour)
			if got, want := box.Stats(), (timebox.Stats{Started: 1, Exceeded: 1}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}))
	}
}

// In real time: a bubble's time stands still while code computes, and while
// the system reads.
func TestABlockThatComputesOrIsInTheSystemIsGivenUpToo(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	for name, block := range map[string]func(context.Context) error{
		"computing": func(context.Context) error {
			for n := 0; !stop.Load(); n++ {
			}
			return nil
		},
		"reading": func(context.Context) error {
			_, err := r.Read(make([]byte, 1))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if err := timebox.Run(t.Context(), soon, block); !errors.Is(err, timebox.ErrExceeded) {
				t.Errorf("%v, want %v", err, timebox.ErrExceeded)
			}
			if took := time.Since(start); took < soon || took > patience {
				t.Errorf("it took %v", took)
			}
		})
	}
	stop.Store(true)
	w.Close()
	eventually(t, "the end of the blocks", func() bool { return len(timebox.Overruns()) == 0 })
}

func TestTheErrorIsWhatAnyCallerMayAskFor(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		class := fmt.Errorf("the catalog is slow")
		box := &timebox.Box{Name: "catalog", Limit: time.Second, Err: fmt.Errorf("instance: %w", class)}
		err := box.Run(t.Context(), hour)
		for _, target := range []error{timebox.ErrExceeded, context.DeadlineExceeded, box.Err, class} {
			if !errors.Is(err, target) {
				t.Errorf("%v is no %v", err, target)
			}
		}
		if errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) {
			t.Errorf("%v is what it should not be", err)
		}
		var network net.Error
		if !errors.As(err, &network) || !network.Timeout() {
			t.Errorf("%v is no timeout as package net has them", err)
		}
		if got, want := err.Error(), "timebox: over the limit of 1s (catalog)"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if err := timebox.Run(t.Context(), time.Second, hour); errors.Is(err, class) || errors.Is(err, nil) {
			t.Errorf("%v: another box has another error", err)
		}
	})
}

func TestABoxWithoutANameIsCalledAfterItsFunction(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		_, err := timebox.Do(t.Context(), time.Second, slowAnswer)
		for err, want := range map[error]string{
			timebox.Run(t.Context(), time.Second, hour):               "timebox_test.hour",
			(&timebox.Box{Limit: time.Second}).Run(t.Context(), hour): "timebox_test.hour",
			err: "timebox_test.slowAnswer",
		} {
			var over *timebox.Error
			if !errors.As(err, &over) || !strings.HasSuffix(over.Name, want) {
				t.Errorf("%v, want the name %s", err, want)
			}
		}
	})
}

func slowAnswer(ctx context.Context) (int, error) { return 42, hour(ctx) }

func TestTheBlocksContextEndsAtTheLimitWithTheErrorAsItsCause(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		cause := make(chan error, 1)
		timebox.Run(t.Context(), time.Second, func(ctx context.Context) error {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return nil
		})
		var over *timebox.Error
		if err := <-cause; !errors.As(err, &over) || over.Limit != time.Second {
			t.Errorf("the cause is %v", err)
		}
	})
}

func TestACallersContextThatEndsEndsTheBlock(t *testing.T) {
	gaveUp := errors.New("gave up")
	t.Run("before", bubbled(func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(gaveUp)
		err := timebox.Run(ctx, time.Second, func(context.Context) error { t.Error("the block has run"); return nil })
		if err != gaveUp {
			t.Errorf("%v, want %v", err, gaveUp)
		}
	}))
	t.Run("meanwhile", bubbled(func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(gaveUp) })
		box := &timebox.Box{Limit: time.Minute}
		if err := box.Run(ctx, hour); err != gaveUp {
			t.Errorf("%v, want %v", err, gaveUp)
		}
		after(t, start, time.Second)
		if got, want := box.Stats(), (timebox.Stats{Started: 1, Overrunning: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}))
	t.Run("by its own deadline", bubbled(func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := timebox.Run(ctx, time.Minute, hour); err != context.DeadlineExceeded {
			t.Errorf("%v, want %v, since no box was exceeded", err, context.DeadlineExceeded)
		}
		after(t, start, time.Second)
	}))
}
