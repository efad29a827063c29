package slowlog

import (
	"cmp"
	"slices"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/deadline"
)

// A Running is a request in flight.
type Running struct {
	alert.Request
	Elapsed  time.Duration `json:"elapsed_ns"`
	Deadline time.Duration `json:"deadline_ns,omitempty"` // from the start; zero if none is known
	Status   int           `json:"status,omitempty"`      // 0 until the header is sent
	Bytes    int64         `json:"bytes,omitempty"`       // of the body, until now
	Reports  int           `json:"reports,omitempty"`     // taken of it until now
}

// InFlight lists the requests that are being served, the oldest first. Long-
// lived connections are not among them, and those that Skip left out.
func (w *Watch) InFlight() []Running {
	var entries []*entry
	w.list.Each(func(e *entry) { entries = append(entries, e) })
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.start, b.start) })
	now := deadline.Now()
	list := make([]Running, len(entries))
	for i, e := range entries {
		list[i] = Running{
			Request: e.describe(),
			Elapsed: now - e.start,
			Status:  e.writer.Status(),
			Bytes:   e.writer.Bytes(),
			Reports: e.taken(),
		}
		if limit := time.Duration(e.limit.Load()); limit != 0 {
			list[i].Deadline = limit - e.start
		}
	}
	return list
}

func (e *entry) taken() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.captures
}
