package capture_test

import (
	"io"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/capture"
)

// kept keeps what is allocated on the heap.
var kept any

//go:noinline
func allocate(n int) {
	for range n {
		kept = new([1024]byte)
	}
}

//go:noinline
func allocateDeep(depth int) {
	if depth == 0 {
		allocate(1)
		return
	}
	allocateDeep(depth - 1)
	runtime.KeepAlive(depth) // not a tail call
}

//go:noinline
func allocateTwice(n int) {
	allocate(n)
	allocate(n)
}

// allocated is how many objects of 1024 bytes the function allocated itself, and how many bytes that was.
// The runtime may allocate a few small ones of its own on the way.
func allocated(p *profile.Profile, function string) (objects, bytes int64) {
	for _, s := range p.Sample {
		if slices.Equal(s.NumLabel["bytes"], []int64{1024}) && strings.HasSuffix(s.Location[0].Line[0].Function.Name, function) {
			objects += s.Value[0]
			bytes += s.Value[1]
		}
	}
	return objects, bytes
}

// recordAllocs records what f allocates.
func recordAllocs(t *testing.T, f func()) *profile.Profile {
	t.Helper()
	r := start(t, capture.Options{Allocs: true})
	r.Do(f)
	c := r.Stop()
	for _, problem := range c.Problems {
		t.Error(problem)
	}
	if c.Allocs == nil {
		t.Fatal("there are no allocations")
	}
	if err := c.Allocs.CheckValid(); err != nil {
		t.Error(err)
	}
	return c.Allocs
}

func TestAllocationsAreExact(t *testing.T) {
	for _, n := range []int{1, 3, 1000, 12345} {
		p := recordAllocs(t, func() { allocate(n) })
		if objects, bytes := allocated(p, "capture_test.allocate"); objects != int64(n) || bytes != int64(n)*1024 {
			t.Errorf("%d objects, %d bytes, want %d of 1024 bytes", objects, bytes, n)
		}
	}
}

func TestNothingAllocatedIsNothing(t *testing.T) {
	if p := recordAllocs(t, func() {}); len(p.Sample) != 0 {
		t.Errorf("a function that does nothing has allocated: %v", p)
	}
}

func TestEveryRunCounts(t *testing.T) {
	r := start(t, capture.Options{Allocs: true})
	r.Do(func() { allocateTwice(5) })
	r.Do(func() { allocateTwice(5) })
	if objects, _ := allocated(r.Stop().Allocs, "capture_test.allocate"); objects != 20 {
		t.Errorf("%d objects, want 20", objects)
	}
}

func TestWhatEarlierRecordingsAllocatedDoesNotCount(t *testing.T) {
	f := func() { allocate(7) }
	for range 2 {
		if objects, _ := allocated(recordAllocs(t, f), "capture_test.allocate"); objects != 7 {
			t.Errorf("%d objects, want 7", objects)
		}
	}
}

func TestStrangersAndChildrenDoNotCount(t *testing.T) {
	quit := make(chan struct{})
	var strangers sync.WaitGroup
	for range 4 {
		strangers.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
					_ = strings.Repeat("x", 1000)
				}
			}
		})
	}
	p := recordAllocs(t, func() {
		allocate(100)
		var child sync.WaitGroup
		child.Go(func() { allocateTwice(50) })
		child.Wait()
	})
	close(quit)
	strangers.Wait()
	if objects, _ := allocated(p, "capture_test.allocate"); objects != 100 {
		t.Errorf("%d objects, want 100", objects)
	}
	if objects, _ := allocated(p, "strings.Repeat"); objects != 0 {
		t.Errorf("%d objects of strangers", objects)
	}
}

func TestStacksTooDeepForTheRuntimeAreMissing(t *testing.T) {
	p := recordAllocs(t, func() { allocateDeep(100) })
	if objects, _ := allocated(p, "capture_test.allocate"); objects != 1 {
		t.Errorf("%d objects at 100 frames, want 1", objects)
	}
	p = recordAllocs(t, func() { allocateDeep(200) })
	if objects, _ := allocated(p, "capture_test.allocate"); objects != 0 {
		t.Errorf("%d objects at 200 frames: the documentation says that there are none", objects)
	}
}

