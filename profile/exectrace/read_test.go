package exectrace_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/profile/exectrace"
)

func grandchild(wg *sync.WaitGroup) {
	time.Sleep(5 * time.Millisecond)
	wg.Done()
}

func child(wg *sync.WaitGroup) {
	go grandchild(wg)
	time.Sleep(10 * time.Millisecond)
	wg.Done()
}

func TestChildrenAndTheirChildrenBelongToIt(t *testing.T) {
	x := execution(t, func() {
		var wg sync.WaitGroup
		wg.Add(2)
		go child(&wg)
		wg.Wait()
		napping() // until they are gone
	})
	if len(x.Goroutines) != 3 {
		t.Fatalf("%d goroutines, want 3", len(x.Goroutines))
	}
	own, first, second := x.Goroutines[0], x.Goroutines[1], x.Goroutines[2]
	if own.Parent != 0 || own.By != nil || first.Parent != own.ID || second.Parent != first.ID {
		t.Errorf("parents are %d, %d, %d of %d, %d, %d", own.Parent, first.Parent, second.Parent, own.ID, first.ID, second.ID)
	}
	for _, g := range []*exectrace.Goroutine{first, second} {
		if !strings.HasSuffix(g.Func, "child") || !g.Ended || g.To <= g.From {
			t.Errorf("%+v", g.Func)
		}
	}
	if !on(second.By, "exectrace_test.child") {
		t.Errorf("the second was started by %v, want child", second.By)
	}
}

func TestAGoroutineIsNamedAfterItsWorkNotAfterWhoStartsIt(t *testing.T) {
	x := execution(t, func() {
		var wg sync.WaitGroup
		wg.Go(func() { napping() })
		wg.Wait()
	})
	if name := x.Goroutines[1].Func; !strings.Contains(name, "TestAGoroutineIsNamed") {
		t.Errorf("the goroutine is %q", name)
	}
}

//go:noinline
func napping() { time.Sleep(time.Millisecond) }

func TestWhatWasThereBeforeDoesNotBelongToIt(t *testing.T) {
	asked, answers := make(chan int), make(chan int)
	go func() { // a pool
		for n := range asked {
			time.Sleep(20 * time.Millisecond)
			go func() { answers <- n }()
		}
	}()
	defer close(asked)
	x := execution(t, func() {
		asked <- 1
		<-answers
	})
	if len(x.Goroutines) != 1 {
		t.Fatalf("%d goroutines, want the one that entered the region", len(x.Goroutines))
	}
	wait := longest(x.Goroutines[0], exectrace.Channel)
	if wait.Length() < 20*time.Millisecond || wait.Waker == nil || wait.Waker.Own || !on(wait.Waker.Stack, "TestWhatWasThere") {
		t.Errorf("it waited %v, ended by %+v; want 20ms and the pool", wait.Length(), wait.Waker)
	}
}

func TestNothingBeforeAndAfterTheRegionCounts(t *testing.T) {
	started := make(chan bool)
	traced := taken(t, func() {
		time.Sleep(20 * time.Millisecond)
		go func() { started <- true; time.Sleep(time.Millisecond) }()
		<-started
		enter(func() { time.Sleep(3 * time.Millisecond) })
		time.Sleep(20 * time.Millisecond)
		go func() { started <- true }()
		<-started
	})
	x := read(t, traced)
	if len(x.Goroutines) != 1 || x.Runs[0].Length() > 15*time.Millisecond {
		t.Errorf("%d goroutines in %v; want one in 3ms", len(x.Goroutines), x.Runs[0].Length())
	}
}

func TestOneThatOutlivesTheRegionIsCutOffAtItsEnd(t *testing.T) {
	release, gone := make(chan bool), make(chan bool)
	traced := taken(t, func() {
		enter(func() {
			go func() { <-release; gone <- true }()
			time.Sleep(5 * time.Millisecond)
		})
		time.Sleep(5 * time.Millisecond)
		release <- true
		<-gone
		time.Sleep(time.Millisecond)
	})
	x := read(t, traced)
	if len(x.Goroutines) != 2 {
		t.Fatalf("%d goroutines, want 2", len(x.Goroutines))
	}
	if g := x.Goroutines[1]; g.Ended || g.To != x.Runs[0].To {
		t.Errorf("the child ended: %v, at %v; want it cut at %v", g.Ended, g.To, x.Runs[0].To)
	}
}

func TestARegionEnteredSeveralTimesHasSeveralRuns(t *testing.T) {
	x := read(t, taken(t, func() {
		for range 3 {
			enter(func() { time.Sleep(2 * time.Millisecond) })
			time.Sleep(4 * time.Millisecond)
		}
	}))
	if len(x.Runs) != 3 || len(x.Goroutines) != 3 {
		t.Fatalf("%d runs of %d goroutines, want 3 and 3", len(x.Runs), len(x.Goroutines))
	}
	for _, run := range x.Runs {
		if run.Length() < 2*time.Millisecond || run.Length() > 30*time.Millisecond {
			t.Errorf("a run took %v, want 2ms", run.Length())
		}
	}
}

