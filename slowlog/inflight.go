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
	Elapsed   time.Duration `json:"elapsed_ns"`
	Deadline  time.Duration `json:"deadline_ns,omitempty"`   // from the start; zero if none is known
	Status    int           `json:"status,omitempty"`        // 0 until the header is sent
	FirstByte time.Duration `json:"first_byte_ns,omitempty"` // from the start until it was
	Bytes     int64         `json:"bytes,omitempty"`         // of the body, until now
	Reports   int           `json:"reports,omitempty"`       // taken of it until now

	// Backends and MoreBackends are as in a [Report].
	Backends     []alert.Backend `json:"backends,omitempty"`
	MoreBackends int             `json:"more_backends,omitempty"`
}

// InFlight lists the requests that are being served, the oldest first, without
// their secrets. Connections that have become long-lived are not among them,
// and those that Skip left out.
func (w *Watch) InFlight() []Running {
	entries := w.list.All()
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.rec.Start, b.rec.Start) })
	now, wall := deadline.Now(), time.Now()
	list := make([]Running, 0, len(entries))
	for _, e := range entries {
		if r, ok := e.running(now, wall); ok {
			list = append(list, r)
		}
	}
	return list
}

// running is what there is to tell of the request now, without its secrets. It
// is not ok if the request has ended.
func (e *entry) running(now time.Duration, wall time.Time) (r Running, ok bool) {
	e.mu.Lock()
	if e.ended {
		e.mu.Unlock()
		return r, false
	}
	r.Request = alert.Request{
		ID:         e.rec.ID,
		Start:      wall.Add(e.rec.Start - now),
		Method:     e.r.Method,
		Host:       e.r.Host,
		RemoteAddr: e.r.RemoteAddr,
		Proto:      e.r.Proto,
	}
	uri := e.r.RequestURI
	r.Reports = int(e.captures)
	r.Elapsed = now - e.rec.Start
	r.Deadline = e.deadline()
	e.mu.Unlock()

	r.Status, r.Bytes = e.writer.Status(), e.writer.Bytes()
	if first, ok := e.writer.FirstByte(); ok {
		r.FirstByte = max(0, first-e.rec.Start).Truncate(time.Microsecond) // as exact as first is
	}
	secrets := &e.watch.secrets
	r.Route = route(e.next, r.Method, r.Host, uri)
	r.Method, r.Proto = alert.OneLine(r.Method, 40), alert.OneLine(r.Proto, 40)
	r.URI, r.Host, r.RemoteAddr = fit(uri, secrets.URI), fit(r.Host, secrets.Text), fit(r.RemoteAddr, secrets.Text)
	r.Header = e.header.redacted(e.watch.shown, secrets.Header)
	r.Backends, r.MoreBackends = e.watch.backends(e.rec.Backends(), now)
	return r, true
}
