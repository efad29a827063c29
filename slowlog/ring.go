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

// add keeps r and returns it.
func (g *ring) add(r *Report) *Report {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.size <= 0 {
		return r
	}
	if r.Trace != nil && (g.trace == nil || &r.Trace[0] != &g.trace[0]) {
		g.trace = r.Trace // of a new sweep: megabytes, so the older ones go
		for _, old := range g.kept {
			old.Trace = nil
		}
	}
	kept := *r
	if len(g.kept) < g.size {
		g.kept = append(g.kept, &kept)
	} else {
		g.kept[g.next] = &kept
		g.next = (g.next + 1) % g.size
	}
	return &kept
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
