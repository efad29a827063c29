// Package quiet keeps a report that is made again and again from filling the log.
package quiet

import (
	"sync"
	"time"
)

// A Gate lets one report through in a while and counts the others. It also ends a loop: where a report
// leads to the next, as with a log handler that itself reports what fails, there is one in a while.
//
// The zero value is open. Ask may be called from several goroutines.
type Gate struct {
	mu    sync.Mutex
	until time.Time
	held  int
}

// Ask says whether a report may go out now, of which there is one in each span, and how many were held
// back since the one before.
func (g *Gate) Ask(now time.Time, span time.Duration) (more int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.until) {
		g.held++
		return 0, false
	}
	more, g.held, g.until = g.held, 0, now.Add(span)
	return more, true
}
