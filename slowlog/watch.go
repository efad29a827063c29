// Package slowlog sees a request getting slow and says where it is, before its
// deadline. It is what dogslow was to Django:
//
//	http.ListenAndServe(":8080", slowlog.Wrap(mux))
//
// logs a report on every request that has taken four fifths of its deadline,
// or five seconds where it has none. The request goes on undisturbed. The
// report has the stacks of the request's own goroutine and of those that it
// started, each with a word on what it waits for, and of no other.
//
// With an alert queue the reports go elsewhere, too:
//
//	slow := &slowlog.Watch{After: 2 * time.Second, Alert: alerts}
//	handler := slow.Wrap(timebox.Wrap(mux))
//
// A Watch belongs outside of a timebox: there it sees what the box does. A box
// outside of it gives it a deadline, but its 503 is not in the report.
//
// # Calls to backends
//
// Where a breaker guards a backend, it tells slowlog of the request's calls. A
// report then says which one it hangs in, how much time the backends took, and
// that the same statement was run 230 times, which is a loop that one query
// could do the work of:
//
//	slow request: GET /repo
//	after 8s: waiting for the network in main.find
//	at /src/shop/find.go:42 rows, err := db.QueryContext(ctx, q)
//	in call 231 to mysql for 4.9s: SELECT * FROM repo WHERE id = ? (the same statement 230 times before)
//	mysql: 231 calls in 7.2s, 2 errors
//
// # Which goroutines are the request's
//
// While the handler runs its goroutine bears a profiler label, which those
// that it starts inherit. So a report has no goroutine of a pool that was
// there before, and may have one that the request was the first to need: those
// of net/http, database/sql and well-known drivers are named as what they are.
// A handler that sets labels of its own should do so with [runtime/pprof.Do]
// and the request's context; one that replaces them is not found, and its
// report says so.
//
// A connection that is hijacked, and a response that is an event stream or that
// drain.Stream declares to be a stream, are watched no more: they are meant to
// last. From there on the goroutine has the labels that it came with, and none that
// the handler has set until then.
//
// # What it costs
//
// A request that stays fast costs about a microsecond: a record, a profiler
// label, a place in a table. The label has the request's ID under the key
// "heeler"; it shows up in CPU and goroutine profiles, too.
//
// Stacks come from one goroutine profile for all requests that are due at the
// time. Taking it holds the other goroutines for less than a millisecond,
// whatever their number, where [runtime.Stack] holds them for the whole dump;
// but it keeps one core busy for a few µs per goroutine, and a report takes
// some 100 µs more. So sweeps are paced to take, with their reports, at most
// about 1 % of one core over time, with a burst to begin with: a program in
// trouble gets its first reports at once and later ones less often. See
// [Stats].
//
// A request that is within 5 % of its threshold is taken along with others
// that have reached theirs. One that package profile records is not reported
// from then on: it is slow because it is being looked at.
//
// # Secrets
//
// Secrets are cut out of a report before anybody sees it, in the header, the
// URI, the source lines and what a breaker has left of the statements, which
// has no values: values under a name that looks secret, and,
// whatever their name, Basic and Bearer credentials, passwords in URLs, JSON
// Web Tokens and private keys. The path is shown as it is: a secret that is a
// part of it, as in /reset/51f3a7, is not known for one. Bodies are not
// recorded. The rule is Sentry's list of words, matched anywhere in a name:
// password, passwd, passphrase, secret, api_key, auth, credentials, mysql_pwd,
// private_key, token, session, csrf, xsrf, cookie, signature, jwt, otp, pin,
// card, cvv and ssn. Redact adds to it.
package slowlog

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/stacks"
)

const (
	// DefaultAfter is when a request is slow that has no deadline.
	DefaultAfter = 5 * time.Second
	// DefaultKeep is how many reports a Watch keeps for Recent.
	DefaultKeep = 100
	// maxAgain keeps 2ⁿ × After a duration.
	maxAgain = 10
)

