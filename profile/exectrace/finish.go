package exectrace

import (
	"cmp"
	"slices"
	"time"
)

// finish closes what is open at the end of the trace, and cuts off what came after the last run.
func (rd *reader) finish() *Execution {
	x := &rd.x
	last := rd.at(rd.last)
	x.Truncated = rd.open > 0
	end := rd.end
	if x.Truncated {
		end = last
	}
	for i := range x.Runs {
		if x.Runs[i].To < 0 {
			x.Runs[i].To = end
		}
	}
	for _, m := range rd.members {
		m.end(last, nil)
		m.To = last
	}
	x.Goroutines = slices.DeleteFunc(x.Goroutines, func(g *Goroutine) bool { return g.From >= end && end > 0 })
	for _, g := range x.Goroutines {
		g.cut(end)
	}
	x.Calls = slices.DeleteFunc(x.Calls, func(c Call) bool { return c.From >= end })
	for i := range x.Calls {
		if c := &x.Calls[i]; c.To < 0 || c.To > end {
			c.To, c.Ended = end, false
		}
	}
	rd.finishPauses()
	x.Pauses = slices.DeleteFunc(x.Pauses, func(p Pause) bool { return p.From >= end })
	for i := range x.Pauses {
		x.Pauses[i].To = min(x.Pauses[i].To, end)
	}
	slices.SortStableFunc(x.Samples, func(a, b Sample) int { return cmp.Compare(a.At, b.At) })
	x.Samples = slices.DeleteFunc(x.Samples, func(s Sample) bool { return s.At > end })
	x.place()
	for _, g := range x.Goroutines {
		g.name()
	}
	return x
}

// cut takes off what the goroutine did after the end.
func (g *Goroutine) cut(end time.Duration) {
	if g.To <= end {
		return
	}
	g.To, g.Ended = end, false
	n, _ := slices.BinarySearchFunc(g.Intervals, end, func(i Interval, t time.Duration) int { return cmp.Compare(i.From, t) })
	g.Intervals = g.Intervals[:n]
	if n > 0 && g.Intervals[n-1].To > end {
		g.Intervals[n-1].To, g.Intervals[n-1].Waker = end, nil
	}
}

// starters are functions that start a goroutine for another function, which is who the goroutine is.
var starters = map[string]bool{
	coroutine:                                           true,
	"iter.Pull[...].func1":                              true,
	"iter.Pull2[...].func1":                             true,
	"sync.(*WaitGroup).Go.func1":                        true,
	"golang.org/x/sync/errgroup.(*Group).Go.func1":      true,
	"golang.org/x/sync/errgroup.(*Group).TryGo.func1":   true,
	"golang.org/x/sync/errgroup.(*Group).goroutine":     true,
	"github.com/sourcegraph/conc.(*WaitGroup).Go.func1": true,
}

// name puts the function in the place of one that only started it, if it has been seen.
func (g *Goroutine) name() {
	if !starters[g.Func] {
		return
	}
	for _, i := range g.Intervals {
		if i.Stack == nil {
			continue
		}
		if name := i.Stack.Frames[i.Stack.first()].Func; !starters[name] {
			g.Func = name
			return
		}
	}
}

// place gives the intervals on a processor the stacks of the samples that were taken while the goroutine went
// on without a wait. The time stays what the scheduler says; between two samples the nearer one has it.
func (x *Execution) place() {
	of := map[int64][]Sample{}
	for _, s := range x.Samples {
		of[s.Goroutine] = append(of[s.Goroutine], s)
	}
	for _, g := range x.Goroutines {
		if samples := of[g.ID]; len(samples) > 0 {
			g.Intervals = placed(g.Intervals, samples)
		}
	}
}

func placed(intervals []Interval, samples []Sample) []Interval {
	out := make([]Interval, 0, len(intervals)+len(samples))
	for len(intervals) > 0 {
		n := 1
		for n < len(intervals) && intervals[n-1].State.goes() && intervals[n].State.goes() {
			n++
		}
		stretch := Span{intervals[0].From, intervals[n-1].To}
		var within []Sample
		for len(samples) > 0 && samples[0].At < stretch.To {
			if s := samples[0]; s.At >= stretch.From && s.Stack.begins(intervals[0].Stack) {
				within = append(within, s)
			}
			samples = samples[1:]
		}
		for _, i := range intervals[:n] {
			out, within = i.share(out, within)
		}
		intervals = intervals[n:]
	}
	return out
}

// share adds the interval, cut into pieces with the stacks of the samples next to them, and returns the
// samples that may be next to a later one.
func (i Interval) share(out []Interval, samples []Sample) ([]Interval, []Sample) {
	for len(samples) > 0 && i.State != Runnable && i.State.goes() && i.From < i.To {
		piece := i
		piece.Stack = samples[0].Stack
		if len(samples) > 1 {
			half := (samples[0].At + samples[1].At) / 2
			if half <= i.From {
				samples = samples[1:]
				continue
			}
			piece.To = min(i.To, half)
		}
		i.From = piece.To
		if n := len(out); n > 0 && out[n-1].goesOn(piece) {
			out[n-1].To = piece.To
		} else {
			out = append(out, piece)
		}
	}
	if i.From < i.To {
		out = append(out, i)
	}
	return out, samples
}
