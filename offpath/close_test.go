package offpath_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/offpath"
)

func TestCloseWaitsUntilAllIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &offpath.Queue[int]{Do: func(context.Context, int) { time.Sleep(time.Second) }, Workers: 2}
		for i := range 10 {
			q.Offer(i)
		}
		start := time.Now()
		var wg sync.WaitGroup
		for range 3 { // several wait as one does
			wg.Go(func() { closed(t, q) })
		}
		wg.Wait()
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("Close waited %v, want 5s", d)
		}
		if q.Offer(10) {
			t.Error("a closed queue took a value")
		}
		wantStats(t, q, offpath.Stats{Offered: 11, Done: 10, Dropped: 1})
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if left, err := q.Close(ended); left != nil || err != nil {
			t.Errorf("done is done, but Close says %v, %v", left, err)
		}
	})
}

func TestAnUnusedQueueClosesAtOnce(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var q offpath.Queue[offpath.Func]
	if left, err := q.Close(ended); left != nil || err != nil {
		t.Errorf("Close says %v, %v", left, err)
	}
	if q.Offer(func(context.Context) {}) || offpath.Go(t.Context(), &q, func(context.Context) {}) {
		t.Error("a closed queue took a value")
	}
	wantStats(t, &q, offpath.Stats{Offered: 2, Dropped: 2})
}

var errImpatient = errors.New("impatient")

func TestCloseAtItsDeadlineReturnsWhatWasNotBegunAndEndsTheContextOfTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause error
		q := &offpath.Queue[int]{Do: func(ctx context.Context, _ int) { <-ctx.Done(); cause = context.Cause(ctx) }}
		for i := range 5 {
			q.Offer(i)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, errImpatient)
		defer cancel()
		other := make(chan string)
		go func() {
			left, err := q.Close(context.Background())
			other <- fmt.Sprint(left, " ", err)
		}()
		start := time.Now()
		left, err := q.Close(ctx)
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("Close came back after %v, want its deadline of 3s", d)
		}
		if !slices.Equal(left, []int{1, 2, 3, 4}) {
			t.Errorf("left were %v", left)
		}
		if want := "offpath: closed, 4 left that were not begun, 1 still being done: impatient"; fmt.Sprint(err) != want || !errors.Is(err, errImpatient) {
			t.Errorf("Close says %v, want %s", err, want)
		}
		if got, want := <-other, "[] offpath: closed, 4 left that were not begun"; got != want {
			t.Errorf("the other closer has %s, want %s", got, want)
		}
		if cause != errImpatient {
			t.Errorf("the context of Do ended for %v", cause)
		}
		wantStats(t, q, offpath.Stats{Offered: 5, Done: 1, Left: 4})
	})
}

func TestCloseDoesNotWaitForWorkThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		q := &offpath.Queue[int]{Do: func(context.Context, int) { <-release }}
		q.Offer(1)
		synctest.Wait()
		for range 2 { // the second too comes back at its own deadline
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			start := time.Now()
			left, err := q.Close(ctx)
			cancel()
			if d := time.Since(start); d != time.Second {
				t.Errorf("Close came back after %v, want its deadline of 1s", d)
			}
			if left != nil || fmt.Sprint(err) != "offpath: closed, 0 left that were not begun, 1 still being done: context deadline exceeded" {
				t.Errorf("Close says %v, %v", left, err)
			}
		}
		wantStats(t, q, offpath.Stats{Offered: 1, Running: 1})
		close(release)
		closed(t, q) // nothing was left after all
		wantStats(t, q, offpath.Stats{Offered: 1, Done: 1})
	})
}

// Real time and real goroutines here: what is tested is that nothing is lost or counted twice whatever
// meets whatever.
func TestTheBooksBalanceWhateverHappens(t *testing.T) {
	for range 50 {
		var done, failed, offered, dropped atomic.Int64
		q := &offpath.Queue[int]{
			Do: func(ctx context.Context, v int) {
				switch v % 10 {
				case 0:
					failed.Add(1)
					panic(v)
				case 1:
					failed.Add(1)
					runtime.Goexit()
				case 2:
					time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
				}
				done.Add(1)
			},
			Size: 1 + rand.IntN(5), Workers: 1 + rand.IntN(3), OnPanic: func(int, *offpath.PanicError) {},
		}
		balance := func() (s offpath.Stats) {
			s = q.Stats()
			if s.Offered != s.Done+s.Panicked+s.Dropped+s.Left+s.Waiting+s.Running || s.Waiting > int64(q.Size) || s.Running > int64(q.Workers) {
				t.Errorf("the books do not balance: %+v", s)
			}
			return s
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range 300 {
					offered.Add(1)
					if !q.Offer(i) {
						dropped.Add(1)
					}
					balance()
				}
			})
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		var left atomic.Int64
		for range 3 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(200))*time.Microsecond)
				defer cancel()
				rest, err := q.Close(ctx)
				left.Add(int64(len(rest)))
				if len(rest) > 0 && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%d were left, and Close says %v", len(rest), err)
				}
			})
		}
		wg.Wait()
		_, err := q.Close(context.Background())
		if (err != nil) != (left.Load() > 0) {
			t.Errorf("%d were left, and Close says %v", left.Load(), err)
		}
		want := offpath.Stats{Offered: offered.Load(), Done: done.Load(), Panicked: failed.Load(), Dropped: dropped.Load(), Left: left.Load()}
		if got := balance(); got != want {
			t.Fatalf("the queue counts\n  %+v, want\n  %+v", got, want)
		}
	}
}