func TestARegionInsideItselfIsOne(t *testing.T) {
	x := execution(t, func() {
		enter(napping)
		napping()
	})
	if len(x.Runs) != 1 || len(x.Goroutines) != 1 || x.Runs[0].Length() < 2*time.Millisecond {
		t.Errorf("%d runs of %d goroutines, the first %v", len(x.Runs), len(x.Goroutines), x.Runs[0].Length())
	}
}

func TestTheStacksBeginInsideTheRegion(t *testing.T) {
	x := execution(t, napping)
	frames := longest(x.Goroutines[0], exectrace.Sleep).Stack.Frames
	if first, last := frames[0].Func, frames[len(frames)-1].Func; first != "time.Sleep" || !strings.HasSuffix(last, ".napping") {
		t.Errorf("the stack is from %s to %s; want time.Sleep to napping", first, last)
	}
}

func TestThePathGoesThroughTheChildThatWasWaitedFor(t *testing.T) {
	x := execution(t, func() {
		done := make(chan bool)
		go func() { time.Sleep(10 * time.Millisecond); done <- true }()
		go func() {
			inner := make(chan bool)
			go func() { time.Sleep(30 * time.Millisecond); close(inner) }()
			<-inner
			done <- true
		}()
		<-done
		<-done
	})
	asleep := onPath(x)[exectrace.Sleep]
	other := x.Runs[0].Length() - asleep // the path is as long as the run
	if asleep < 29*time.Millisecond || other > asleep/2 {
		t.Errorf("on the path it slept %v and did something else for %v; want 30ms of sleep", asleep, other)
	}
}

func TestAWaitForALockStaysOneWhoeverHeldIt(t *testing.T) {
	x := execution(t, func() {
		var mu sync.Mutex
		held := make(chan bool)
		go func() { mu.Lock(); held <- true; time.Sleep(20 * time.Millisecond); mu.Unlock() }()
		<-held
		mu.Lock()
	})
	if locked := onPath(x)[exectrace.Lock]; locked < 18*time.Millisecond {
		t.Errorf("%v of the path are the lock's, want 20ms", locked)
	}
	if wait := longest(x.Goroutines[0], exectrace.Lock); wait.Waker == nil || !wait.Waker.Own {
		t.Errorf("the lock was given by %+v, want the child", wait.Waker)
	}
}

func TestCallsToBackendsAreFoundInTheTrace(t *testing.T) {
	took := map[string]time.Duration{}
	sleep := func(name string, d time.Duration) {
		start := time.Now()
		time.Sleep(d)
		took[name] = time.Since(start)
	}
	x := execution(t, func() {
		rec := &request.Record{Context: context.Background()}
		call := &request.Call{Backend: "mysql", Statement: "SELECT ?", Start: deadline.Now()}
		rec.Begin(call)
		sleep("mysql", 10*time.Millisecond)
		call.End(0, request.Done)
		sleep("", 5*time.Millisecond)
		open := &request.Call{Backend: "redis", Start: deadline.Now()}
		rec.Begin(open)
		var wg sync.WaitGroup
		wg.Go(func() { sleep("redis", 7*time.Millisecond) })
		wg.Wait()
	})
	if len(x.Calls) != 2 {
		t.Fatalf("%d calls, want 2", len(x.Calls))
	}
	if c := x.Calls[0]; c.Backend != "mysql" || c.Statement != "SELECT ?" || !c.Ended || c.Goroutine != x.Goroutines[0].ID {
		t.Errorf("the first is %+v", c)
	}
	if c := x.Calls[1]; c.Backend != "redis" || c.Ended || c.To != x.Runs[0].To {
		t.Errorf("the second is %+v", c)
	}
	waited := map[string]time.Duration{}
	for _, s := range x.Path() {
		if name := ""; s.State == exectrace.Sleep {
			if s.Call != nil {
				name = s.Call.Backend
			}
			waited[name] += s.Length()
		}
	}
	for name, least := range map[string]time.Duration{"mysql": 9 * time.Millisecond, "": 4 * time.Millisecond, "redis": 6 * time.Millisecond} {
		if waited[name] < least || waited[name] > took[name] {
			t.Errorf("asleep in a call to %q: %v, want from %v to %v", name, waited[name], least, took[name])
		}
	}
}

func TestLogsOfTheProgramThatLookLikeCallsDoNoHarm(t *testing.T) {
	x := execution(t, func() {
		for _, message := range []string{"", "x", "1", `1 "mysql`, `-1 "a" "b"`, `1 "a" "b" "c"`, strings.Repeat("9", 500), "\x00\xff"} {
			trace.Log(context.Background(), request.TraceCall, message)
			trace.Log(context.Background(), request.TraceDone, message)
		}
		trace.Log(context.Background(), request.TraceDone, "77")
	})
	if len(x.Calls) != 0 {
		t.Errorf("%d calls, want none: %+v", len(x.Calls), x.Calls)
	}
}

