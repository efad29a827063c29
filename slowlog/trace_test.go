package slowlog_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/slowlog"
)

// traced is a handler whose every request is reported, with a trace or a word
// on why there is none but the pace.
func traced(t *testing.T, w *slowlog.Watch) (slow func() alert.Alert) {
	w, b := belled(t, w)
	t.Cleanup(func() { w.Close() })
	var a alert.Alert
	h := w.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { a = b.rung(t) }))
	return func() alert.Alert {
		for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			visit(h, "GET", "/")
			if !strings.Contains(a.Text, "no trace: the last one was written just before") {
				return a
			}
			rested(t)
		}
		t.Error("the next trace does not come")
		return a
	}
}

func TestTraceAttachesTheLastSecondsForGoToolTrace(t *testing.T) {
	w := &slowlog.Watch{Trace: true}
	a := traced(t, w)()
	r := the(t, w)
	equal(t, "problem", r.Problem, "")
	if !bytes.HasPrefix(r.Trace, []byte("go 1.")) {
		t.Errorf("the trace begins with %q", r.Trace[:min(16, len(r.Trace))])
	}
	if len(a.Files) != 1 || a.Files[0].Name != "request.trace" || !bytes.Equal(a.Files[0].Data, r.Trace) {
		t.Fatalf("files of the alert: %d", len(a.Files))
	}
	if text := r.Text(); strings.Contains(text, "go 1.") {
		t.Error("the trace is in the text")
	}
	file := filepath.Join(t.TempDir(), "request.trace")
	if err := os.WriteFile(file, r.Trace, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command to read the trace with")
	}
	out, err := exec.Command("go", "tool", "trace", "-d=parsed", file).CombinedOutput()
	if err != nil {
		t.Fatalf("go tool trace: %v\n%s", err, out)
	}
	contains(t, string(out), "slowlog_test.traced")
}

func TestOnlyTheReportsOfTheLatestSweepKeepTheirTrace(t *testing.T) {
	w := &slowlog.Watch{Trace: true}
	slow := traced(t, w)
	slow()
	slow()
	with := 0
	reports := w.Recent()
	for _, r := range reports {
		if len(r.Trace) > 0 {
			with++
		}
	}
	if len(reports) < 2 || len(reports[0].Trace) == 0 || with != 1 {
		t.Errorf("%d of %d reports have a trace; the newest one alone should", with, len(reports))
	}
}

func TestATraceThatWouldFollowTooSoonIsLeftOut(t *testing.T) {
	w, b := belled(t, &slowlog.Watch{Trace: true, After: 100 * time.Microsecond})
	defer w.Close()
	left := false
	h := w.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if a := b.rung(t); len(a.Files) == 0 {
			left = true
			contains(t, a.Text, "no trace: the last one was written just before")
		}
	}))
	for i := 0; i < 200 && !left; i++ {
		visit(h, "GET", "/")
	}
	if !left {
		t.Error("every report has a trace")
	}
}

func TestASecondRecorderInTheProcessIsAProblemThatReportsName(t *testing.T) {
	other := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	w := &slowlog.Watch{Trace: true}
	a := traced(t, w)()
	r := the(t, w)
	contains(t, r.Problem, "no trace: ", "flight recorder")
	contains(t, a.Text, "problem:    no trace: ")
	equal(t, "files", len(a.Files), 0)
	equal(t, "stacks", len(r.Stacks), 1)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if !other.Enabled() {
		t.Error("Close has stopped somebody else's recorder")
	}
}

func TestCloseEndsTheRecorder(t *testing.T) {
	w := &slowlog.Watch{Trace: true}
	slow := traced(t, w)
	slow()
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	other := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	if err := other.Start(); err != nil {
		t.Errorf("the recorder is still there: %v", err)
	}
	other.Stop()
	slow()
	contains(t, w.Recent()[0].Problem, "no trace: the flight recorder was stopped by Close")
}

func TestARequestThatGoesOnHoldsNoTrace(t *testing.T) {
	// Its reports do, while they are kept and there are none with a later one.
	for name, keep := range map[string]int{"none are kept": -1, "one is kept": 1} {
		t.Run(name, func(t *testing.T) {
			w, b := belled(t, &slowlog.Watch{Trace: true, Keep: keep, After: 50 * time.Millisecond})
			defer w.Close()
			release := make(chan struct{})
			var all sync.WaitGroup
			h := w.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
			serve := func() { all.Go(func() { visit(h, "GET", "/") }) }
			serve()
			serve() // together with the first, in one sweep
			collected := make(chan struct{})
			watchFor(&b.rung(t).Files[0].Data[0], collected)
			b.rung(t)
			serve()
			for len(b.rung(t).Files) == 0 { // until the pace allows a second trace
				time.Sleep(50 * time.Millisecond)
				serve()
			}
			if !within(collected, 10*time.Second) {
				t.Error("the trace of the first sweep is still in memory")
			}
			close(release)
			all.Wait()
		})
	}
}

// watchFor closes collected when the garbage collector has taken p.
func watchFor(p *byte, collected chan struct{}) {
	runtime.SetFinalizer(p, func(*byte) { close(collected) })
}

// within collects garbage until c is closed.
func within(c chan struct{}, limit time.Duration) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		select {
		case <-c:
			return true
		default:
		}
	}
	return false
}
