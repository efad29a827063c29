package slowlog

import (
	"cmp"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/stacks"
)

// fire is called when a request may be due, in a goroutine of its own. One at
// a time sweeps, until nothing has been due since it began.
func (w *Watch) fire(time.Duration) {
	if w.fires.Add(1) > 1 {
		return
	}
	for seen := int64(1); ; seen = w.fires.Load() {
		w.sweep()
		if w.fires.CompareAndSwap(seen, 0) {
			return
		}
	}
}

// sweep reports all requests that are due.
func (w *Watch) sweep() {
	if wait := stacks.Wait(); wait > 0 {
		w.count.postponed.Add(1)
		w.list.Arm(deadline.Now() + wait)
		return
	}
	now := deadline.Now()
	due := w.list.Collect(now, nil)
	if len(due) == 0 {
		return
	}
	slices.SortFunc(due, func(a, b *entry) int { return cmp.Compare(a.start, b.start) })
	snapshot, err := stacks.Sweep()
	w.count.sweeps.Add(1)
	w.count.sweepTime.Add(int64(deadline.Now() - now))
	look := glance{at: now, taken: time.Now(), goroutines: runtime.NumGoroutine(), byRequest: byRequest(snapshot)}
	look.server, _ = os.Hostname()
	if err != nil {
		look.problem = "no stacks: " + err.Error()
	}
	if w.Trace {
		trace, err := w.tracer.snapshot()
		if look.trace = trace; err != nil {
			look.problem = strings.TrimPrefix(look.problem+"; no trace: "+err.Error(), "; ")
		}
	}
	for _, e := range due {
		e.capture(&look)
	}
}

// A glance is what one sweep saw.
type glance struct {
	at         time.Duration
	taken      time.Time
	server     string
	goroutines int
	byRequest  map[string][]stacks.Goroutine
	trace      []byte
	problem    string
}

// byRequest joins the goroutines of a request with those of the boxes in it,
// whose labels are the request's and more after a slash.
func byRequest(snapshot stacks.Snapshot) map[string][]stacks.Goroutine {
	joined := make(map[string][]stacks.Goroutine, len(snapshot))
	for label, goroutines := range snapshot {
		id, _, _ := strings.Cut(label, "/")
		joined[id] = append(joined[id], goroutines...)
	}
	return joined
}

// capture reports one request, unless it has ended.
func (e *entry) capture(look *glance) {
	r := e.report(look)
	w := e.watch
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	if e.captures++; e.captures == 1 {
		w.count.slow.Add(1)
	}
	r.Capture = e.captures
	if e.captures <= w.Again {
		// Twice its time from the last: measured from what it was, not from
		// when this sweep came.
		next := (e.threshold() - e.start) << e.captures
		w.list.Set(&e.due, e.start+next, next/early)
	}
	w.count.reports.Add(1)
	e.reports = append(e.reports, w.ring.add(r))
	w.alerts.Offer(r.alert())
}

func (e *entry) report(look *glance) *Report {
	w := e.watch
	r := &Report{
		Request:    e.describe(),
		Taken:      look.taken,
		Elapsed:    look.at - e.start,
		Status:     e.writer.Status(),
		Bytes:      e.writer.Bytes(),
		Server:     look.server,
		PID:        os.Getpid(),
		Goroutines: look.goroutines,
		Problem:    look.problem,
		Trace:      look.trace,
	}
	if first, ok := e.writer.FirstByte(); ok {
		r.FirstByte = first - e.start
	}
	limit := time.Duration(e.limit.Load())
	if w.After > 0 && limit == 0 {
		limit, _ = limitOf(e.rec, e.start)
	}
	if limit != 0 && limit != deadline.Never {
		r.Deadline = limit - e.start
	}
	r.Stacks, r.More = w.stacks(look.byRequest[e.rec.ID])
	return r
}

// describe is the request without its secrets.
func (e *entry) describe() alert.Request {
	w, rec := e.watch, e.rec
	req := alert.Request{
		ID:         rec.ID,
		Start:      time.Now().Add(e.start - deadline.Now()),
		Method:     alert.OneLine(rec.Method, 40),
		URI:        w.secrets.URI(rec.URI),
		Route:      route(e.next, rec),
		Host:       alert.OneLine(rec.Host, 255),
		RemoteAddr: rec.RemoteAddr,
		Proto:      rec.Proto,
	}
	if len(rec.Header) > 0 {
		req.Header = make(map[string]string, len(rec.Header))
	}
	for _, f := range rec.Header {
		req.Header[f.Name] = w.secrets.Header(f.Name, f.Value)
	}
	return req
}
