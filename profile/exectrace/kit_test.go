package exectrace_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/exectrace"
)

const region = "the region"

// taken is the trace of what f does. f enters the region itself, if it wants to.
func taken(t testing.TB, f func()) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		t.Fatal(err)
	}
	defer trace.Stop()
	f()
	trace.Stop()
	return b.Bytes()
}

func enter(f func()) { trace.WithRegion(context.Background(), region, f) }

func read(t testing.TB, traced []byte) *exectrace.Execution {
	t.Helper()
	x, err := exectrace.Read(bytes.NewReader(traced), region)
	if err != nil {
		t.Fatal(err)
	}
	whole(t, x)
	return x
}

// execution is what f does in the region.
func execution(t testing.TB, f func()) *exectrace.Execution {
	t.Helper()
	return read(t, taken(t, func() { enter(f) }))
}

// sampled has the CPU profiler run while f does.
func sampled(t testing.TB, f func()) {
	t.Helper()
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Fatal(err)
	}
	defer pprof.StopCPUProfile()
	f()
}

// whole checks what holds for all executions.
func whole(t testing.TB, x *exectrace.Execution) {
	t.Helper()
	if len(x.Runs) == 0 || x.Runs[0].From != 0 {
		t.Fatalf("runs are %v; want the first to begin at 0", x.Runs)
	}
	known := map[int64]bool{}
	for _, g := range x.Goroutines {
		at := g.From
		for _, i := range g.Intervals {
			if i.From != at || i.To <= i.From {
				t.Fatalf("goroutine %d: the interval %v–%v comes after one that ends at %v", g.ID, i.From, i.To, at)
			}
			at = i.To
		}
		if at != g.To {
			t.Errorf("goroutine %d ends at %v, its last interval at %v", g.ID, g.To, at)
		}
		if g.Parent != 0 && !known[g.Parent] {
			t.Errorf("goroutine %d comes before %d, who started it", g.ID, g.Parent)
		}
		known[g.ID] = true
	}
	var taken, steps time.Duration
	for _, run := range x.Runs {
		taken += run.Length()
	}
	path := x.Path()
	for i, s := range path {
		if i > 0 && s.From < path[i-1].To {
			t.Errorf("the step at %v begins before the one before it ends, at %v", s.From, path[i-1].To)
		}
		steps += s.Length()
	}
	if steps != taken {
		t.Errorf("the steps take %v, the runs %v", steps, taken)
	}
	if err := x.Profile().CheckValid(); err != nil {
		t.Errorf("the profile is not valid: %v", err)
	}
}

// sums are how long a goroutine was in each state.
func sums(g *exectrace.Goroutine) map[exectrace.State]time.Duration {
	sums := map[exectrace.State]time.Duration{}
	for _, i := range g.Intervals {
		sums[i.State] += i.Length()
	}
	return sums
}

// longest is the longest interval in a state.
func longest(g *exectrace.Goroutine, s exectrace.State) (found exectrace.Interval) {
	for _, i := range g.Intervals {
		if i.State == s && i.Length() > found.Length() {
			found = i
		}
	}
	return found
}

// on says whether a function is on the stack.
func on(s *exectrace.Stack, name string) bool {
	if s == nil {
		return false
	}
	for _, f := range s.Frames {
		if strings.Contains(f.Func, name) {
			return true
		}
	}
	return false
}

func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

// serve has each connection served on a goroutine of its own, and gives the address.
func serve(t testing.TB, conn func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go conn(c)
		}
	}()
	return l.Addr().String()
}
