package slowlog

import (
	"cmp"
	"slices"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/stacks"
)

// maxStacks bounds a report on a request that started thousands of goroutines.
const maxStacks = 50

// Where a goroutine stands in a report.
const (
	runsHandler = iota // on the goroutine that a box made for it
	ownGoroutine
	startedBy
	pooled
)

const (
	// theHandler names the goroutine in which the handler runs.
	theHandler = "runs the handler"
	// cutOff is how many frames a stack has at least whose outermost calls the
	// runtime's profile, which keeps 128, may have left out.
	cutOff = 100
)

// stacks makes a report's stacks of a request's goroutines: the one in the
// handler first, then those with the application's own code.
func (w *Watch) stacks(goroutines []stacks.Goroutine) (list []alert.Stack, more int) {
	type placed struct {
		rank  int
		stack alert.Stack
	}
	all := make([]placed, 0, len(goroutines))
	own := pooled
	for _, g := range goroutines {
		rank, name := place(g)
		own = min(own, rank)
		all = append(all, placed{rank, w.stack(name, g)})
	}
	if own > ownGoroutine {
		// A recursion so deep that its beginning is cut off is the handler's.
		for i := range all {
			if all[i].rank == startedBy && len(all[i].stack.Frames) >= cutOff {
				all[i].rank, all[i].stack.Name = ownGoroutine, theHandler
				break
			}
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int {
		return cmp.Or(
			cmp.Compare(a.rank, b.rank),
			cmp.Compare(appRank(a.stack), appRank(b.stack)),
			cmp.Compare(b.stack.Count, a.stack.Count))
	})
	for i, p := range all {
		if i == maxStacks {
			break
		}
		if p.rank == ownGoroutine && own == runsHandler {
			p.stack.Name = "waits for the handler in its box"
		}
		list = append(list, p.stack)
	}
	return list, max(0, len(all)-maxStacks)
}

func appRank(s alert.Stack) int {
	if slices.ContainsFunc(s.Frames, func(f alert.Frame) bool { return f.App }) {
		return 0
	}
	return 1
}

// place tells whose a goroutine is by the guards' own frames in it.
func place(g stacks.Goroutine) (rank int, name string) {
	for _, f := range g.Frames {
		switch f.Func {
		case "github.com/heeler-go/heeler/timebox.(*exchange).run":
			return runsHandler, theHandler
		case "github.com/heeler-go/heeler/slowlog.(*handler).ServeHTTP":
			return ownGoroutine, theHandler // also where a pool's goroutine does, as in HTTP/2
		}
	}
	if g.Pool != "" {
		return pooled, g.Pool
	}
	return startedBy, "started by the request"
}

func (w *Watch) stack(name string, g stacks.Goroutine) alert.Stack {
	s := alert.Stack{Name: name, State: g.State, Count: g.Count, Frames: make([]alert.Frame, len(g.Frames))}
	for i, f := range g.Frames {
		s.Frames[i] = alert.Frame{Func: f.Func, File: f.File, Line: f.Line, App: w.program.App(f.Func, f.File)}
		if s.Frames[i].App {
			s.Frames[i].Source = w.secrets.Text(w.sources.Line(f.File, f.Line))
		}
	}
	return s
}
