package summary

import (
	"fmt"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
)

const (
	maxSaid  = 4  // shares in a sentence
	enough   = 90 // percent of the time that a sentence need not go beyond
	maxLoops = 2  // backends of which it is said that a loop calls them
)

// sentence says what took how long. That is one sentence, without a full stop, unless there is more to say.
func (t *teller) sentence(res *result.Result, x *exectrace.Execution) string {
	all := []string{length(x.Runs) + spent(res.Shares, res.Took)}
	for _, b := range res.Backends {
		if said := repeats(b, max(1, len(x.Runs))); said != "" && len(all) <= maxLoops {
			all = append(all, said)
		}
	}
	if panics, first := panics(res.Runs); panics > 0 {
		who := "It"
		if len(res.Runs) > 1 {
			who = fmt.Sprintf("%d of them", panics)
		}
		all = append(all, who+" panicked: "+alert.OneLine(t.secrets.Text(first), maxPanic))
	}
	if x.Truncated {
		all = append(all, "The trace ended before the request did")
	}
	if len(all) == 1 {
		return all[0]
	}
	return strings.Join(all, ". ") + "."
}

// length says how long the runs took.
func length(runs []exectrace.Run) string {
	if len(runs) == 0 {
		return duration(0)
	}
	shortest, longest, sum := runs[0].Length(), runs[0].Length(), time.Duration(0)
	for _, r := range runs {
		shortest, longest, sum = min(shortest, r.Length()), max(longest, r.Length()), sum+r.Length()
	}
	if len(runs) == 1 {
		return duration(sum)
	}
	figures, unit := figures(sum / time.Duration(len(runs)))
	return fmt.Sprintf("%d runs, %s %s each (%s)", len(runs), figures, unit, span(shortest, longest, unit))
}

// spent names the shares that make up most of the time.
func spent(shares []result.Share, took time.Duration) string {
	if took <= 0 {
		return ""
	}
	var times []time.Duration
	var sum time.Duration
	for _, s := range shares {
		if len(times) == maxSaid || 100*sum >= enough*took || 100*s.Time < took {
			break
		}
		times = append(times, s.Time)
		sum += s.Time
	}
	if len(times) == 0 {
		return ", and nothing took 1 % of it"
	}
	said := make([]string, len(times))
	for i, p := range percents(times, took) {
		said[i] = fmt.Sprintf("%d %% %s", p, shares[i].What)
	}
	return ": " + strings.Join(said, ", ")
}

// repeats says of a backend that a loop seems to call it; nothing if none does.
func repeats(b result.Backend, runs int) string {
	s, ok := most(b, runs)
	if !ok || s.Calls < result.Repeated {
		return ""
	}
	return fmt.Sprintf("%s: %d calls%s, the same statement %d times", b.Name, b.Calls/runs, each(runs), s.Calls)
}

// each follows a figure that is one run's of several.
func each(runs int) string {
	if runs > 1 {
		return " a run"
	}
	return ""
}

// panics are how many runs ended in one, and what the first one of those said.
func panics(runs []result.Run) (n int, first string) {
	for _, r := range runs {
		if r.Panic == "" {
			continue
		}
		if n++; n == 1 {
			first = r.Panic
		}
	}
	return n, first
}
