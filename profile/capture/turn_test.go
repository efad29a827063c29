package capture_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/profile/capture"
)

// waits starts a recording on a goroutine of its own and returns when it is known to wait.
func waits(t *testing.T, name string, all *sync.WaitGroup, then func(*capture.Recording, error)) (told chan []string) {
	t.Helper()
	told = make(chan []string, 100)
	all.Go(func() {
		then(capture.Start(context.Background(), capture.Options{For: name, Waiting: func(before []string) { told <- before }}))
	})
	return told
}

func next(t *testing.T, told chan []string) []string {
	t.Helper()
	select {
	case before := <-told:
		return before
	case <-time.After(10 * time.Second):
		t.Fatal("nobody was told anything")
		return nil
	}
}

func TestRecordingsTakeTurnsAndAreToldWhoIsBefore(t *testing.T) {
	first := start(t, capture.Options{For: "GET /0 for alice"})
	var all sync.WaitGroup
	var mu sync.Mutex
	var order []string
	running := 1
	var told []chan []string
	want := []string{"GET /0 for alice"}
	for i := 1; i <= 3; i++ {
		name := fmt.Sprintf("GET /%d", i)
		told = append(told, waits(t, name, &all, func(r *capture.Recording, err error) {
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, name)
			if running++; running != 1 {
				t.Errorf("%d recordings at once", running)
			}
			mu.Unlock()
			r.Do(func() { time.Sleep(time.Millisecond) })
			mu.Lock()
			running--
			mu.Unlock()
			if x := read(t, r.Stop()); len(x.Runs) != 1 {
				t.Errorf("%s: %d runs", name, len(x.Runs))
			}
		}))
		if before := next(t, told[i-1]); !slices.Equal(before, want) {
			t.Errorf("before %s: %q, want %q", name, before, want)
		}
		want = append(want, name)
	}
	mu.Lock()
	running--
	mu.Unlock()
	first.Stop()
	all.Wait()
	if want := []string{"GET /1", "GET /2", "GET /3"}; !slices.Equal(order, want) {
		t.Errorf("the order was %q, want %q", order, want)
	}
	if before := next(t, told[2]); len(before) >= 3 {
		t.Errorf("the last was not told that somebody had left: %q", before)
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	first := start(t, capture.Options{})
	cause := errors.New("the user has left")
	ctx, cancel := context.WithCancelCause(context.Background())
	_, err := capture.Start(ctx, capture.Options{Waiting: func(before []string) {
		if !slices.Equal(before, []string{"a recording"}) {
			t.Errorf("before: %q", before)
		}
		cancel(cause)
	}})
	if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	first.Stop()
	free(t)
}

func TestWhoLeavesTheMiddleOfTheLineHoldsNobodyUp(t *testing.T) {
	first := start(t, capture.Options{For: "one"})
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	second := make(chan []string, 9)
	all.Go(func() {
		_, err := capture.Start(ctx, capture.Options{For: "two", Waiting: func(b []string) { second <- b }})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	})
	next(t, second)
	third := waits(t, "three", &all, func(r *capture.Recording, err error) {
		if err != nil {
			t.Error(err)
			return
		}
		r.Stop()
	})
	if before := next(t, third); !slices.Equal(before, []string{"one", "two"}) {
		t.Errorf("before three: %q", before)
	}
	cancel()
	if before := next(t, third); !slices.Equal(before, []string{"one"}) {
		t.Errorf("before three: %q", before)
	}
	first.Stop()
	all.Wait()
}

func TestAPanicInWaitingLeavesTheLine(t *testing.T) {
	first := start(t, capture.Options{})
	func() {
		defer func() {
			if v := recover(); v != "told" {
				t.Errorf("recovered %v", v)
			}
		}()
		capture.Start(context.Background(), capture.Options{Waiting: func([]string) { panic("told") }})
	}()
	first.Stop()
	free(t)
}

func TestAThousandThatHaveLeftAlready(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if _, err := capture.Start(ctx, capture.Options{}); !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	all.Wait()
	free(t)
}

func TestAThousandThatLeaveWhileTheyWait(t *testing.T) {
	first := start(t, capture.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	var all, waiting sync.WaitGroup
	for range 1000 {
		waiting.Add(1)
		all.Go(func() {
			said := false
			_, err := capture.Start(ctx, capture.Options{Waiting: func([]string) {
				if !said {
					said = true
					waiting.Done()
				}
			}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	waiting.Wait()
	cancel()
	all.Wait()
	first.Stop()
	free(t)
}

func TestManyWaitAndEachHasATurn(t *testing.T) {
	var all sync.WaitGroup
	var done atomic.Int32
	const many = 30
	for range many {
		all.Go(func() {
			r, err := capture.Start(context.Background(), capture.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			r.Do(func() {})
			if x := read(t, r.Stop()); len(x.Runs) == 1 {
				done.Add(1)
			}
		})
	}
	all.Wait()
	if done.Load() != many {
		t.Errorf("%d of %d have recorded something", done.Load(), many)
	}
}

func TestWhoWaitsIsToldOnlyWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var line capture.Line
		ctx, until := t.Context(), time.Now().Add(9*time.Second)
		leave, err := line.Wait(ctx, func(now time.Time) string {
			return fmt.Sprintf("a trace, %d s left", int(until.Sub(now).Seconds())/3*3)
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(8500*time.Millisecond, leave)
		var told []string
		leave, err = line.Wait(ctx, func(time.Time) string { return "" }, func(before []string) { told = append(told, before...) })
		if err != nil {
			t.Fatal(err)
		}
		leave()
		if want := []string{"a trace, 9 s left", "a trace, 6 s left", "a trace, 3 s left", "a trace, 0 s left"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}
