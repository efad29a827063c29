package capture_test

import (
	"context"
	"io"
	"regexp"
	"runtime"
	"runtime/debug"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/capture"
	"github.com/heeler-go/heeler/profile/exectrace"
)

// start begins a recording that cannot have to wait.
func start(t testing.TB, o capture.Options) *capture.Recording {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	r, err := capture.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop() })
	return r
}

// read reads what was recorded, of which there must be nothing to say.
func read(t testing.TB, c *capture.Capture) *exectrace.Execution {
	t.Helper()
	for _, problem := range c.Problems {
		t.Error(problem)
	}
	x, _, err := c.Read()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// free fails the test unless tracer and CPU profiler are free, and the next one has a turn.
func free(t testing.TB) {
	t.Helper()
	if err := trace.Start(io.Discard); err != nil {
		t.Error(err)
	} else {
		trace.Stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := capture.Start(ctx, capture.Options{})
	if err != nil {
		t.Fatalf("nobody has a turn any more: %v", err)
	}
	if c := r.Stop(); len(c.Problems) > 0 {
		t.Errorf("the next recording has problems: %q", c.Problems)
	}
}

func TestARecordingHasTheTimeOfItsFunctionAndOfTheGoroutinesThatItStarts(t *testing.T) {
	before := time.Now()
	r := start(t, capture.Options{})
	began := time.Now()
	r.Do(func() {
		var children sync.WaitGroup
		children.Go(func() { time.Sleep(20 * time.Millisecond) })
		children.Wait()
	})
	took := time.Since(began)
	c := r.Stop()
	x := read(t, c)
	if len(x.Runs) != 1 || len(x.Goroutines) != 2 || x.Truncated {
		t.Fatalf("%d runs, %d goroutines, truncated %v", len(x.Runs), len(x.Goroutines), x.Truncated)
	}
	if got := x.Runs[0].Length(); got < 20*time.Millisecond || got > took {
		t.Errorf("the run took %v, want from 20ms to %v", got, took)
	}
	if c.Began.Before(before) || c.Began.Before(began.Add(-time.Millisecond)) || c.Began.After(began.Add(took)) {
		t.Errorf("began at %v, want %v", c.Began, began)
	}
}

func TestTheProfileIsOfTheFunctionInwards(t *testing.T) {
	r := start(t, capture.Options{Allocs: true})
	r.Do(func() { time.Sleep(5 * time.Millisecond); allocate(10) })
	_, p, err := r.Stop().Read()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckValid(); err != nil {
		t.Error(err)
	}
	for _, s := range p.Sample {
		if len(s.Location) == 0 {
			t.Fatal("a sample has no stack")
		}
		lines := s.Location[len(s.Location)-1].Line
		root := lines[len(lines)-1].Function.Name
		if !strings.Contains(root, "TestTheProfileIsOfTheFunctionInwards.func1") {
			t.Errorf("the outermost frame is %s", root)
		}
	}
	if p.TimeNanos == 0 || p.DurationNanos < (5*time.Millisecond).Nanoseconds() {
		t.Errorf("the profile began at %d and took %d ns", p.TimeNanos, p.DurationNanos)
	}
}

func TestEachDoIsARun(t *testing.T) {
	r := start(t, capture.Options{})
	for range 3 {
		r.Do(func() { time.Sleep(time.Millisecond) })
	}
	if x := read(t, r.Stop()); len(x.Runs) != 3 {
		t.Errorf("%d runs, want 3", len(x.Runs))
	}
}

func TestTwoMayDoAtOnce(t *testing.T) {
	r := start(t, capture.Options{})
	var both sync.WaitGroup
	both.Add(2)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { r.Do(func() { both.Done(); both.Wait() }) })
	}
	all.Wait()
	if x := read(t, r.Stop()); len(x.Runs) != 2 {
		t.Errorf("%d runs, want 2", len(x.Runs))
	}
}

func panics() { panic("out of cheese") }