// A Watch reports requests that are getting slow. The zero Watch logs them.
// Its fields are not to be changed once it is in use; its methods may be
// called from several goroutines.
type Watch struct {
	// After is when a request counts as slow. Zero means 80 % of the deadline
	// that applies: a timebox's, that of the request's context, or the
	// server's WriteTimeout, whichever comes first; DefaultAfter where there
	// is none. So a report comes while the handler can still be seen.
	After time.Duration

	// Again is how many more reports to take of a request that goes on, when
	// it has taken twice the time of the first one, four times and so on, to
	// tell stuck from slow. Zero means none; 10 is the most.
	Again int

	// Alert gets each report. It never delays a request. Nil means a queue of
	// the Watch's own that logs to slog.Default.
	Alert *alert.Queue

	// Skip leaves a request alone. Nil skips none.
	Skip func(*http.Request) bool

	// Keep is how many reports Recent has. Zero means DefaultKeep; negative
	// keeps none.
	Keep int

	// Header names the request's headers that reports show. Nil means
	// User-Agent, Referer and X-Request-Id; empty means none. A value whose
	// name looks secret is not shown all the same.
	Header []string

	// Redact are more names whose values are secret: of headers, query
	// parameters and variables. They match like the built-in ones, anywhere in
	// a name, without regard to case; "forwarded" hides X-Forwarded-For.
	Redact []string

	// Trace keeps a runtime/trace.FlightRecorder running and attaches the last
	// seconds before the report, for go tool trace. Expect up to some tens of
	// MB of memory and a few per cent of throughput. Writing a trace out takes
	// up to 0.1 s of one core, and is not done oftener than that makes 5 % of
	// one: a report in between has none and says so, in its Problem. A process
	// can have only one recorder; if there is another, reports say so, too.
	// Close ends it.
	Trace bool

	once     sync.Once
	alerts   *alert.Queue
	shown    []string // Header, in canonical form
	secrets  redact.List
	ids      *request.IDs
	program  stacks.Program
	sources  stacks.Sources
	list     deadline.List[*entry]
	sweeping sync.Mutex
	tracer   tracer
	ring     ring
	count    struct{ slow, reports, sweeps, postponed, sweepTime atomic.Int64 }
}

// Stats are a Watch's counts since it was made.
type Stats struct {
	Requests  uint64        // requests seen
	InFlight  int           // of these, being served now; without long-lived connections
	Slow      int64         // requests that were reported at least once
	Reports   int64         // reports made
	Sweeps    int64         // goroutine profiles taken
	SweepTime time.Duration // that these took in all, with the reports
	// Postponed counts the times that a sweep was due and had to wait, lest
	// sweeps take more than 1 % of one core.
	Postponed int64
}

// Stats returns the counts as of now.
func (w *Watch) Stats() Stats {
	inFlight, requests := w.list.Len()
	return Stats{
		Requests:  requests,
		InFlight:  inFlight,
		Slow:      w.count.slow.Load(),
		Reports:   w.count.reports.Load(),
		Sweeps:    w.count.sweeps.Load(),
		SweepTime: time.Duration(w.count.sweepTime.Load()),
		Postponed: w.count.postponed.Load(),
	}
}

// Validate reports what is wrong with the fields. Wrap panics with the same
// error, as it is the programmer's.
func (w *Watch) Validate() error {
	var errs []error
	if w.After < 0 {
		errs = append(errs, fmt.Errorf("slowlog: Watch.After is %v; it must be positive, or zero for 80 %% of the deadline", w.After))
	}
	if w.Again < 0 || w.Again > maxAgain {
		errs = append(errs, fmt.Errorf("slowlog: Watch.Again is %d; it must be from 0 to %d", w.Again, maxAgain))
	}
	if w.Alert != nil {
		if err := w.Alert.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("slowlog: Watch.Alert: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Wrap watches the requests to next with a zero Watch of its own.
func Wrap(next http.Handler) http.Handler { return new(Watch).Wrap(next) }

// Wrap watches the requests to next. It panics if Validate finds a fault or
// next is nil.
func (w *Watch) Wrap(next http.Handler) http.Handler {
	if err := w.Validate(); err != nil {
		panic(err)
	}
	if next == nil {
		panic("slowlog: Watch.Wrap of a nil http.Handler")
	}
	w.once.Do(w.setup)
	return &handler{watch: w, next: next, inner: request.Inside(next)}
}

func (w *Watch) setup() {
	if w.alerts = w.Alert; w.alerts == nil {
		w.alerts = new(alert.Queue)
	}
	if w.shown = usual; w.Header != nil {
		w.shown = nil
		for _, name := range w.Header {
			w.shown = append(w.shown, http.CanonicalHeaderKey(name))
		}
	}
	w.secrets = redact.New(w.Redact...)
	w.ids = request.NewIDs()
	w.program = stacks.ThisProgram()
	w.list.Fire = w.fire
	if w.ring.size = w.Keep; w.Keep == 0 {
		w.ring.size = DefaultKeep
	}
	if w.Trace {
		w.tracer.start()
	}
}

// Close ends the flight recorder, if there is one. The queue in Alert is its
// owner's to close. Requests may still come; they are watched as before.
func (w *Watch) Close() error {
	w.tracer.stop()
	return nil
}

// Recent returns the reports that are kept, the newest first. A request that
// has ended since has its duration, status and outcome in its reports. They
// share what they point to, so it is not to be changed.
func (w *Watch) Recent() []Report { return w.ring.newestFirst() }
