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

// outlived names the goroutines that were started and did not end, but for those that a pool keeps.
func outlived(goroutines []*exectrace.Goroutine) (names []string) {
	counts := map[string]int{}
	for _, g := range goroutines {
		if g.Ended || g.Parent == 0 || stacks.PoolOf(g.Func) != "" {
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