func TestAPanicGoesOnWithItsStackAndIsRecorded(t *testing.T) {
	var stack string
	var r *capture.Recording
	func() {
		defer func() {
			if v := recover(); v != "out of cheese" {
				t.Errorf("recovered %v", v)
			}
			stack = string(debug.Stack())
		}()
		r = start(t, capture.Options{Allocs: true})
		defer r.Stop()
		r.Do(func() { time.Sleep(time.Millisecond); panics() })
	}()
	if !strings.Contains(stack, "capture_test.panics") {
		t.Errorf("the stack does not say who panicked:\n%s", stack)
	}
	x := read(t, r.Stop())
	if x.Truncated || len(x.Runs) != 1 || x.Runs[0].Length() < time.Millisecond {
		t.Errorf("truncated %v, runs %v", x.Truncated, x.Runs)
	}
	free(t)
}

func TestGoexitGoesOnAndIsRecorded(t *testing.T) {
	r := start(t, capture.Options{Allocs: true})
	var after bool
	var done sync.WaitGroup
	done.Go(func() {
		defer r.Stop()
		r.Do(func() { time.Sleep(time.Millisecond); runtime.Goexit() })
		after = true
	})
	done.Wait()
	if after {
		t.Error("the goroutine went on")
	}
	if x := read(t, r.Stop()); x.Truncated || len(x.Runs) != 1 {
		t.Errorf("truncated %v, runs %v", x.Truncated, x.Runs)
	}
	free(t)
}

func TestStopTwiceGivesTheSame(t *testing.T) {
	r := start(t, capture.Options{})
	r.Do(func() {})
	var captures [8]*capture.Capture
	var all sync.WaitGroup
	for i := range captures {
		all.Go(func() { captures[i] = r.Stop() })
	}
	all.Wait()
	for _, c := range captures {
		if c != captures[0] || c == nil {
			t.Errorf("%p and %p", c, captures[0])
		}
	}
	free(t)
}

func TestDoAfterStopOnlyCalls(t *testing.T) {
	r := start(t, capture.Options{})
	c := r.Stop()
	called := false
	r.Do(func() { called = true })
	if !called {
		t.Error("the function was not called")
	}
	if !c.Began.IsZero() {
		t.Errorf("the recording began at %v", c.Began)
	}
	if _, _, err := c.Read(); err == nil || !strings.HasPrefix(err.Error(), "capture: nothing was recorded: ") {
		t.Errorf("read without a run: %v", err)
	}
}

func TestStopInTheMiddleGivesWhatThereIs(t *testing.T) {
	r := start(t, capture.Options{})
	entered, leave := make(chan struct{}), make(chan struct{})
	var run sync.WaitGroup
	run.Go(func() { r.Do(func() { close(entered); <-leave }) })
	<-entered
	c := r.Stop()
	close(leave)
	run.Wait()
	if x := read(t, c); !x.Truncated || len(x.Runs) != 1 {
		t.Errorf("truncated %v, %d runs", x.Truncated, len(x.Runs))
	}
}

func TestTheRegionCannotBeGuessed(t *testing.T) {
	one := start(t, capture.Options{}).Stop().Region
	two := start(t, capture.Options{}).Stop().Region
	if form := regexp.MustCompile(`^heeler [0-9a-f]{16}$`); !form.MatchString(one) || one == two {
		t.Errorf("%q and %q", one, two)
	}
}

func TestATraceThatCannotBeReadIsStillThere(t *testing.T) {
	r := start(t, capture.Options{})
	r.Do(func() {})
	c := r.Stop()
	c.Trace = append([]byte("go 1.99 trace\x00\x00\x00"), c.Trace[16:]...)
	if _, _, err := c.Read(); err == nil {
		t.Error("a trace of Go 1.99 was read")
	}
	if len(c.Trace) < 100 {
		t.Errorf("%d bytes of trace", len(c.Trace))
	}
}

func TestANegativeMaxTraceIsRefused(t *testing.T) {
	o := capture.Options{MaxTrace: -1}
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "MaxTrace is -1") {
		t.Errorf("Validate: %v", err)
	}
	if _, err := capture.Start(context.Background(), o); err == nil {
		t.Error("Start: no error")
	}
	free(t)
}

func TestWhatRecordedNothingSaysSo(t *testing.T) {
	r, err := capture.Start(t.Context(), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Stop().Read(); err == nil || !strings.Contains(err.Error(), "Do was not called") {
		t.Errorf("the error is %v", err)
	}
}
