package exectrace_test

import (
	"context"
	"runtime"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/exectrace"
)

//go:noinline
func burn() { spin(3 * time.Millisecond) }

//go:noinline
func received(c chan int, n int) {
	for range n {
		<-c
		burn()
	}
}

// every sends n times, with a pause before each.
func every(d time.Duration, n int) chan int {
	c := make(chan int)
	go func() {
		for i := range n {
			time.Sleep(d)
			c <- i
		}
	}()
	return c
}

// ran is how long a goroutine was on a processor, and how much of that in functions with the name.
func ran(g *exectrace.Goroutine, name string) (all, there time.Duration) {
	for _, i := range g.Intervals {
		if i.State == exectrace.Running {
			if all += i.Length(); on(i.Stack, name) {
				there += i.Length()
			}
		}
	}
	return all, there
}

func TestTimeOnAProcessorIsNotThatOfTheWaitBeforeOrAfterIt(t *testing.T) {
	for name, f := range map[string]struct {
		task func()
		wait string
	}{
		"before the first wait and after the last": {func() { burn(); napping(); burn() }, "napping"},
		"between two waits at the same place":      {func() { received(every(4*time.Millisecond, 5), 5) }, "runtime.chanrecv"},
	} {
		t.Run(name, func(t *testing.T) {
			g := execution(t, f.task).Goroutines[0]
			all, there := ran(g, f.wait)
			if all < 5*time.Millisecond || there > time.Millisecond {
				t.Errorf("%v of %v on a processor are said to be in %s, where it only waits", there, all, f.wait)
			}
			if _, inside := ran(g, "exectrace_test."); inside < all*9/10 {
				t.Errorf("of %v on a processor only %v are said to be anywhere in the task", all, inside)
			}
		})
	}
}

func TestSamplesTellWhatRanBetweenShortWaits(t *testing.T) {
	var x *exectrace.Execution
	sampled(t, func() { x = execution(t, func() { received(every(time.Millisecond, 100), 100) }) })
	if len(x.Samples) < 10 {
		t.Skipf("%d samples only: the machine is too busy for the profiler's clock", len(x.Samples))
	}
	var seen, placed int
	g := x.Goroutines[0]
	for _, s := range x.Samples {
		if !on(s.Stack, "exectrace_test.burn") {
			continue
		}
		for seen++; len(g.Intervals) > 1 && g.Intervals[0].To <= s.At; {
			g.Intervals = g.Intervals[1:]
		}
		if on(g.Intervals[0].Stack, "exectrace_test.burn") {
			placed++
		}
	}
	if placed < seen*9/10 {
		t.Errorf("%d of %d samples are where the intervals are", placed, seen)
	}
}

func TestARegionEndsWithItsGoroutine(t *testing.T) {
	x := read(t, taken(t, func() {
		gone := make(chan bool)
		go func() {
			defer close(gone)
			trace.StartRegion(context.Background(), region)
			napping()
		}()
		<-gone
		time.Sleep(20 * time.Millisecond)
	}))
	if x.Truncated || x.Runs[0].Length() > 15*time.Millisecond || x.Runs[0].To != x.Goroutines[0].To {
		t.Errorf("the run took %v, truncated: %v; want 1ms", x.Runs[0].Length(), x.Truncated)
	}
}

func TestOneThatIsPreemptedIsKnownToGoOnWhereItWasSeen(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var stop atomic.Bool
	var others sync.WaitGroup
	for range 3 {
		others.Go(func() {
			for !stop.Load() {
				spin(100 * time.Microsecond)
				runtime.Gosched()
			}
		})
	}
	defer func() { stop.Store(true); others.Wait() }()
	var x *exectrace.Execution
	sampled(t, func() {
		x = execution(t, func() {
			for end := time.Now().Add(400 * time.Millisecond); time.Now().Before(end); {
				burn()
				runtime.Gosched()
			}
		})
	})
	if len(x.Samples) < 3 {
		t.Skipf("%d samples only: the machine is too busy for the profiler's clock", len(x.Samples))
	}
	all, there := ran(x.Goroutines[0], "exectrace_test.burn")
	if there < all*7/10 {
		t.Errorf("%v of %v on the processor were in burn, want nearly all", there, all)
	}
}
