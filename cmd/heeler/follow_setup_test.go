package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/offpath/journal"
)

// webhook is the other end of one of Slack's.
type webhook struct {
	server *httptest.Server

	mu    sync.Mutex
	code  int // what is answered; 0: ok
	calls int
	texts []string // of what was taken
	grown chan struct{}
}

const webhookPath = "/services/T0WORKSPACE/B0WEBHOOK42/qZ7sEcReTtOkEn"

func newWebhook(t *testing.T) *webhook {
	w := &webhook{grown: make(chan struct{}, 1)}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	return w
}

func (w *webhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var message struct{ Text string }
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if json.Unmarshal(body, &message) != nil || r.URL.Path != webhookPath {
		w.texts = append(w.texts, fmt.Sprintf("NO MESSAGE at %s: %s", r.URL.Path, body))
	}
	if w.code != 0 {
		rw.WriteHeader(w.code)
	} else {
		w.texts = append(w.texts, message.Text)
	}
	select {
	case w.grown <- struct{}{}:
	default:
	}
}

// answer is from now on what it does.
func (w *webhook) answer(code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.code = code
}

func (w *webhook) got() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.texts)
}

func (w *webhook) asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

// waitFor waits until something has come true of what has come.
func (w *webhook) waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	for !is() {
		select {
		case <-w.grown:
		case <-late:
			t.Fatalf("not %s: after %d calls there are %q", what, w.asked(), w.got())
		}
	}
}

func (w *webhook) waitForText(t *testing.T, text string) {
	t.Helper()
	w.waitFor(t, "there: "+text, func() bool { return slices.Contains(w.got(), text) })
}

// A trail is a journal that is followed, and what remembers how far.
type trail struct {
	t      *testing.T
	j      *journald.Journald
	sender *journal.Sender
	cursor string
	flags  []string
}

// newTrail has a journal of its own.
func newTrail(t *testing.T, flags ...string) *trail {
	t.Helper()
	j := journald.Start(t)
	tr := &trail{t: t, j: j, sender: &journal.Sender{Path: j.Socket}, cursor: filepath.Join(t.TempDir(), "state", "cursor")}
	t.Cleanup(func() { tr.sender.Close() })
	tr.flags = append([]string{"follow", "--journalctl", strings.Join(j.Journalctl(), " "), "--cursor", tr.cursor}, flags...)
	return tr
}

// follow starts the daemon, and waits until it has found its place.
func (tr *trail) follow(more ...string) *herd {
	tr.t.Helper()
	h := start(tr.t, binary, append(slices.Clone(tr.flags), more...)...)
	tr.begun(h)
	return h
}

// begun waits until there is a cursor: what is written from now on is found.
func (tr *trail) begun(h *herd) {
	tr.t.Helper()
	for range 3000 {
		if _, err := os.Stat(tr.cursor); err == nil {
			return
		}
		select {
		case <-h.ended:
			tr.t.Fatalf("it has ended:\n%s", h.log())
		case <-time.After(10 * time.Millisecond):
		}
	}
	tr.t.Fatalf("it does not begin:\n%s", h.log())
}

// write writes an entry with TEST=1.
func (tr *trail) write(message string, pairs ...string) {
	tr.t.Helper()
	e := journal.Entry{Message: message, Fields: []journal.Field{{Name: "TEST", Value: "1"}}}
	for i := 0; i < len(pairs); i += 2 {
		e.Fields = append(e.Fields, journal.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	if err := tr.sender.Send(e); err != nil {
		tr.t.Fatal(err)
	}
}

// toSlack lets a webhook stand in for Slack's.
func toSlack(t *testing.T) (*webhook, []string) {
	w := newWebhook(t)
	url := file(t, "slack-url", w.server.URL+webhookPath+"\n")
	if err := os.Chmod(url, 0o600); err != nil {
		t.Fatal(err)
	}
	return w, []string{"--to", "slack", "--slack-url-file", url, "--every", "0.01"}
}
