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
	x.Pauses = slices.DeleteFunc(x.Pauses, func(p Pause) bool { return p.To == over || p.From >= end })
	for i := range x.Pauses {
		if p := &x.Pauses[i]; p.To < 0 || p.To > end {
			p.To = end
		}
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

// place gives the intervals on a processor the stacks of the samples that were taken in them. The time
// stays what the scheduler says; between two samples the nearer one has it.
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
	var out []Interval
	for _, i := range intervals {
		for len(samples) > 0 && samples[0].At < i.From {
			samples = samples[1:]
		}
		var within []Sample
		for _, s := range samples {
			if s.At >= i.To {
				break
			}
			if s.Stack.begins(i.Stack) {
				within = append(within, s)
			}
		}
		if len(within) == 0 || i.State != Running && i.State != Assist {
			out = append(out, i)
			continue
		}
		from := i.From
		for k, s := range within {
			piece := Interval{Span: Span{from, i.To}, State: i.State, Stack: s.Stack}
			if k+1 < len(within) {
				piece.To = (s.At + within[k+1].At) / 2
			}
			if piece.To > piece.From {
				out = append(out, piece)
				from = piece.To
			}
		}
	}
	return out
}