func TestSamplesTellWhatRan(t *testing.T) {
	var x *exectrace.Execution
	sampled(t, func() { x = execution(t, func() { spin(150 * time.Millisecond); time.Sleep(10 * time.Millisecond) }) })
	if len(x.Samples) < 3 {
		t.Skipf("%d samples only: the machine is too busy for the profiler's clock", len(x.Samples))
	}
	var inSpin, all time.Duration
	for _, i := range x.Goroutines[0].Intervals {
		if i.State == exectrace.Running {
			if all += i.Length(); on(i.Stack, "exectrace_test.spin") {
				inSpin += i.Length()
			}
		}
	}
	if inSpin < all*9/10 {
		t.Errorf("%v of %v on the processor were in spin, want nearly all", inSpin, all)
	}
}

func TestPausesOfTheWholeProgramAreShown(t *testing.T) {
	x := execution(t, runtime.GC)
	var stops, marks int
	for _, p := range x.Pauses {
		if p.To < p.From || p.From < 0 || p.To > x.Runs[0].To {
			t.Errorf("a pause is from %v to %v, in a run of %v", p.From, p.To, x.Runs[0].To)
		}
		if p.World {
			stops++
		} else if p.What == "GC concurrent mark phase" {
			marks++
		}
	}
	if stops < 2 || marks < 1 {
		t.Errorf("%d stops of the world and %d mark phases, want at least 2 and 1: %v", stops, marks, x.Pauses)
	}
	for _, g := range x.Goroutines[1:] {
		t.Errorf("%s is taken for a child", g.Func)
	}
}

var hoard [][]byte

func TestHelpForTheGarbageCollectorIsToldApart(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	defer func() { hoard = nil }()
	var helped time.Duration
	for range 20 {
		x := execution(t, func() {
			for n := range 2000 {
				hoard = append(hoard, bytes.Repeat([]byte{byte(n)}, 10_000))
			}
		})
		if hoard = nil; sums(x.Goroutines[0])[exectrace.Assist] > 0 {
			helped = sums(x.Goroutines[0])[exectrace.Assist]
			break
		}
	}
	if helped == 0 {
		t.Error("nobody helped the garbage collector, in 20 times")
	}
}

func TestATraceThatWasCutOffGivesWhatThereIs(t *testing.T) {
	traced := taken(t, func() {
		enter(func() {
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() { time.Sleep(time.Millisecond); runtime.Gosched() })
			}
			wg.Wait()
			time.Sleep(1200 * time.Millisecond) // another generation of the trace begins every second
		})
	})
	cut, none := 0, 0
	for n := 0; n < len(traced); n += 1 + len(traced)/400 {
		x, err := exectrace.Read(bytes.NewReader(traced[:n]), region)
		if err != nil {
			none++
			continue
		}
		if whole(t, x); x.Truncated {
			cut++
		}
	}
	if cut == 0 || none == 0 {
		t.Errorf("%d executions were truncated and %d not there; want some of both", cut, none)
	}
}

func TestWhoAsksForARegionThatNobodyEnteredIsTold(t *testing.T) {
	_, err := exectrace.Read(bytes.NewReader(taken(t, napping)), region)
	if err == nil || !strings.Contains(err.Error(), `"the region"`) {
		t.Errorf("the error is %v", err)
	}
	if _, err := exectrace.Read(strings.NewReader("this is no trace"), region); err == nil {
		t.Error("there is no error for what is no trace")
	}
}

func TestARequestThroughARealServerIsRead(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(30 * time.Millisecond)
		fmt.Fprint(w, "hello")
	}))
	defer backend.Close()
	x := execution(t, func() {
		resp, err := backend.Client().Get(backend.URL)
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
	})
	for _, g := range x.Goroutines {
		if strings.Contains(g.Func, "net/http.(*conn)") {
			t.Errorf("the server's goroutine %s is taken for a child", g.Func)
		}
	}
	if wait := longest(x.Goroutines[0], exectrace.Select); wait.Length() < 25*time.Millisecond {
		t.Errorf("it waited %v for the response, want 30ms", wait.Length())
	}
}

func TestWhatIsTooMuchIsReadUpToALimit(t *testing.T) {
	traced := taken(t, func() {
		enter(func() {
			for range 1000 {
				time.Sleep(time.Microsecond)
			}
		})
	})
	x, err := exectrace.ReadUpTo(bytes.NewReader(traced), region, 1000)
	if err != nil {
		t.Fatal(err)
	}
	whole(t, x)
	if n := len(x.Goroutines[0].Intervals); !x.Truncated || n < 1000 || n > 1010 {
		t.Errorf("%d intervals were read, to the end: %v; want a thousand, and that it says so", n, !x.Truncated)
	}
}
