// Package alert carries what a guard has seen to the people who should know:
// a log, a directory, an e-mail, Sentry, Slack, systemd's journal.
//
// A guard hands an [Alert] to a [Queue] and goes on at once; the queue folds
// what is alike, holds to a rate and gives each [Sink] its own line, so that
// a slow or failing one stops no other:
//
//	alerts := &alert.Queue{Sinks: []alert.Sink{alert.Log{}, &alert.Dir{Path: "/var/log/slow"}}}
//	defer alerts.Close(ctx)
//	slow := &slowlog.Watch{Alert: alerts}
//
// Whoever makes an Alert has already taken the secrets out of it: sinks send
// what they are given.
package alert

import (
	"context"
	"strings"
	"time"
)

// An Alert is one thing that somebody should know of. It is a value: the
// queue copies it, sinks read it, nobody changes what it points to once it
// has been sent.
type Alert struct {
	// Time is when it was seen.
	Time time.Time `json:"time"`
	// Key tells which alerts are the same and may be folded into one.
	// Empty means the Title.
	Key string `json:"key,omitempty"`
	// Title says it in one line, without a line break.
	Title string `json:"title"`
	// Text is the whole report for a person, plain text. Its first
	// paragraph is the summary, which a sink may show apart.
	Text string `json:"text,omitempty"`
	// Tags are short facts to filter by, such as route and host.
	Tags map[string]string `json:"tags,omitempty"`
	// Request is the request that it is about; nil if it is about none.
	Request *Request `json:"request,omitempty"`
	// Backends are what the request had asked of its backends, the most
	// telling first; nil if nothing, or if nobody counts.
	Backends []Backend `json:"backends,omitempty"`
	// Stacks are the goroutines that belong to it, the most telling first.
	Stacks []Stack `json:"stacks,omitempty"`
	// Files go with the alert: an execution trace, the report as JSON.
	Files []File `json:"-"`
	// Count is how many alike this one stands for; zero means one.
	Count int `json:"count,omitempty"`
}

// A Request is what an alert tells of an HTTP request, without its secrets.
type Request struct {
	ID         string            `json:"id"`
	Start      time.Time         `json:"start"`
	Method     string            `json:"method"`
	URI        string            `json:"uri"`             // path and query, as on the request line
	Route      string            `json:"route,omitempty"` // the mux's pattern, when it is known
	Host       string            `json:"host"`
	RemoteAddr string            `json:"remote_addr"`
	Proto      string            `json:"proto"`
	Header     map[string]string `json:"header,omitempty"` // first value of each
}

// A Stack is one goroutine, or several that stand at the same place.
type Stack struct {
	// Name says whose it is: "the request's own goroutine", "started by it".
	Name string `json:"name"`
	// State says in plain words what it does: "waiting for the network".
	State string `json:"state"`
	// Count is how many goroutines stand there, at least 1.
	Count int `json:"count"`
	// Frames are its calls, the innermost first.
	Frames []Frame `json:"frames"`
}

// A Frame is one call on a stack.
type Frame struct {
	Func   string `json:"func"` // with its package path: github.com/acme/shop/cart.(*Store).Save
	File   string `json:"file"`
	Line   int    `json:"line"`
	App    bool   `json:"app,omitempty"`    // the application's own code, not a library's
	Source string `json:"source,omitempty"` // the source line, trimmed, where the file is on disk
}

// Name is the function without the directories of its package and of its type
// arguments: cart.(*Store).Save, cart.Map[cart.Item].func1.
func (f Frame) Name() string {
	var b strings.Builder
	start := 0 // of the path that is being read
	for i, r := range f.Func {
		switch {
		case r == '/':
			start = i + 1
		case strings.ContainsRune("[](),* ", r):
			b.WriteString(f.Func[start : i+1])
			start = i + 1
		}
	}
	return b.String() + f.Func[start:]
}

// A File goes with an alert as an attachment.
type File struct {
	Name string // base name with its ending, such as request.trace
	Type string // media type, such as application/octet-stream
	Data []byte
}

// A Sink takes alerts to one place. Send returns nil when the alert is
// delivered, or an error when it cannot be or ctx ends: a [*LaterError] when
// another try may help, a [*SetupError] when none will until the settings are
// put right. It only reads the alert. The error is logged, so it must hold no
// secret. A [Queue] calls Send one at a time; it may be called from several
// goroutines by others.
//
// A sink with a method Validate() error is asked by [Queue.Validate].
type Sink interface {
	Send(ctx context.Context, a Alert) error
}
