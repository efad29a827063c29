package exectrace

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A Step is a part of the way that led to the end of a run.
type Step struct {
	Interval
	Goroutine int64 // who did it
	Call      *Call // to a backend that the goroutine, or the one that waited for it, was in; nil if none
}

// Path is what the time of the runs was spent on: the steps of each run are in order, without a gap, and
// take just as long as the run. While the goroutine that entered the region waits for one that it has
// started, the step is what that one did meanwhile, or, before it was born, whoever was to start it; so the
// time is never "waiting for my own workers", and of ten workers side by side it is the one that was waited for.
//
// A wait for a lock is that, whoever held it.
func (x *Execution) Path() []Step {
	w := newWalker(x)
	entered := map[entry]*Goroutine{}
	for _, g := range x.Goroutines {
		entered[entry{g.ID, g.From}] = g
	}
	for _, run := range x.Runs {
		if g := entered[entry{run.Goroutine, run.From}]; g != nil {
			w.walk(g, run.Span, nil)
		}
	}
	return w.steps
}

// An entry tells the runs of one goroutine apart.
type entry struct {
	id int64
	at time.Duration
}

func newWalker(x *Execution) *walker {
	w := &walker{by: map[int64]*Goroutine{}, calls: map[int64]calls{}, waits: map[*Goroutine]bool{}}
	for _, g := range x.Goroutines {
		w.by[g.ID] = g // the last one, of several runs on one goroutine
	}
	made := map[int64][]*Call{}
	for i := range x.Calls {
		c := &x.Calls[i]
		made[c.Goroutine] = append(made[c.Goroutine], c)
	}
	for id, list := range made {
		w.calls[id] = innermost(list)
	}
	return w
}

type walker struct {
	by    map[int64]*Goroutine
	calls map[int64]calls
	waits map[*Goroutine]bool // whose wait the walk is in
	steps []Step
}

// walk adds what g did in the span, in the course of a call if it is not nil.
func (w *walker) walk(g *Goroutine, s Span, call *Call) {
	first, _ := slices.BinarySearchFunc(g.Intervals, s.From, func(i Interval, t time.Duration) int { return cmp.Compare(i.To, t+1) })
	for _, i := range g.Intervals[first:] {
		if i.From >= s.To {
			break
		}
		worker := w.waitsFor(g, i)
		i.From, i.To = max(i.From, s.From), min(i.To, s.To)
		if worker == nil {
			w.steps = w.split(w.steps, g, i, call)
			continue
		}
		w.waits[g] = true
		for _, step := range w.split(nil, g, i, call) {
			w.follow(worker, step)
		}
		w.waits[g] = false
	}
}

// follow adds a step in which a goroutine may wait for a worker, nil if it does not: it is what the worker did
// meanwhile, and before that was started, what those did who started it in the end. Of those who wait for each
// other it is the last.
func (w *walker) follow(worker *Goroutine, s Step) {
	if worker == nil || w.waits[worker] {
		w.steps = append(w.steps, s)
		return
	}
	if begun := min(worker.From, s.To); begun > s.From {
		before := s
		before.To, before.Waker = begun, nil
		w.follow(w.by[worker.Parent], before)
		s.From = begun
	}
	if s.From < s.To {
		w.walk(worker, s.Span, s.Call)
	}
}

// waitsFor is the goroutine of the execution that g waits for in an interval; nil if it is none.
func (w *walker) waitsFor(g *Goroutine, i Interval) *Goroutine {
	if i.Waker == nil || !i.Waker.Own || i.Waker.ID == g.ID || !i.State.waits() || i.State == Lock && !i.Stack.isJoin() {
		return nil
	}
	worker := w.by[i.Waker.ID]
	if worker == nil || worker.To < i.To {
		return nil
	}
	return worker
}

// isJoin tells a wait for others to be done from one for a mutex.
func (s *Stack) isJoin() bool {
	if s == nil {
		return false
	}
	for _, f := range s.Frames {
		switch {
		case f.Func == "sync.(*WaitGroup).Wait", f.Func == "sync.(*Cond).Wait":
			return true
		case !strings.HasPrefix(f.Func, "sync.") && !strings.HasPrefix(f.Func, "runtime.") && !strings.HasPrefix(f.Func, "internal/"):
			return false
		}
	}
	return false
}

// split adds an interval of g to steps, cut where its calls begin and end. call is the one that g does it for, if it is
// in none of its own.
func (w *walker) split(steps []Step, g *Goroutine, i Interval, call *Call) []Step {
	for i.From < i.To {
		c, next := w.calls[g.ID].at(i.From)
		piece := Step{Interval: i, Goroutine: g.ID, Call: cmp.Or(c, call)}
		piece.To = min(i.To, next)
		if piece.To < i.To {
			piece.Waker = nil
		}
		steps = append(steps, piece)
		i.From = piece.To
	}
	return steps
}
