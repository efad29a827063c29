package slack_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/alert/slack"
)

// What makes a webhook's address one.
const (
	workspace = "T0WORKSPACE"
	bot       = "B0WEBHOOK42"
	token     = "qZ7sEcReTtOkEnOfSlAcK42x"
	path      = "/services/" + workspace + "/" + bot + "/" + token
)

// A message is one as Slack reads it.
type message struct {
	Text        string `json:"text"`
	Mrkdwn      bool   `json:"mrkdwn"`
	UnfurlLinks bool   `json:"unfurl_links"`
	UnfurlMedia bool   `json:"unfurl_media"`
	Blocks      []struct {
		Type     string `json:"type"`
		Text     *text  `json:"text"`
		Elements []text `json:"elements"`
	} `json:"blocks"`
}

type text struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"`
}

// texts are those of the blocks.
func (m message) texts() (all []text) {
	for _, b := range m.Blocks {
		if b.Text != nil {
			all = append(all, *b.Text)
		}
		all = append(all, b.Elements...)
	}
	return all
}

// String is the message as it is read.
func (m message) String() string {
	var lines []string
	for _, t := range m.texts() {
		lines = append(lines, t.Text)
	}
	return strings.Join(lines, "\n--\n")
}

// A hook is a webhook's other end.
type hook struct {
	t      *testing.T
	server *httptest.Server
	answer func(w http.ResponseWriter, r *http.Request) // nil: ok

	mu    sync.Mutex
	calls int
	got   []message // those that were answered with ok
}

func listen(t *testing.T) *hook {
	h := &hook{t: t}
	h.server = httptest.NewServer(h)
	t.Cleanup(h.server.Close)
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m message
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil || r.Method != "POST" || r.URL.Path != path || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		h.t.Errorf("%s %s of %s: %v\n%s", r.Method, r.URL, r.Header.Get("Content-Type"), err, body)
	}
	h.mu.Lock()
	h.calls++
	h.mu.Unlock()
	noted := &status{ResponseWriter: w, code: 200}
	if h.answer == nil {
		io.WriteString(w, "ok")
	} else {
		h.answer(noted, r)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if noted.code == 200 {
		h.got = append(h.got, m)
	}
}

// A status notes what is answered.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// sink is one for h, without connections that stay.
func (h *hook) sink() *slack.Sink { return &slack.Sink{URL: slack.URL(h.server.URL + path)} }

// sent is the message that an alert becomes.
func sent(t *testing.T, a alert.Alert) message {
	t.Helper()
	h := listen(t)
	if err := h.sink().Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if len(h.got) != 1 {
		t.Fatalf("%d messages came", len(h.got))
	}
	return h.got[0]
}

// later says whether the same alert may be tried again, and when.
func later(err error) (time.Duration, bool) {
	var l *alert.LaterError
	if !errors.As(err, &l) {
		return 0, false
	}
	return l.After, true
}

// transport answers without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// response is an answer of no body.
func response(code int, retryAfter string) *http.Response {
	resp := &http.Response{StatusCode: code, Header: http.Header{}, Body: http.NoBody}
	if retryAfter != "" {
		resp.Header.Set("Retry-After", retryAfter)
	}
	return resp
}
