// Package journal sends alerts to systemd's journal, each as one entry that is found by a field of its own:
//
//	alerts := &alert.Queue{Sinks: []alert.Sink{&journal.Sink{}}}
//
//	journalctl HEELER_ALERT=1 _SYSTEMD_UNIT=shop.service
//	heeler follow --match HEELER_ALERT=1 --match _SYSTEMD_UNIT=shop.service --to slack …
//
// So an application needs neither the network nor a credential to alert, and the daemon that has both is
// restarted without it. The socket of the journal is world-writable, and every process of the machine may send
// HEELER_ALERT=1: the second match, on a field that journald writes itself, tells who did.
//
// No text in an alert can make a field. A search for a prefix of the message, such as "ALERT: ", would find
// whatever a user has managed to get logged.
package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/offpath/journal"
)

// The fields of an entry, each with what it has of the alert. Those that have nothing to say are not there,
// except Field and Title.
const (
	Field     = "HEELER_ALERT"       // "1", in every alert
	Title     = "HEELER_ALERT_TITLE" // the title as it is
	Key       = "HEELER_ALERT_KEY"   // by which alerts are the same
	Time      = "HEELER_ALERT_TIME"  // when it was seen, RFC 3339 in UTC; the entry's own time is when it was sent
	Count     = "HEELER_ALERT_COUNT" // how many alike it stands for, when there are several
	RequestID = journal.RequestID    // the request's ID, which is the same in what a journal.Handler logs
	Route     = "HEELER_ROUTE"       // the request's route
	Method    = "HEELER_METHOD"      // the request's method
	URI       = "HEELER_URI"         // the request's path and query
	Host      = "HEELER_HOST"        // the host that was asked for
	TagPrefix = "HEELER_TAG_"        // begins the names of the tags' fields: the tag region is HEELER_TAG_REGION
)

// A Sink sends each alert as one entry. The message is the headline, an empty line and the text, or the whole
// report where there is no text; CODE_FILE, CODE_LINE and CODE_FUNC are where the first stack stands in the
// application; Files are left out.
//
// The zero value works. A Sink is safe for concurrent use, and its fields are not to be changed once it is in use.
type Sink struct {
	// Sender is where entries go. Nil means one of its own with the zero value; set one to give it an
	// Identifier or to see its Stats.
	Sender *journal.Sender
	// Priority is that of the entries. The zero value means journal.Warning, so that of journal.Info cannot be had;
	// the nearest is journal.Notice.
	Priority journal.Priority

	own journal.Sender
}

// Send sends the alert at once: it never waits, so that ctx does not matter. The error is an
// [*alert.LaterError] when journald is slower than its senders or away, or the system is short of something; an
// [alert.Queue] then tries again. It is final when the alert can never be sent: it has hundreds of megabytes or a
// thousand tags, there is no journal on this system, or the Sender is closed.
func (s *Sink) Send(_ context.Context, a alert.Alert) error {
	if err := s.Validate(); err != nil {
		return err
	}
	sender := s.Sender
	if sender == nil {
		sender = &s.own
	}
	err := sender.Send(s.entry(a))
	var invalid *journal.InvalidError
	if err == nil || errors.As(err, &invalid) || errors.Is(err, journal.ErrClosed) || errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return &alert.LaterError{Err: err}
}

// Validate reports the first field that cannot be used.
func (s *Sink) Validate() error {
	if s.Priority < journal.Emergency || s.Priority > journal.Debug {
		return fmt.Errorf("journal: Sink.Priority is %d; it goes from %d, journal.Emergency, to %d, journal.Debug",
			s.Priority, journal.Emergency, journal.Debug)
	}
	if s.Sender != nil {
		return s.Sender.Validate()
	}
	return nil
}

func (s *Sink) entry(a alert.Alert) journal.Entry {
	e := journal.Entry{Message: message(a), Priority: s.Priority}
	if e.Priority == 0 {
		e.Priority = journal.Warning
	}
	e.Fields = append(e.Fields, journal.Field{Name: Field, Value: "1"}, journal.Field{Name: Title, Value: a.Title})
	add := func(name, value string) {
		if value != "" {
			e.Fields = append(e.Fields, journal.Field{Name: name, Value: value})
		}
	}
	add(Key, a.Key)
	if !a.Time.IsZero() {
		add(Time, a.Time.UTC().Format(time.RFC3339Nano))
	}
	if a.Count > 1 {
		add(Count, strconv.Itoa(a.Count))
	}
	if r := a.Request; r != nil {
		add(RequestID, r.ID)
		add(Route, r.Route)
		add(Method, r.Method)
		add(URI, r.URI)
		add(Host, r.Host)
	}
	for _, k := range slices.Sorted(maps.Keys(a.Tags)) {
		add(journal.FieldName(TagPrefix, k), a.Tags[k])
	}
	if f, ok := place(a); ok {
		add("CODE_FILE", f.File)
		add("CODE_LINE", strconv.Itoa(f.Line))
		add("CODE_FUNC", f.Func)
	}
	return e
}

func message(a alert.Alert) string {
	if a.Text == "" {
		return strings.TrimRight(a.Report(), "\n")
	}
	return a.Headline() + "\n\n" + strings.TrimRight(a.Text, "\n")
}

// place is the innermost call of the application on the first stack.
func place(a alert.Alert) (alert.Frame, bool) {
	if len(a.Stacks) == 0 {
		return alert.Frame{}, false
	}
	frames := a.Stacks[0].Frames
	i := slices.IndexFunc(frames, func(f alert.Frame) bool { return f.App })
	if i < 0 {
		return alert.Frame{}, false
	}
	return frames[i], true
}
