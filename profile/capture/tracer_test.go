package capture_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"runtime/trace"
	"strings"
	"testing"
	"time"

	exptrace "golang.org/x/exp/trace"

	"github.com/heeler-go/heeler/profile/capture"
)

// hold has the tracer behind the package's back, until the function that it returns is called.
func hold(t *testing.T) (release func()) {
	t.Helper()
	if err := trace.Start(io.Discard); err != nil {
		t.Fatal(err)
	}
	return trace.Stop
}

func TestAStrangerWithTheTracerIsWaitedFor(t *testing.T) {
	release := hold(t)
	var told []string
	r, err := capture.Start(context.Background(), capture.Options{Waiting: func(before []string) {
		told = before
		release()
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.Do(func() {})
	read(t, r.Stop())
	if len(told) != 1 || !strings.Contains(told[0], "something else in this process") {
		t.Errorf("told %q", told)
	}
}

func TestAStrangerWhoKeepsTheTracerIsAnError(t *testing.T) {
	release := hold(t)
	var held *capture.HeldError
	err := capture.TryTracer(context.Background(), 100*time.Millisecond)
	release()
	if !errors.As(err, &held) || held.Waited < 100*time.Millisecond || held.Err == nil {
		t.Fatalf("the error is %v", err)
	}
	if !strings.HasPrefix(err.Error(), "capture: something else in this process has had the execution tracer for ") {
		t.Errorf("the error says %q", err)
	}
	free(t)
}

func TestTheWaitForAStrangerEndsWithTheContext(t *testing.T) {
	release := hold(t)
	ctx, cancel := context.WithCancel(context.Background())
	rate := runtime.MemProfileRate
	_, err := capture.Start(ctx, capture.Options{Allocs: true, Waiting: func([]string) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if runtime.MemProfileRate != rate {
		t.Errorf("the rate of the memory profile is %d, was %d", runtime.MemProfileRate, rate)
	}
	release()
	free(t)
}

func TestItWorksBesideAFlightRecorder(t *testing.T) {
	recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: time.Minute})
	if err := recorder.Start(); err != nil {
		t.Fatal(err)
	}
	defer recorder.Stop()
	for range 3 {
		r := start(t, capture.Options{})
		r.Do(func() { time.Sleep(time.Millisecond) })
		c := r.Stop()
		if x := read(t, c); len(x.Runs) != 1 || x.Truncated {
			t.Errorf("%d runs, truncated %v", len(x.Runs), x.Truncated)
		}
		readAll(t, c.Trace)
	}
	var b bytes.Buffer
	if _, err := recorder.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	readAll(t, b.Bytes())
}

func TestAFlightRecorderMayComeAndGoMeanwhile(t *testing.T) {
	r := start(t, capture.Options{})
	r.Do(func() {
		recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
		if err := recorder.Start(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Millisecond)
		recorder.Stop()
		time.Sleep(time.Millisecond)
	})
	if x := read(t, r.Stop()); x.Truncated || x.Runs[0].Length() < 2*time.Millisecond {
		t.Errorf("truncated %v, runs %v", x.Truncated, x.Runs)
	}
}

// readAll reads a trace to its end and returns how many events it has.
func readAll(t *testing.T, data []byte) (events int) {
	t.Helper()
	r, err := exptrace.NewReader(bytes.NewReader(data))
	for ; err == nil; events++ {
		_, err = r.ReadEvent()
	}
	if err != io.EOF {
		t.Errorf("after %d events: %v", events, err)
	}
	return events
}

// chatter makes many events.
func chatter(until func() bool) {
	c := make(chan int)
	go func() {
		for range c {
		}
	}()
	for !until() {
		c <- 1
	}
	close(c)
}

func TestATraceThatIsTooLargeEndsAndSaysSo(t *testing.T) {
	const most = 1 << 20
	r := start(t, capture.Options{MaxTrace: most})
	ended := false
	r.Do(func() {
		limit := time.Now().Add(20 * time.Second)
		chatter(func() bool { ended = !trace.IsEnabled(); return ended || time.Now().After(limit) })
	})
	if !ended {
		t.Error("the tracer went on")
	}
	// Somebody else may have the tracer then, and keeps it when the recording stops.
	release := hold(t)
	c := r.Stop()
	if !trace.IsEnabled() {
		t.Error("Stop has stopped somebody else's trace")
	}
	release()
	if len(c.Problems) != 1 || !strings.Contains(c.Problems[0], "too large") || !strings.Contains(c.Problems[0], "at 1") {
		t.Errorf("the problems are %q", c.Problems)
	}
	if len(c.Trace) < most || len(c.Trace) > 3*most {
		t.Errorf("%d bytes of trace, want about %d", len(c.Trace), most)
	}
	readAll(t, c.Trace)
	x, _, err := c.Read()
	if err != nil {
		t.Fatal(err)
	}
	if !x.Truncated || len(x.Runs) != 1 || x.Runs[0].Length() <= 0 {
		t.Errorf("truncated %v, runs %v", x.Truncated, x.Runs)
	}
	free(t)
}

func TestATraceThatIsTooLargeEndsBesideAFlightRecorder(t *testing.T) {
	recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	if err := recorder.Start(); err != nil {
		t.Fatal(err)
	}
	defer recorder.Stop()
	r := start(t, capture.Options{MaxTrace: 256 << 10})
	r.Do(func() {
		end := time.Now().Add(300 * time.Millisecond)
		chatter(func() bool { return time.Now().After(end) })
	})
	c := r.Stop()
	if len(c.Problems) != 1 || !strings.Contains(c.Problems[0], "too large") {
		t.Errorf("the problems are %q", c.Problems)
	}
	readAll(t, c.Trace)
	if !trace.IsEnabled() {
		t.Error("the flight recorder was stopped")
	}
}

func TestATraceThatComesInTooFastIsCutWhereItCanBeRead(t *testing.T) {
	tape := capture.NewTape(1 << 20)
	if err := tape.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1200 * time.Millisecond) // the runtime ends a part of a trace after a second
	end := time.Now().Add(500 * time.Millisecond)
	chatter(func() bool { return time.Now().After(end) })
	data, problem := tape.Take()
	if !strings.Contains(problem, "more came in before it could be ended") {
		t.Errorf("the problem is %q", problem)
	}
	if len(data) == 0 || len(data) > 1<<20 {
		t.Errorf("%d bytes of trace", len(data))
	}
	readAll(t, data)
}

func TestATraceWithEnoughBeforeTheTracerCanBeStoppedEnds(t *testing.T) {
	tape := capture.NewShortTape()
	tape.Write([]byte("the runtime writes the head while trace.Start goes on"))
	time.Sleep(10 * time.Millisecond) // for what would stop the tracer too early
	if err := tape.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); trace.IsEnabled() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if _, problem := tape.Take(); !strings.Contains(problem, "too large") {
		t.Errorf("the problem is %q", problem)
	}
	free(t)
}

func TestTheSmallestMaxTraceHarmsNobody(t *testing.T) {
	for range 20 {
		r := start(t, capture.Options{MaxTrace: 1})
		r.Do(func() {})
		readAll(t, r.Stop().Trace)
	}
	free(t)
}

func TestAStrangerWhoStopsTheTracerBesideAFlightRecorderIsAProblemAndTheRecorderStays(t *testing.T) {
	recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	if err := recorder.Start(); err != nil {
		t.Fatal(err)
	}
	defer recorder.Stop()
	r := start(t, capture.Options{})
	r.Do(trace.Stop)
	c := r.Stop()
	if len(c.Problems) != 1 || !strings.Contains(c.Problems[0], "has stopped the execution tracer") {
		t.Errorf("the problems are %q", c.Problems)
	}
	if !trace.IsEnabled() {
		t.Error("the flight recorder was stopped")
	}
}

func TestAStrangerWhoStopsTheTracerIsAProblem(t *testing.T) {
	r := start(t, capture.Options{})
	r.Do(trace.Stop)
	c := r.Stop()
	if len(c.Problems) != 1 || !strings.Contains(c.Problems[0], "has stopped the execution tracer") {
		t.Errorf("the problems are %q", c.Problems)
	}
	x, _, err := c.Read()
	if err != nil || !x.Truncated {
		t.Errorf("%+v, %v", x, err)
	}
	free(t)
}
