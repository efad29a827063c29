package capture_test

import (
	"bytes"
	"io"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/capture"
	"github.com/heeler-go/heeler/profile/exectrace"
)

// few are samples enough to know that the profiler was on: of the 30 that it takes in 300 ms, a busy machine
// has left 4.
const few = 2

//go:noinline
func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

// spun is how many of the samples saw spin.
func spun(x *exectrace.Execution) (samples int) {
	for _, s := range x.Samples {
		if s.Stack == nil {
			continue
		}
		for _, f := range s.Stack.Frames {
			if strings.HasSuffix(f.Func, "capture_test.spin") {
				samples++
				break
			}
		}
	}
	return samples
}

func TestCPUSamplesAreInTheTrace(t *testing.T) {
	r := start(t, capture.Options{})
	r.Do(func() { spin(300 * time.Millisecond) })
	x := read(t, r.Stop())
	if n := spun(x); n < few {
		t.Errorf("%d samples in 300 ms, want about 30", n)
	}
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Error(err)
	}
	pprof.StopCPUProfile()
}

func TestAStrangerWithTheCPUProfilerIsSaidAndKeepsIt(t *testing.T) {
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		t.Fatal(err)
	}
	r := start(t, capture.Options{})
	r.Do(func() { spin(300 * time.Millisecond) })
	c := r.Stop()
	pprof.StopCPUProfile()
	if len(c.Problems) != 1 || !strings.Contains(c.Problems[0], "CPU profiler was held by something else") {
		t.Errorf("the problems are %q", c.Problems)
	}
	x, _, err := c.Read()
	if err != nil {
		t.Fatal(err)
	}
	if n := spun(x); n < few {
		t.Errorf("%d samples rode in the trace, want about 30", n)
	}
	p, err := profile.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	if n := counted(p); n < few {
		t.Errorf("the stranger's profile has %d samples, want about 30", n)
	}
}

// counted is how many samples a CPU profile has of spin.
func counted(p *profile.Profile) (samples int64) {
	for _, s := range p.Sample {
		for _, l := range s.Location {
			if strings.HasSuffix(l.Line[0].Function.Name, "capture_test.spin") {
				samples += s.Value[0]
				break
			}
		}
	}
	return samples
}

func TestAStrangerWhoStopsTheCPUProfilerIsAProblem(t *testing.T) {
	r := start(t, capture.Options{})
	r.Do(func() {
		_ = pprof.StartCPUProfile(io.Discard) // fails
		pprof.StopCPUProfile()
	})
	c := r.Stop()
	if len(c.Problems) != 1 || !strings.Contains(c.Problems[0], "has stopped the CPU profiler") {
		t.Errorf("the problems are %q", c.Problems)
	}
	free(t)
}
