package summary

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
)

const (
	// sampled is a time on processors in which the CPU profiler, which looks every 10 ms, would have seen
	// something.
	sampled = 100 * time.Millisecond
	// handover is how long before the end a goroutine may have said that it is done, and still have to leave its
	// processor.
	handover = time.Millisecond
	// maxNamed is how many goroutines a problem names.
	maxNamed = 3
)

// problems are what the execution lacks, each a sentence. What is known already is not said again.
func problems(res *result.Result, x *exectrace.Execution) (list []string) {
	if x.Truncated {
		list = append(list, "The trace ended before the request did: what came after is missing.")
	}
	if n := len(x.Runs); n < len(res.Runs) {
		list = append(list, fmt.Sprintf("The trace has %d of the %d runs.", n, len(res.Runs)))
	}
	if names := outlived(x.Goroutines); len(names) > 0 && !x.Truncated {
		list = append(list, fmt.Sprintf("Goroutines that the request started went on after it, and what they did then is missing: %s.", strings.Join(names, ", ")))
	}
	told := slices.ContainsFunc(res.Problems, func(p string) bool { return strings.Contains(p, "CPU profiler") })
	if ran := running(x.Goroutines); len(x.Samples) == 0 && ran >= sampled && !told {
		list = append(list, fmt.Sprintf("The CPU profiler took no samples: of the %s on processors it is only known between which waits they were.", duration(ran)))
	}
	return list
}

// outlived names the goroutines that were started and did not end, but for those that a pool keeps, and those
// that were done.
func outlived(goroutines []*exectrace.Goroutine) (names []string) {
	counts := map[string]int{}
	woke, joined := handedOver(goroutines)
	for _, g := range goroutines {
		if g.Ended || g.Parent == 0 || stacks.PoolOf(g.Func) != "" {
			continue
		}
		if (woke[g.ID] || joined[g.By]) && goes(g.Intervals) {
			continue
		}
		name := function(g.Func)
		if counts[name]++; counts[name] == 1 {
			names = append(names, name)
		}
	}
	for i, name := range names {
		if n := counts[name]; n > 1 {
			names[i] = fmt.Sprintf("%d × %s", n, name)
		}
	}
	if more := len(names) - maxNamed; more > 0 {
		names = append(names[:maxNamed], fmt.Sprintf("%d more", more))
	}
	return names
}

// handedOver finds who woke one of the goroutines just before the end, and where those were started that a
// WaitGroup had been waited for until then: whoever woke the waiter was the last of them.
func handedOver(goroutines []*exectrace.Goroutine) (woke map[int64]bool, joined map[*exectrace.Stack]bool) {
	woke, joined = map[int64]bool{}, map[*exectrace.Stack]bool{}
	started := map[int64]*exectrace.Stack{}
	var end time.Duration
	for _, g := range goroutines {
		started[g.ID] = g.By
		end = max(end, g.To)
	}
	for _, g := range goroutines {
		for _, i := range slices.Backward(g.Intervals) {
			if i.To < end-handover {
				break
			}
			if i.Waker == nil || !i.Waker.Own {
				continue
			}
			woke[i.Waker.ID] = true
			if by := started[i.Waker.ID]; by != nil && waitsForGroup(i.Stack) {
				joined[by] = true
			}
		}
	}
	return woke, joined
}

func waitsForGroup(s *exectrace.Stack) bool {
	return s != nil && slices.ContainsFunc(s.Frames, func(f exectrace.Frame) bool { return f.Func == "sync.(*WaitGroup).Wait" })
}

// goes says whether a goroutine has a processor at last, or has only to get one.
func goes(intervals []exectrace.Interval) bool {
	if len(intervals) == 0 {
		return false
	}
	last := intervals[len(intervals)-1].State
	return last == exectrace.Running || last == exectrace.Assist || last == exectrace.Runnable
}

// running is how long the goroutines were on processors.
func running(goroutines []*exectrace.Goroutine) (sum time.Duration) {
	for _, g := range goroutines {
		sum += busy(g)
	}
	return sum
}

func busy(g *exectrace.Goroutine) (sum time.Duration) {
	for i := range g.Intervals {
		if s := g.Intervals[i].State; s == exectrace.Running || s == exectrace.Assist {
			sum += g.Intervals[i].Length()
		}
	}
	return sum
}
