package slowlog

import (
	"fmt"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
)

// A Report is one look at a slow request. Its JSON form is that of its fields,
// durations in nanoseconds; its text form is for people, see [Report.Text].
// Whatever looks secret has been cut out.
type Report struct {
	alert.Request

	Taken    time.Time     `json:"taken"`
	Elapsed  time.Duration `json:"elapsed_ns"`            // from the start until it was taken
	Deadline time.Duration `json:"deadline_ns,omitempty"` // from the start; zero if there is none
	Capture  int           `json:"capture"`               // 1 for the first of this request

	// What had become of the response by then: the status, 0 if none, when it
	// was sent, counted from the start, and the bytes of the body.
	Status    int           `json:"status,omitempty"`
	FirstByte time.Duration `json:"first_byte_ns,omitempty"`
	Bytes     int64         `json:"bytes,omitempty"`

	Server     string `json:"server"` // the host's name
	PID        int    `json:"pid"`
	Goroutines int    `json:"goroutines"` // in the whole process

	// Backends are what it had asked of its backends, those first that it was
	// waiting for: the ten most telling, each with its five most frequent
	// statements, without values. MoreBackends counts those left out. They
	// are there if a breaker, or another guard that counts, is in use.
	Backends     []alert.Backend `json:"backends,omitempty"`
	MoreBackends int             `json:"more_backends,omitempty"`

	// Stacks are the request's goroutines, the one that runs the handler
	// first. More counts further stacks that were left out.
	Stacks []alert.Stack `json:"stacks"`
	More   int           `json:"more,omitempty"`
	// Problem says what could not be had: the stacks, or the trace.
	Problem string `json:"problem,omitempty"`

	// End is how it ended; nil while it goes on.
	End *End `json:"end,omitempty"`

	// Trace is the execution trace of the last seconds, for go tool trace. Of
	// the reports that are kept only the latest have theirs.
	Trace []byte `json:"-"`
}

// An End is how a request ended.
type End struct {
	// Duration is from the start until the handler returned, which may be
	// long after a timebox answered for it, or until it became a stream.
	Duration time.Duration `json:"duration_ns"`
	Status   int           `json:"status"` // 0 if none was sent
	Outcome  Outcome       `json:"outcome"`
	// Calls is how many calls to backends it had made by then. A report's
	// Backends stay as they were when it was taken.
	Calls int `json:"calls,omitempty"`
}

// An Outcome says in a word how a request ended.
type Outcome string

const (
	Answered   Outcome = "answered"        // the handler returned
	Panicked   Outcome = "panicked"        // or called runtime.Goexit
	Refused    Outcome = "refused"         // a timebox answered 503 at the limit
	Cut        Outcome = "cut off"         // a timebox closed the connection in mid-response
	ClientLeft Outcome = "client left"     // before the handler returned, as far as its context tells
	LongLived  Outcome = "became a stream" // hijacked, an event stream, or declared by drain.Stream: watched no more
)

// Where is the state of the handler's goroutine and the application's function
// it is in: "waiting for the network in main.search".
func (r *Report) Where() string {
	s, ok := r.handler()
	if !ok {
		return "somewhere unknown"
	}
	if f := culprit(s); f != nil {
		return s.State + " in " + f.Name()
	}
	return s.State
}

// handler is the stack of the goroutine that runs the handler.
func (r *Report) handler() (s alert.Stack, ok bool) {
	if len(r.Stacks) == 0 || r.Stacks[0].Name != theHandler {
		return s, false
	}
	return r.Stacks[0], true
}

// culprit is the innermost frame of the application's, or of anyone's.
func culprit(s alert.Stack) *alert.Frame {
	for i := range s.Frames {
		if s.Frames[i].App {
			return &s.Frames[i]
		}
	}
	if len(s.Frames) > 0 {
		return &s.Frames[0]
	}
	return nil
}

// Title is the report in one line, without the query: "slow: GET /repo after
// 8s, waiting for the network in main.find, in call 231 to mysql".
func (r *Report) Title() string {
	path, _, _ := strings.Cut(r.URI, "?")
	title := fmt.Sprintf("slow: %s %s after %s, %s", r.Method, alert.OneLine(path, 200), alert.Short(r.Elapsed), r.Where())
	if _, words := telling(r.Backends); words != "" {
		title += ", " + words
	}
	return oneLine(title)
}

// key is alike for reports that say the same: the same capture of the same
// route at the same place.
func (r *Report) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "slow %d %s", r.Capture, r.Route)
	s, ok := r.handler()
	if !ok {
		path, _, _ := strings.Cut(r.URI, "?")
		fmt.Fprintf(&b, " %s %s", r.Method, path)
		return b.String()
	}
	b.WriteString(" " + s.State)
	last := ""
	for _, f := range s.Frames {
		if f.App && f.Func != last { // however deep a recursion is
			b.WriteString(" " + f.Func)
			last = f.Func
		}
	}
	if last == "" && len(s.Frames) > 0 {
		b.WriteString(" " + s.Frames[0].Func)
	}
	return b.String()
}

// alert is the report as it is sent.
func (r *Report) alert() alert.Alert {
	req := r.Request
	tags := map[string]string{"guard": "slowlog", "method": r.Method, "server": r.Server}
	if r.Route != "" {
		tags["route"] = r.Route
	}
	if s, ok := r.handler(); ok {
		tags["state"] = s.State
	}
	if backend, _ := telling(r.Backends); backend != "" {
		tags["backend"] = backend
	}
	a := alert.Alert{
		Time: r.Taken, Key: r.key(), Title: r.Title(), Text: r.Text(), Tags: tags,
		Request: &req, Backends: r.Backends, Stacks: r.Stacks,
	}
	if r.Trace != nil {
		a.Files = []alert.File{{Name: "request.trace", Type: "application/octet-stream", Data: r.Trace}}
	}
	return a
}