func TestTheRateIsRestored(t *testing.T) {
	usual := runtime.MemProfileRate
	defer func() { runtime.MemProfileRate = usual }()
	for _, c := range []struct {
		name string
		rate int
		f    func()
	}{
		{"return", usual, func() {}},
		{"panic", usual, func() { panic("x") }},
		{"Goexit", usual, runtime.Goexit},
		{"profiling is off", 0, func() {}},
		{"everything is profiled", 1, func() {}},
		{"another rate", 12345, func() { panic("x") }},
	} {
		runtime.MemProfileRate = c.rate
		r := start(t, capture.Options{Allocs: true})
		if runtime.MemProfileRate != 1 {
			t.Errorf("%s: the rate is %d during the recording", c.name, runtime.MemProfileRate)
		}
		var done sync.WaitGroup
		done.Go(func() {
			defer func() { recover() }()
			defer r.Stop()
			r.Do(func() { allocate(10); c.f() })
		})
		done.Wait()
		p := r.Stop().Allocs
		if runtime.MemProfileRate != c.rate {
			t.Errorf("%s: the rate is %d, want %d", c.name, runtime.MemProfileRate, c.rate)
		}
		if objects, _ := allocated(p, "capture_test.allocate"); objects != 10 {
			t.Errorf("%s: %d objects, want 10", c.name, objects)
		}
	}
}

func TestARateThatTheProgramSetsMeanwhileStays(t *testing.T) {
	usual := runtime.MemProfileRate
	defer func() { runtime.MemProfileRate = usual }()
	r := start(t, capture.Options{Allocs: true})
	runtime.MemProfileRate = 4096
	c := r.Stop()
	if runtime.MemProfileRate != 4096 {
		t.Errorf("the rate is %d", runtime.MemProfileRate)
	}
	if len(c.Problems) != 1 || !strings.Contains(c.Problems[0], "allocations are missing") {
		t.Errorf("the problems are %q", c.Problems)
	}
}

func TestWithoutAllocsTheRateStays(t *testing.T) {
	usual := runtime.MemProfileRate
	r := start(t, capture.Options{})
	if runtime.MemProfileRate != usual {
		t.Errorf("the rate is %d during the recording", runtime.MemProfileRate)
	}
	if c := r.Stop(); c.Allocs != nil {
		t.Error("there are allocations")
	}
}

func TestAHeapProfileAtTheSameTimeIsNoRace(t *testing.T) {
	quit := make(chan struct{})
	var other sync.WaitGroup
	other.Go(func() {
		for {
			select {
			case <-quit:
				return
			default:
				pprof.Lookup("heap").WriteTo(io.Discard, 0)
			}
		}
	})
	recordAllocs(t, func() { allocate(1) })
	close(quit)
	other.Wait()
}

func TestTheProfileHasTheAllocationsAsSampleTypes(t *testing.T) {
	r := start(t, capture.Options{Allocs: true})
	r.Do(func() { allocate(42) })
	c := r.Stop()
	_, p, err := c.Read()
	if err != nil {
		t.Fatal(err)
	}
	n := len(p.SampleType)
	if p.SampleType[n-2].Type != "alloc_objects" || p.SampleType[n-1].Type != "alloc_space" || p.DefaultSampleType != "wall" {
		t.Fatalf("sample types %v, default %s", p.SampleType, p.DefaultSampleType)
	}
	var wall, objects, bytes int64
	for _, s := range p.Sample {
		wall += s.Value[0]
		objects += s.Value[n-2]
		bytes += s.Value[n-1]
	}
	if wall <= 0 || objects < 42 || bytes < 42*1024 {
		t.Errorf("%d ns, %d objects, %d bytes", wall, objects, bytes)
	}
	if c.Allocs.SampleType[0].Type != "alloc_objects" || len(c.Allocs.Sample[0].Value) != 2 {
		t.Error("Read has changed the capture")
	}
}
