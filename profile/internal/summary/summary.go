// Package summary says of an execution what took how long: in a sentence, as shares of the time, and as a
// timeline of goroutines that is small enough to be drawn.
//
//	summary.Fill(&res, x, stacks.ThisProgram(), redact.New())
//	fmt.Print(summary.Text(&res))
package summary

import (
	"cmp"
	"slices"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// maxPauses is how many pauses are kept, the longest ones.
const maxPauses = 500

// Fill sets what the execution tells: Took, Sentence, Shares, Timeline and Pauses, and of each run what it
// took unless that is set. To Problems it adds those that it finds.
//
// Runs, Backends and the Problems that are known already are to be set before, for the sentence tells of
// them; Backends become what [Backends] makes of them. What is set has no secrets in it and nothing that
// breaks a line or controls a terminal, and takes at most 1 MiB as JSON.
func Fill(res *result.Result, x *exectrace.Execution, program stacks.Program, secrets redact.List) {
	res.Took = 0
	for i, run := range x.Runs {
		res.Took += run.Length()
		if i == len(res.Runs) {
			res.Runs = append(res.Runs, result.Run{})
		}
		if res.Runs[i].Took == 0 {
			res.Runs[i].Took = run.Length()
		}
	}
	t := newTeller(program, secrets)
	path := withoutPools(x).Path()
	res.Shares = t.shares(path, res.Took)
	res.Timeline = t.timeline(x, path)
	res.Pauses = pauses(x.Pauses)
	res.Backends = t.backends(res.Backends)
	res.Sentence = t.sentence(res, x)
	res.Problems = append(res.Problems, problems(res, x)...)
}

// withoutPools is the execution without the goroutines of pools that happen to have been started by it. What
// waits for one of those does so as it would if the connection had been there before: it waits for an HTTP
// response, not for the network in the depths of a library.
func withoutPools(x *exectrace.Execution) *exectrace.Execution {
	own := *x
	own.Goroutines = slices.DeleteFunc(slices.Clone(x.Goroutines), func(g *exectrace.Goroutine) bool {
		return g.Parent != 0 && stacks.PoolOf(g.Func) != ""
	})
	return &own
}

// pauses are the longest ones, in order.
func pauses(all []exectrace.Pause) []result.Pause {
	if len(all) > maxPauses {
		all = first(all, maxPauses, func(a, b exectrace.Pause) int { return cmp.Compare(b.Length(), a.Length()) })
		slices.SortStableFunc(all, func(a, b exectrace.Pause) int { return cmp.Compare(a.From, b.From) })
	}
	var list []result.Pause
	for _, p := range all {
		list = append(list, result.Pause{From: p.From, To: p.To, What: alert.OneLine(p.What, maxName), World: p.World})
	}
	return list
}
