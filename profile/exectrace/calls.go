package exectrace

import (
	"cmp"
	"math"
	"slices"
	"time"

	"golang.org/x/exp/trace"

	"github.com/heeler-go/heeler/internal/request"
)

// log is a message of the program; breakers tell of their calls by it.
func (rd *reader) log(e *trace.Event) {
	l := e.Log()
	switch l.Category {
	case request.TraceCall:
		m := rd.members[e.Goroutine()]
		number, backend, statement, ok := request.ParseTraceCall(l.Message)
		if m == nil || !ok {
			return
		}
		rd.calls[number] = len(rd.x.Calls)
		at := rd.at(e.Time())
		rd.x.Calls = append(rd.x.Calls, Call{Span: Span{at, -1}, Goroutine: m.ID, Backend: backend, Statement: statement})
	case request.TraceDone:
		number, ok := request.ParseTraceDone(l.Message)
		if i, known := rd.calls[number]; ok && known {
			rd.x.Calls[i].To, rd.x.Calls[i].Ended = rd.at(e.Time()), true
			delete(rd.calls, number)
		}
	}
}

const never = time.Duration(math.MaxInt64)

// calls are those of one goroutine: which is the innermost, from when on.
type calls []change

type change struct {
	at  time.Duration
	now *Call // nil if there is none
}

// innermost takes the calls by their beginning. The innermost of several is the one that began last.
func innermost(list []*Call) (changes calls) {
	var open []*Call
	ended := func(by time.Duration) {
		for n := len(open); n > 0 && open[n-1].To <= by; n = len(open) {
			at := open[n-1].To
			for n > 0 && open[n-1].To <= at {
				n--
			}
			change := change{at: at}
			if open = open[:n]; n > 0 {
				change.now = open[n-1]
			}
			changes = append(changes, change)
		}
	}
	for _, c := range list {
		ended(c.From)
		open = append(open, c)
		changes = append(changes, change{c.From, c})
	}
	ended(never)
	return changes
}

// at is the call that goes on at a time, of several the innermost; nil if there is none. next is when that
// changes, or never.
func (cs calls) at(t time.Duration) (now *Call, next time.Duration) {
	n, _ := slices.BinarySearchFunc(cs, t, func(c change, t time.Duration) int { return cmp.Compare(c.at, t+1) })
	if next = never; n < len(cs) {
		next = cs[n].at
	}
	if n > 0 {
		now = cs[n-1].now
	}
	return now, next
}
