package exectrace_test

import (
	"context"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/profile/exectrace"
)

// on the path, how long was spent in each state.
func onPath(x *exectrace.Execution) map[exectrace.State]time.Duration {
	spent := map[exectrace.State]time.Duration{}
	for _, s := range x.Path() {
		spent[s.State] += s.Length()
	}
	return spent
}

func TestThePathGoesThroughThoseThatStartedTheOneThatWasWaitedFor(t *testing.T) {
	x := execution(t, func() {
		done := make(chan bool)
		go func() {
			time.Sleep(20 * time.Millisecond)
			go func() {
				go func() { time.Sleep(10 * time.Millisecond); done <- true }()
			}()
		}()
		<-done
	})
	if spent := onPath(x); spent[exectrace.Sleep] < 30*time.Millisecond || spent[exectrace.Channel] > 3*time.Millisecond {
		t.Errorf("the path is %v; want 30ms of sleep", spent)
	}
}

func TestACoroutineBelongsToWhoPullsFromIt(t *testing.T) {
	x := execution(t, func() {
		next, stop := iter.Pull(numbers)
		defer stop()
		for _, more := next(); more; _, more = next() {
			napping()
		}
	})
	if len(x.Goroutines) != 2 || !strings.HasSuffix(x.Goroutines[1].Func, "exectrace_test.numbers") {
		t.Fatalf("%d goroutines, the last %q; want a second one for numbers", len(x.Goroutines), x.Goroutines[len(x.Goroutines)-1].Func)
	}
	for _, i := range x.Goroutines[0].Intervals {
		if i.State == exectrace.Waiting && on(i.Stack, "napping") {
			t.Errorf("it waits for the coroutine %v in napping", i.Length())
		}
	}
	spent := onPath(x)
	if spent[exectrace.Running] < 8*time.Millisecond || spent[exectrace.Waiting] > spent[exectrace.Running]/2 {
		t.Errorf("the path is %v; want 9ms running, in the coroutine", spent)
	}
}

func numbers(yield func(int) bool) {
	for n := range 3 {
		napping()
		if burn(); !yield(n) {
			return
		}
	}
}

func TestACallThatAnotherGoroutineEndsIsOverThenOnThePathToo(t *testing.T) {
	x := execution(t, func() {
		rec := &request.Record{Context: context.Background()}
		call := &request.Call{Backend: "mysql", Start: deadline.Now()}
		rec.Begin(call)
		done := make(chan bool)
		go func() {
			time.Sleep(10 * time.Millisecond)
			call.End(0, request.Done)
			time.Sleep(10 * time.Millisecond)
			done <- true
		}()
		<-done
	})
	for _, s := range x.Path() {
		if s.Call != nil && s.To > s.Call.To {
			t.Errorf("a step to %v is in a call that ended at %v", s.To, s.Call.To)
		}
	}
}

func TestManyCallsInsideOneAndManyRunsAreWalkedInTime(t *testing.T) {
	const n = 30_000
	g := &exectrace.Goroutine{ID: 1, Span: exectrace.Span{To: 2 * n}}
	calls := &exectrace.Execution{
		Runs:       []exectrace.Run{{Span: g.Span, Goroutine: 1}},
		Goroutines: []*exectrace.Goroutine{g},
		Calls:      []exectrace.Call{{Span: g.Span, Goroutine: 1, Backend: "outer"}},
	}
	runs := &exectrace.Execution{}
	for i := range time.Duration(n) {
		in := exectrace.Interval{Span: exectrace.Span{From: 2 * i, To: 2*i + 2}}
		g.Intervals = append(g.Intervals, in)
		calls.Calls = append(calls.Calls, exectrace.Call{Span: exectrace.Span{From: 2 * i, To: 2*i + 1}, Goroutine: 1, Backend: "inner"})
		runs.Runs = append(runs.Runs, exectrace.Run{Span: in.Span, Goroutine: 1})
		runs.Goroutines = append(runs.Goroutines, &exectrace.Goroutine{ID: 1, Span: in.Span, Intervals: []exectrace.Interval{in}})
	}
	start := time.Now()
	path := calls.Path()
	if len(path) != 2*n || path[2].Call.Backend != "inner" || path[3].Call.Backend != "outer" {
		t.Errorf("%d steps, the third in %+v; want %d, each second one in the outer call", len(path), path[2].Call, 2*n)
	}
	if got := len(runs.Path()); got != n {
		t.Errorf("%d steps, want %d", got, n)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestThoseWhoWaitForEachOtherAreNotFollowedForEver(t *testing.T) {
	span := exectrace.Span{To: 10}
	waits := func(id, waker int64) *exectrace.Goroutine {
		wait := exectrace.Interval{Span: span, State: exectrace.Channel, Waker: &exectrace.Waker{ID: waker, Own: true}}
		return &exectrace.Goroutine{ID: id, Span: span, Intervals: []exectrace.Interval{wait}}
	}
	x := &exectrace.Execution{
		Runs:       []exectrace.Run{{Span: span, Goroutine: 1}},
		Goroutines: []*exectrace.Goroutine{waits(1, 2), waits(2, 3), waits(3, 2)},
	}
	if path := x.Path(); len(path) != 1 || path[0].Goroutine != 3 || path[0].Span != span {
		t.Errorf("the path is %+v; want the wait of 3", path)
	}
}
