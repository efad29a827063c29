package slowlog

import (
	"cmp"
	"sync"
)

// A ring keeps the latest reports.
type ring struct {
	size int // zero or less keeps none

	mu    sync.Mutex
	kept  []Report
	next  int // where the next one goes, once there are size
	trace []byte
}

// add keeps r.
func (g *ring) add(r Report) {
	if g.size <= 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(r.Trace) > 0 && (g.trace == nil || &r.Trace[0] != &g.trace[0]) {
		g.trace = r.Trace // of a new sweep: megabytes, so the older ones go
		for i := range g.kept {
			g.kept[i].Trace = nil
		}
	}
	if len(g.kept) < g.size {
		g.kept = append(g.kept, r)
		return
	}
	g.kept[g.next] = r
	g.next = (g.next + 1) % g.size
}

// finish writes into the reports on a request how it ended.
func (g *ring) finish(id string, end *End, route string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.kept {
		if r := &g.kept[i]; r.ID == id {
			r.End = end
			r.Route = cmp.Or(r.Route, route)
		}
	}
}

// newestFirst copies what is kept. What the reports point to never changes.
func (g *ring) newestFirst() []Report {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]Report, 0, len(g.kept))
	for i := range g.kept {
		list = append(list, g.kept[(g.next+len(g.kept)-1-i)%len(g.kept)])
	}
	return list
}
