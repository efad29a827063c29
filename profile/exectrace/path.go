package exectrace

import (
	"cmp"
	"math"
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
// started, the step is what that one did meanwhile; so the time is never "waiting for my own workers",
// and of ten workers side by side it is the one that was waited for.
//
// A wait for a lock is that, whoever held it.
func (x *Execution) Path() []Step {
	w := newWalker(x)
	for _, run := range x.Runs {
		for _, g := range x.Goroutines {
			if g.ID == run.Goroutine && g.From == run.From {
				w.walk(g, run.Span, nil)
			}
		}
	}
	return w.steps
}

func newWalker(x *Execution) *walker {
	w := &walker{by: map[int64]*Goroutine{}, calls: map[int64]*calls{}}
	for _, g := range x.Goroutines {
		w.by[g.ID] = g // the last one, of several runs on one goroutine
	}
	for i := range x.Calls {
		c := &x.Calls[i]
		if w.calls[c.Goroutine] == nil {
			w.calls[c.Goroutine] = new(calls)
		}
		w.calls[c.Goroutine].add(c)
	}
	return w
}

const never = time.Duration(math.MaxInt64)

type walker struct {
	by    map[int64]*Goroutine
	calls map[int64]*calls
	steps []Step
}

// walk adds what g did in the span, in the course of a call if it is not nil.
func (w *walker) walk(g *Goroutine, s Span, call *Call) {
	first, _ := slices.BinarySearchFunc(g.Intervals, s.From, func(i Interval, t time.Duration) int { return cmp.Compare(i.To, t+1) })
	for _, i := range g.Intervals[first:] {
		if i.From >= s.To {
			break
		}
		whole := i
		i.From, i.To = max(i.From, s.From), min(i.To, s.To)
		worker := w.waitsFor(g, whole)
		if worker == nil {
			w.steps = append(w.steps, w.split(g, i, call)...)
			continue
		}
		if begun := min(max(worker.From, i.From), i.To); begun > i.From {
			before := i
			before.To, before.Waker = begun, nil
			w.steps = append(w.steps, w.split(g, before, call)...)
			i.From = begun
		}
		if i.From == i.To {
			continue
		}
		inCall, _ := w.calls[g.ID].at(i.From)
		w.walk(worker, i.Span, cmp.Or(inCall, call))
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

// split cuts an interval of g where its calls begin and end. call is the one that g does it for, if it is
// in none of its own.
func (w *walker) split(g *Goroutine, i Interval, call *Call) (steps []Step) {
	for i.From < i.To {
		piece := Step{Interval: i, Goroutine: g.ID, Call: call}
		c, next := w.calls[g.ID].at(i.From)
		if piece.To = min(i.To, next); c != nil {
			piece.Call = c
			piece.To = min(piece.To, c.To)
		}
		if piece.To < i.To {
			piece.Waker = nil
		}
		steps = append(steps, piece)
		i.From = piece.To
	}
	return steps
}

// calls are those of one goroutine.
type calls struct {
	list  []*Call         // by their beginning
	reach []time.Duration // when the last one of those up to here ends
}

func (cs *calls) add(c *Call) {
	reach := c.To
	if n := len(cs.reach); n > 0 {
		reach = max(reach, cs.reach[n-1])
	}
	cs.list, cs.reach = append(cs.list, c), append(cs.reach, reach)
}

// at is the call that goes on at a time, of several the innermost; nil if there is none. next is when
// another one begins, or never.
func (cs *calls) at(t time.Duration) (found *Call, next time.Duration) {
	if cs == nil {
		return nil, never
	}
	n, _ := slices.BinarySearchFunc(cs.list, t, func(c *Call, t time.Duration) int { return cmp.Compare(c.From, t+1) })
	next = never
	if n < len(cs.list) {
		next = cs.list[n].From
	}
	for n--; n >= 0 && cs.reach[n] > t; n-- {
		if cs.list[n].To > t {
			return cs.list[n], next
		}
	}
	return nil, next
}
