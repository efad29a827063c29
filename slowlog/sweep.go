package slowlog

import (
	"cmp"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/stacks"
)

// fire is called when a request may be due, in a goroutine of its own. One at
// a time sweeps. Each looks for itself: its clock may be that of a synctest
// bubble, by which nobody else finds what is due.
func (w *Watch) fire(time.Duration) {
	w.sweeping.Lock()
	defer w.sweeping.Unlock()
	w.sweep()
}

// sweep reports all requests that are due.
func (w *Watch) sweep() {
	if wait := stacks.Wait(); wait > 0 {
		w.count.postponed.Add(1)
		w.list.Arm(deadline.Now() + wait)
		return
	}
	now := deadline.Now()
	due := slices.DeleteFunc(w.list.Collect(now, nil), func(e *entry) bool { return e.notNow(now) })
	if len(due) == 0 {
		return
	}
	slices.SortFunc(due, func(a, b *entry) int { return cmp.Compare(a.rec.Start, b.rec.Start) })
	w.count.sweeps.Add(1)
	look := w.look(now)
	looked := deadline.Now()
	for _, e := range due {
		e.capture(&look)
	}
	end := deadline.Now()
	stacks.Charge(end - looked) // the profile has charged itself, and traces have a pace of their own
	w.count.sweepTime.Add(int64(end - now))
}

// look takes the profile, and the trace if there is to be one.
func (w *Watch) look(now time.Duration) glance {
	snapshot, err := stacks.Sweep()
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
	return look
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

// capture reports one request, unless it has ended. The request may end, or its
// deadline be lifted, while its report is being made: then there is none.
func (e *entry) capture(look *glance) {
	w := e.watch
	r, ok := e.report(look)
	if !ok {
		return
	}
	alert := r.alert()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended || e.isLifted() {
		return
	}
	if e.captures == 0 {
		w.count.slow.Add(1)
	}
	w.count.reports.Add(1)
	e.captures++
	w.ring.add(*r)
	at, slack := e.nextDue()
	w.list.Set(&e.due, at, slack)
	w.alerts.Offer(alert)
}

func (e *entry) report(look *glance) (r *Report, ok bool) {
	w := e.watch
	running, ok := e.running(look.at, look.taken)
	if !ok {
		return nil, false
	}
	r = &Report{
		Request:    running.Request,
		Taken:      look.taken,
		Elapsed:    running.Elapsed,
		Deadline:   running.Deadline,
		Capture:    running.Reports + 1,
		Status:     running.Status,
		FirstByte:  running.FirstByte,
		Bytes:      running.Bytes,
		Server:     look.server,
		PID:        os.Getpid(),
		Goroutines: look.goroutines,
		Problem:    look.problem,
		Trace:      look.trace,

		Backends: running.Backends, MoreBackends: running.MoreBackends,
	}
	r.Stacks, r.More = w.stacks(look.byRequest[e.rec.ID])
	if _, ok := r.handler(); !ok && r.Problem == "" {
		r.Problem = "the handler's goroutine does not bear the request's profiler label: it was replaced"
	}
	return r, true
}
