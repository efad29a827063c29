//go:build unix

package journal_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	alertjournal "github.com/heeler-go/heeler/alert/journal"
	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/internal/leak"
	"github.com/heeler-go/heeler/offpath/journal"
)

func TestMain(m *testing.M) { leak.Main(m) }

// sender is one for j, closed at the test's end.
func sender(t testing.TB, path string) *journal.Sender {
	s := &journal.Sender{Path: path}
	t.Cleanup(func() { s.Close() })
	return s
}

// entry is the one that is in the journal for an alert.
func entry(t *testing.T, j *journald.Journald, sink *alertjournal.Sink, a alert.Alert) map[string][]string {
	t.Helper()
	before := len(j.Entries("HEELER_ALERT=1"))
	if err := sink.Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	found := j.Entries("HEELER_ALERT=1")
	if len(found) != before+1 {
		t.Fatalf("%d entries came in", len(found)-before)
	}
	return found[before]
}

func TestAnAlertIsOneEntryWithFieldsOfItsOwn(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	sink := &alertjournal.Sink{Sender: sender(t, j.Socket)}
	found := entry(t, j, sink, alert.Alert{
		Time: time.Date(2026, 11, 20, 11, 15, 0, 123, time.FixedZone("", 3600)), Key: "slow GET /repo", Count: 17,
		Title: "GET /repo is slow", Text: "23 s into GET /repo.\n\nMESSAGE=forged\nHEELER_ALERT=2\n",
		Tags: map[string]string{"region": "eu-1", "K=1\nMESSAGE": "forged", "empty": ""},
		Request: &alert.Request{
			ID: "5f0c", Route: "GET /{repo}", Method: "GET", URI: "/repo?x=1", Host: "example.org", RemoteAddr: "192.0.2.1:1",
		},
		Stacks: []alert.Stack{{Frames: []alert.Frame{
			{Func: "net.(*conn).Read", File: "net.go", Line: 1}, {Func: "shop/store.Get", File: "/src/store.go", Line: 42, App: true},
		}}},
		Files: []alert.File{{Name: "request.trace", Data: []byte("not in the journal")}},
	})
	for name, want := range map[string]string{
		"MESSAGE":  "GET /repo is slow (×17)\n\n23 s into GET /repo.\n\nMESSAGE=forged\nHEELER_ALERT=2",
		"PRIORITY": "4", "HEELER_ALERT": "1", "HEELER_ALERT_TITLE": "GET /repo is slow", "HEELER_ALERT_KEY": "slow GET /repo",
		"HEELER_ALERT_COUNT": "17", "HEELER_ALERT_TIME": "2026-11-20T10:15:00.000000123Z", "HEELER_REQUEST_ID": "5f0c",
		"HEELER_ROUTE": "GET /{repo}", "HEELER_METHOD": "GET", "HEELER_URI": "/repo?x=1", "HEELER_HOST": "example.org",
		"HEELER_TAG_REGION": "eu-1", "HEELER_TAG_K_1_MESSAGE": "forged",
		"CODE_FILE": "/src/store.go", "CODE_LINE": "42", "CODE_FUNC": "shop/store.Get",
	} {
		if !slices.Equal(found[name], []string{want}) {
			t.Errorf("%s is %q, not %q", name, found[name], want)
		}
	}
	if empty, there := found["HEELER_TAG_EMPTY"]; there {
		t.Errorf("an empty tag is there: %q", empty)
	}
}

func TestAnAlertThatSaysLittleIsAnEntryToo(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	sink := &alertjournal.Sink{Sender: sender(t, j.Socket), Priority: journal.Critical}
	found := entry(t, j, sink, alert.Alert{Title: "down", Count: 1})
	for name, want := range map[string]string{"MESSAGE": "down", "PRIORITY": "2", "HEELER_ALERT_TITLE": "down"} {
		if !slices.Equal(found[name], []string{want}) {
			t.Errorf("%s is %q, not %q", name, found[name], want)
		}
	}
	for name := range found {
		if strings.HasPrefix(name, "HEELER_") && name != "HEELER_ALERT" && name != "HEELER_ALERT_TITLE" || strings.HasPrefix(name, "CODE_") {
			t.Errorf("there is a %s: %q", name, found[name])
		}
	}
	found = entry(t, j, sink, alert.Alert{Stacks: []alert.Stack{{Name: "one", Frames: []alert.Frame{{Func: "net.Read"}}}}})
	if text := found["MESSAGE"][0]; !strings.HasPrefix(text, "alert\n") || !strings.Contains(text, "net.Read") {
		t.Errorf("without a text the message is %q", text)
	}
}

func TestADroppedAlertIsForLaterAndAnImpossibleOneIsNot(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	hung := sender(t, j.Socket)
	j.Signal(syscall.SIGSTOP)
	for hung.Send(journal.Entry{Message: "fills the queue"}) == nil {
	}
	closed := sender(t, "")
	closed.Close()
	tags := map[string]string{}
	for i := range 1100 {
		tags[strings.Repeat("x", i)] = "x"
	}
	for name, story := range map[string]struct {
		sink  *alertjournal.Sink
		alert alert.Alert
		err   error
		later bool
	}{
		"hung":     {sink: &alertjournal.Sink{Sender: hung}, err: journal.ErrFull, later: true},
		"absent":   {sink: &alertjournal.Sink{Sender: sender(t, filepath.Join(t.TempDir(), "none"))}, err: journal.ErrAbsent, later: true},
		"refused":  {sink: &alertjournal.Sink{Sender: sender(t, "/dev/null/s")}, err: syscall.ENOTDIR, later: true},
		"closed":   {sink: &alertjournal.Sink{Sender: closed}, err: journal.ErrClosed},
		"too many": {sink: &alertjournal.Sink{Sender: hung}, alert: alert.Alert{Tags: tags}},
		"priority": {sink: &alertjournal.Sink{Priority: 2}},
		"path":     {sink: &alertjournal.Sink{Sender: sender(t, strings.Repeat("p", 200))}},
	} {
		err := story.sink.Send(t.Context(), story.alert)
		var later *alert.LaterError
		if err == nil || errors.As(err, &later) != story.later || story.err != nil && !errors.Is(err, story.err) {
			t.Errorf("%s: the error is %v, for later: %t", name, err, errors.As(err, &later))
		}
	}
}

func TestAQueueBringsAlertsWhileJournaldStartsAgain(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	j.Stop()
	queue := &alert.Queue{Sinks: []alert.Sink{&alertjournal.Sink{Sender: sender(t, j.Socket)}}}
	queue.Offer(alert.Alert{Title: "while it was away"})
	j.Restart()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for queue.Stats().Waiting > 0 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond) // real: a real journald, and the queue's pause of a second
	}
	if err := queue.Close(ctx); err != nil {
		t.Error(err)
	}
	if found := j.Entries("HEELER_ALERT=1"); len(found) != 1 {
		t.Errorf("found %d entries, and the queue says %+v", len(found), queue.Stats())
	}
}

func TestASinkIsChecked(t *testing.T) {
	for name, story := range map[string]struct {
		sink  *alertjournal.Sink
		fault string
	}{
		"zero value": {sink: &alertjournal.Sink{}},
		"priority":   {&alertjournal.Sink{Priority: -7}, "Sink.Priority is -7"},
		"path":       {&alertjournal.Sink{Sender: &journal.Sender{Path: strings.Repeat("p", 108)}}, "Sender.Path"},
	} {
		err := story.sink.Validate()
		if story.fault == "" && err != nil || story.fault != "" && (err == nil || !strings.Contains(err.Error(), story.fault)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
