package slowlog

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/fingerprint"
	"github.com/heeler-go/heeler/internal/request"
)

const (
	// maxBackends and maxStatements bound a report on a request that calls
	// many servers with many kinds of statement.
	maxBackends   = 10
	maxStatements = 5
	// maxStatement is how many characters a statement has, maxBackend a name.
	maxStatement = 300
	maxBackend   = 100
)

// backends is the request's tally as it may be shown: what it is waiting for
// first, then what took longest.
func (w *Watch) backends(tally []request.Backend, now time.Duration) (list []alert.Backend, more int) {
	slices.SortStableFunc(tally, func(a, b request.Backend) int {
		return cmp.Or(cmp.Compare(oldest(a), oldest(b)), cmp.Compare(b.Time, a.Time))
	})
	for _, b := range tally[:min(len(tally), maxBackends)] {
		list = append(list, w.backend(b, now))
	}
	return list, len(tally) - len(list)
}

// oldest is when the oldest call in progress began.
func oldest(b request.Backend) time.Duration {
	if len(b.Running) == 0 {
		return far
	}
	return b.Running[0].Start
}

func (w *Watch) backend(b request.Backend, now time.Duration) alert.Backend {
	shown := alert.Backend{
		Name:  cmp.Or(alert.OneLine(w.secrets.Text(b.Name), maxBackend), "unnamed"),
		Calls: b.Calls, Errors: b.Errors, Refused: b.Refused, Time: b.Time,
		More: max(0, len(b.Statements)-maxStatements), MoreRunning: b.MoreRunning,
	}
	for _, c := range b.Running {
		elapsed := max(0, now-c.Start) // a call may have begun since
		shown.Time += elapsed
		for i := range b.Statements {
			if s := &b.Statements[i]; s.Text == c.Statement {
				s.Time += elapsed
			}
		}
		shown.Running = append(shown.Running, alert.Call{Statement: w.statement(c.Statement), Elapsed: elapsed, Number: c.Number, Before: c.Before})
	}
	for _, s := range b.Statements[:min(len(b.Statements), maxStatements)] {
		shown.Statements = append(shown.Statements, alert.Statement{Text: w.statement(s.Text), Calls: s.Calls, Time: s.Time})
	}
	return shown
}

// statement is one without its values, which whoever made the call has cut
// out, and without what looks secret all the same.
func (w *Watch) statement(s string) string {
	redacted := func(s string) string { return fingerprint.Redacted(s, w.secrets) }
	return alert.OneLine(fit(s, redacted), maxStatement)
}

// calls is how many calls to backends there are in a tally.
func calls(tally []request.Backend) (n int) {
	for _, b := range tally {
		n += b.Calls
	}
	return n
}

// telling is what a title says of the backends, and of which one; nothing if
// no call is in progress and no statement was repeated.
func telling(backends []alert.Backend) (name, words string) {
	for _, b := range backends {
		if c := b.InProgress(); c != "" {
			return b.Name, "in " + c
		}
	}
	for _, b := range backends {
		if s, ok := b.Repeated(); ok {
			return b.Name, fmt.Sprintf("the same statement %d times to %s", s.Calls, b.Name)
		}
	}
	return "", ""
}
