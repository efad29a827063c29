package exectrace

import (
	"time"

	"golang.org/x/exp/trace"
)

// A member is a goroutine of the execution while the trace is read.
type member struct {
	*Goroutine
	rd      *reader
	run     int     // its place in Runs if it has entered the region; else -1
	deep    int     // how often it has entered the region again
	outside []Frame // that were on its stack when it entered the region, the innermost first
	entry   *Stack  // that it started with
	known   map[trace.Stack]*Stack

	since     time.Duration // when the present interval began
	state     State
	stack     *Stack // where the present interval began
	assisting bool
	woken     *Waker
}

// turn ends the present interval, if there is one, and begins another. stack is where the goroutine is at
// this moment, nil if the trace does not say.
func (m *member) turn(now time.Duration, to State, stack *Stack) {
	m.end(now, stack)
	if m.assisting && to == Running {
		to = Assist
	}
	if stack == nil {
		stack = m.stack // it has not moved
		if m.state == Running {
			stack = m.rd.stacks.begun(stack)
		}
	}
	m.since, m.state, m.stack = now, to, stack
}

// passes notes where a running goroutine is. What it does next begins there.
func (m *member) passes(now time.Duration, stack *Stack) {
	if stack == nil || m.state != Running && m.state != Assist {
		return
	}
	m.end(now, stack)
	m.since, m.stack = now, stack
}

func (m *member) assists(now time.Duration, begins bool, stack *Stack) {
	m.assisting = begins
	if m.state == Running || m.state == Assist {
		m.turn(now, Running, stack)
	}
}

// exit ends the goroutine, which comes back to where it began.
func (m *member) exit(now time.Duration) {
	m.end(now, m.entry)
	m.To, m.Ended = now, true
}

// end adds the present interval. Of a running goroutine, stack is where it is at its end.
func (m *member) end(now time.Duration, stack *Stack) {
	woken := m.woken
	if m.woken = nil; now <= m.since {
		return
	}
	i := Interval{Span: Span{m.since, now}, State: m.state, Stack: m.stack, Waker: woken}
	if i.State == Running {
		i.Stack = m.rd.stacks.between(m.stack, stack)
	}
	if n := len(m.Intervals); n > 0 && m.Intervals[n-1].goesOn(i) {
		m.Intervals[n-1].To = now
		return
	}
	m.Intervals = append(m.Intervals, i)
	m.rd.intervals++
}

// goesOn says whether next is more of the same.
func (i Interval) goesOn(next Interval) bool {
	return i.To == next.From && i.State == next.State && i.Stack == next.Stack && i.Waker == nil && next.Waker == nil
}
