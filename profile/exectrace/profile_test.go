package exectrace_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/profile/exectrace"
)

func totals(p *profile.Profile) map[string]int64 {
	sum := map[string]int64{}
	for _, s := range p.Sample {
		for i, v := range s.Value {
			sum[p.SampleType[i].Type] += v
		}
	}
	return sum
}

func TestTheProfileHasAllTheTimeOfAllGoroutines(t *testing.T) {
	var x *exectrace.Execution
	sampled(t, func() {
		x = execution(t, func() {
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() { spin(20 * time.Millisecond); time.Sleep(5 * time.Millisecond) })
			}
			wg.Wait()
		})
	})
	p := x.Profile()
	got := totals(p)
	var wall, states int64
	for _, g := range x.Goroutines {
		wall += int64(g.Length())
	}
	for _, s := range exectrace.States() {
		states += got[s.String()]
	}
	if got["wall"] != wall || states != wall {
		t.Errorf("wall is %d and its parts are %d, want %d", got["wall"], states, wall)
	}
	if n := int64(len(x.Samples)); got["samples"] != n || got["cpu"] != n*10_000_000 {
		t.Errorf("%d samples and %d ns of cpu, want %d", got["samples"], got["cpu"], n)
	}
	if p.DefaultSampleType != "wall" || p.DurationNanos != int64(x.Runs[0].Length()) {
		t.Errorf("the default is %q, the duration %d", p.DefaultSampleType, p.DurationNanos)
	}
}

func TestSamplesBearTheirGoroutineTheirWakerAndTheirBackend(t *testing.T) {
	x := execution(t, func() {
		rec := &request.Record{Context: context.Background()}
		call := &request.Call{Backend: "mysql"}
		rec.Begin(call)
		c := make(chan int)
		go func() { time.Sleep(5 * time.Millisecond); c <- 1 }()
		<-c
		call.End(0, request.Done)
	})
	found := map[string]bool{}
	for _, s := range x.Profile().Sample {
		if s.Location[0].Line[0].Function.Name == "runtime.chanrecv1" && s.Value[0] > 4e6 {
			found["backend "+strings.Join(s.Label["backend"], ",")] = true
			found["goroutine "+strings.Split(strings.Join(s.Label["goroutine"], ","), " ")[0]] = true
			for _, waker := range s.Label["waker"] {
				found["waker "+strings.Split(waker, " ")[0]] = true
			}
		}
	}
	for _, want := range []string{"backend mysql", "goroutine request", "waker exectrace_test.TestSamplesBearTheirGoroutineTheirWakerAndTheirBackend.func1.1"} {
		if !found[want] {
			t.Errorf("no sample of the wait with %s; there is %v", want, found)
		}
	}
}

func TestGoToolPprofOpensTheProfile(t *testing.T) {
	x := execution(t, func() { time.Sleep(20 * time.Millisecond); spin(5 * time.Millisecond) })
	name := filepath.Join(t.TempDir(), "profile.pb.gz")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Profile().Write(f); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, args := range [][]string{{"-top"}, {"-tree", "-sample_index=sleep"}, {"-traces"}} {
		cmd := exec.Command("go", append(append([]string{"tool", "pprof"}, args...), name)...)
		cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "time.Sleep") {
			t.Errorf("go tool pprof %v: %v\n%s", args, err, out)
		}
	}
}
