package exectrace

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/exp/trace"
)

const (
	assist  = "GC mark assist"
	marking = "GC concurrent mark phase"
	stop    = "stop-the-world"
)

// A pauseKey tells pauses apart that go on at the same time.
type pauseKey struct {
	name string
	by   trace.ResourceID
}

// span is the beginning or the end of something that the runtime does.
func (rd *reader) span(e *trace.Event) {
	r := e.Range()
	ends := e.Kind() == trace.EventRangeEnd
	if r.Name == assist {
		if m := rd.members[r.Scope.Goroutine()]; m != nil {
			m.assists(rd.at(e.Time()), !ends, rd.stack(m, e.Stack()))
		}
		return
	}
	if r.Name != marking && !strings.HasPrefix(r.Name, stop) {
		return
	}
	key := pauseKey{r.Name, r.Scope}
	from, known := rd.pauses[key]
	switch {
	case ends && known:
		delete(rd.pauses, key)
		rd.pause(key, from, e.Time())
	case !ends && !known:
		rd.pauses[key] = e.Time()
	}
}

// pause notes one that is over, unless it was so before the region began.
func (rd *reader) pause(key pauseKey, from, to trace.Time) {
	if !rd.begun {
		return
	}
	rd.x.Pauses = append(rd.x.Pauses, Pause{Span: Span{rd.at(from), rd.at(to)}, What: key.name, World: key.name != marking})
}

// finishPauses ends those that go on at the end of the trace, and puts all in order.
func (rd *reader) finishPauses() {
	for key, from := range rd.pauses {
		rd.pause(key, from, rd.last)
	}
	slices.SortFunc(rd.x.Pauses, func(a, b Pause) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.What, b.What))
	})
}
