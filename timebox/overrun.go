package timebox

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

// An Overrun is code that a box has given up, and that runs still.
type Overrun struct {
	Name  string        // the box's, or else what runs in it
	Since time.Time     // when it went into the box
	For   time.Duration // how long it has been running
}

// Overruns lists what boxes have given up and runs still, in this process, the
// oldest first. What is on the list for long holds memory, locks and
// connections: it ignores its context.
func Overruns() []Overrun {
	now := deadline.Now()
	overruns.Lock()
	defer overruns.Unlock()
	list := make([]Overrun, 0, len(overruns.running))
	for o := range overruns.running {
		list = append(list, Overrun{Name: o.name, Since: time.Now().Add(o.start - now), For: now - o.start})
	}
	slices.SortFunc(list, func(a, b Overrun) int { return cmp.Compare(b.For, a.For) })
	return list
}

// overruns is one for the process because goroutines that nobody waits for are
// the process's trouble, and because the package's own Run has no box.
var overruns struct {
	sync.Mutex
	running map[*overrun]struct{}
}

type overrun struct {
	name  string
	start time.Duration
	count *atomic.Int64
}

func newOverrun(name string, start time.Duration, count *atomic.Int64) *overrun {
	o := &overrun{name, start, count}
	overruns.Lock()
	defer overruns.Unlock()
	if overruns.running == nil {
		overruns.running = make(map[*overrun]struct{})
	}
	overruns.running[o] = struct{}{}
	count.Add(1)
	return o
}

// end takes it off the list; once is enough.
func (o *overrun) end() {
	overruns.Lock()
	defer overruns.Unlock()
	if _, ok := overruns.running[o]; ok {
		delete(overruns.running, o)
		o.count.Add(-1)
	}
}
