package offpath_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/internal/leak"
	"github.com/heeler-go/heeler/offpath"
)

func wantStats[T any](t *testing.T, q *offpath.Queue[T], want offpath.Stats) {
	t.Helper()
	if got := q.Stats(); got != want {
		t.Errorf("the queue counts\n  %+v, want\n  %+v", got, want)
	}
}

// closed closes q and wants nothing left.
func closed[T any](t *testing.T, q *offpath.Queue[T]) {
	t.Helper()
	if left, err := q.Close(context.Background()); left != nil || err != nil {
		t.Errorf("Close left %v: %v", left, err)
	}
}

func TestAMillionOffersToAStuckWorkerCostNoGoroutineAndEachDropIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var done atomic.Int64
		q := &offpath.Queue[int]{Do: func(context.Context, int) { <-release; done.Add(1) }, Size: 100}
		q.Offer(-1)
		synctest.Wait() // the worker has it, and is stuck
		before := runtime.NumGoroutine()

		const offers, callers, runtimes = 1_000_000, 8, 5 // the runtime has some of its own now and then
		var taken atomic.Int64
		start := time.Now()
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for i := range offers / callers {
					if q.Offer(i) {
						taken.Add(1)
					}
					if n := runtime.NumGoroutine(); i%10_000 == 0 && n > before+callers+runtimes {
						t.Errorf("%d goroutines, %d before and %d who offer", n, before, callers)
					}
				}
			})
		}
		wg.Wait()
		if d := time.Since(start); d != 0 {
			t.Errorf("Offer waited %v", d)
		}
		if n := len(leak.Goroutines("offpath.(*Queue", 0)); n != 1 {
			t.Errorf("%d goroutines of the queue's, want 1", n)
		}
		if taken.Load() != 100 {
			t.Errorf("Offer said %d times that it took the value, want 100", taken.Load())
		}
		wantStats(t, q, offpath.Stats{Offered: offers + 1, Dropped: offers - 100, Waiting: 100, Running: 1})
		close(release)
		closed(t, q)
		wantStats(t, q, offpath.Stats{Offered: offers + 1, Dropped: offers - 100, Done: 101})
		if done.Load() != 101 {
			t.Errorf("%d were done, want 101", done.Load())
		}
	})
}

func TestValuesAreDoneInTheOrderInWhichTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		q := &offpath.Queue[int]{Do: func(_ context.Context, v int) { got = append(got, v); time.Sleep(time.Second) }, Size: 20}
		var want []int
		for i := range 50 { // the ring grows, and goes round more than once
			if !q.Offer(i) {
				t.Errorf("%d was not taken", i)
			}
			want = append(want, i)
			if i%7 == 6 {
				time.Sleep(5 * time.Second)
			}
		}
		closed(t, q)
		if !slices.Equal(got, want) {
			t.Errorf("done were %v", got)
		}
	})
}

func TestSizeIsHowManyWaitAndWorkersHowManyAreDoneAtOnce(t *testing.T) {
	for _, c := range []struct {
		size, workers         int
		wantSize, wantWorkers int64
	}{{0, 0, 256, 1}, {1, 1, 1, 1}, {3, 4, 3, 4}, {20, 2, 20, 2}} {
		synctest.Test(t, func(t *testing.T) {
			q := &offpath.Queue[int]{Do: func(context.Context, int) { time.Sleep(time.Second) }, Size: c.size, Workers: c.workers}
			fill := func() (n int64) {
				for before := int64(-1); n > before; synctest.Wait() { // what the workers begin with makes room
					for before = n; q.Offer(0); {
						n++
					}
				}
				return n
			}
			if got, want := fill(), c.wantSize+c.wantWorkers; got != want {
				t.Errorf("%+v: %d were taken, want %d", c, got, want)
			}
			s := q.Stats()
			if s.Running != c.wantWorkers || s.Waiting != c.wantSize {
				t.Errorf("%+v: %d are being done, %d wait", c, s.Running, s.Waiting)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if got, want := fill(), c.wantWorkers; got != want {
				t.Errorf("%+v: after a second %d were taken, want %d", c, got, want)
			}
			closed(t, q)
			if s := q.Stats(); s.Done != s.Offered-s.Dropped || s.Running != 0 || s.Waiting != 0 {
				t.Errorf("%+v: at the end the queue counts %+v", c, s)
			}
		})
	}
}

func TestAnIdleQueueOwnsNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &offpath.Queue[int]{Do: func(context.Context, int) { time.Sleep(time.Second) }, Workers: 3}
		workers := func() int { synctest.Wait(); return len(leak.Goroutines("offpath.(*Queue", 0)) }
		for range 2 {
			q.Offer(1)
			q.Offer(2)
			if n := workers(); n != 2 {
				t.Errorf("%d workers for two values, want 2", n)
			}
			time.Sleep(time.Second)
			if n := workers(); n != 0 {
				t.Errorf("%d workers when all is done", n)
			}
		}
	})
}

func TestDoMayOfferToItsOwnQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &offpath.Queue[int]{Size: 1}
		var got []string
		q.Do = func(_ context.Context, v int) {
			got = append(got, fmt.Sprint(v, v < 3 && q.Offer(v+1), v < 3 && q.Offer(-1)))
		}
		q.Offer(0)
		synctest.Wait()
		if s := fmt.Sprint(got); s != "[0 true false 1 true false 2 true false 3 false false]" {
			t.Errorf("done were %s", s)
		}
		wantStats(t, q, offpath.Stats{Offered: 7, Done: 4, Dropped: 3})
	})
}

func TestAValueThatIsDoneIsNotKept(t *testing.T) {
	freed := make(chan struct{}, 3)
	q := &offpath.Queue[*[1024]byte]{Do: func(context.Context, *[1024]byte) {}}
	for range 3 {
		v := new([1024]byte)
		runtime.AddCleanup(v, func(int) { freed <- struct{}{} }, 0)
		q.Offer(v)
	}
	for q.Stats().Done < 3 {
		runtime.Gosched()
	}
	for range 3 {
		runtime.GC()
		select {
		case <-freed:
		case <-time.After(10 * time.Second): // for the cleanup's goroutine, which is the runtime's
			t.Fatal("a value is still referred to")
		}
	}
	runtime.KeepAlive(q)
}

func TestAQueueServesASynctestBubbleAndTheRealWorldInTurn(t *testing.T) {
	// Channels must not leave a bubble: no context of its worker remains.
	q := &offpath.Queue[int]{Do: func(ctx context.Context, _ int) {
		select {
		case <-ctx.Done():
		case <-time.After(time.Microsecond):
		}
	}}
	for want := int64(2); want < 8; want += 2 {
		synctest.Test(t, func(t *testing.T) {
			q.Offer(1)
			time.Sleep(time.Second)
		})
		q.Offer(1)
		for q.Stats().Done < want {
			runtime.Gosched()
		}
	}
	synctest.Test(t, func(t *testing.T) {
		q.Offer(1)
		closed(t, q)
	})
	closed(t, q)
}

func TestValidateNamesTheField(t *testing.T) {
	do := func(context.Context, int) {}
	for _, c := range []struct {
		q    *offpath.Queue[int]
		want string
	}{
		{&offpath.Queue[int]{}, "offpath: Queue.Do is nil; a function is needed, or values of type offpath.Func instead of int"},
		{&offpath.Queue[int]{Do: do, Size: -1}, "offpath: Queue.Size is -1; it must be positive, or 0 for 256"},
		{&offpath.Queue[int]{Do: do, Workers: -2}, "offpath: Queue.Workers is -2; it must be positive, or 0 for 1"},
	} {
		if err := c.q.Validate(); err == nil || err.Error() != c.want {
			t.Errorf("Validate says\n  %v, want\n  %s", err, c.want)
		}
		for range 2 { // the second must not find a lock taken
			func() {
				defer func() {
					if got := fmt.Sprint(recover()); got != c.want {
						t.Errorf("Offer panicked with %s", got)
					}
				}()
				c.q.Offer(1)
			}()
		}
	}
	var anything offpath.Queue[any]
	if err := anything.Validate(); err == nil || !strings.Contains(err.Error(), "instead of interface {}") {
		t.Errorf("Validate says %v", err)
	}
	var funcs offpath.Queue[offpath.Func]
	if err := funcs.Validate(); err != nil {
		t.Error(err)
	}
}
