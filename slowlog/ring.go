package slowlog

import (
	"sync"
	"time"
)

// A ring keeps the latest reports.
type ring struct {
	size int // zero or less keeps none

	mu    sync.Mutex
	kept  []*Report
	next  int // where the next one goes, once there are size
	trace []byte
}

// add keeps r and returns what a request may hold of it until its end: without
// the trace, unless it is kept.
func (g *ring) add(r Report) *Report {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.size <= 0 {
		r.Trace = nil
		return &r
	}
	if len(r.Trace) > 0 && (g.trace == nil || &r.Trace[0] != &g.trace[0]) {
		g.trace = r.Trace // of a new sweep: megabytes, so the older ones go
		for _, old := range g.kept {
			old.Trace = nil
		}
	}
	if len(g.kept) < g.size {
		g.kept = append(g.kept, &r)
		return &r
	}
	g.kept[g.next].Trace = nil
	g.kept[g.next] = &r
	g.next = (g.next + 1) % g.size
	return &r
}

// finish writes into a request's reports how it ended.
func (g *ring) finish(reports []*Report, d time.Duration, status int, o Outcome, route string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range reports {
		r.End = &End{Duration: d, Status: status, Outcome: o}
		if r.Route == "" {
			r.Route = route
		}
	}
}

// newestFirst copies what is kept. What the reports point to never changes.
func (g *ring) newestFirst() []Report {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]Report, 0, len(g.kept))
	for i := range g.kept {
		list = append(list, *g.kept[(g.next+len(g.kept)-1-i)%len(g.kept)])
	}
	return list
}
