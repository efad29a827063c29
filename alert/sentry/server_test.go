package sentry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/heeler-go/heeler/alert/sentry"
)

const (
	key    = "0123456789abcdefpublic"
	hidden = "fedcba9876543210secret"
)

// An item is one of an envelope's.
type item struct {
	Type        string `json:"type"`
	Length      int    `json:"length"`
	Filename    string `json:"filename"`
	ContentType string `json:"content_type"`
	payload     []byte
}

// An endpoint takes envelopes as Sentry does.
type endpoint struct {
	t      *testing.T
	server *httptest.Server
	answer func(w http.ResponseWriter, r *http.Request)

	mu     sync.Mutex
	auth   string
	path   string
	header map[string]any
	items  []item
	calls  int
}

func listen(t *testing.T) *endpoint {
	e := &endpoint{t: t}
	e.server = httptest.NewServer(e)
	t.Cleanup(e.server.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		e.t.Error(err)
	}
	e.mu.Lock()
	e.calls++
	e.auth, e.path = r.Header.Get("X-Sentry-Auth"), r.URL.Path
	e.header, e.items, err = decode(body)
	if err != nil {
		e.t.Errorf("the envelope is broken: %v", err)
	}
	e.mu.Unlock()
	if e.answer != nil {
		e.answer(w, r)
	}
}

// decode reads an envelope: a header line, then for each item a header line
// with its length, and that many bytes (develop.sentry.dev/sdk/envelopes).
func decode(body []byte) (header map[string]any, items []item, err error) {
	line, rest, _ := bytes.Cut(body, []byte("\n"))
	if err := json.Unmarshal(line, &header); err != nil {
		return nil, nil, err
	}
	for rest = bytes.TrimLeft(rest, "\n"); len(rest) > 0; rest = bytes.TrimLeft(rest, "\n") {
		var it item
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if err := json.Unmarshal(line, &it); err != nil {
			return nil, nil, err
		}
		if it.Length > len(rest) {
			return nil, nil, fmt.Errorf("an item of %d bytes, but only %d are left", it.Length, len(rest))
		}
		it.payload, rest = rest[:it.Length], rest[it.Length:]
		items = append(items, it)
	}
	return header, items, nil
}

// sink is one for e's project.
func (e *endpoint) sink() *sentry.Sink {
	dsn := strings.Replace(e.server.URL, "http://", "http://"+key+":"+hidden+"@", 1) + "/prefix/42"
	return &sentry.Sink{DSN: dsn, Environment: "production", Release: "shop@1.2.3", ServerName: "web3", Transport: &http.Transport{DisableKeepAlives: true}}
}

// event is the first item's payload.
func (e *endpoint) event() map[string]any {
	e.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.items) == 0 || e.items[0].Type != "event" {
		e.t.Fatalf("no event came: %+v", e.items)
	}
	var event map[string]any
	if err := json.Unmarshal(e.items[0].payload, &event); err != nil {
		e.t.Fatal(err)
	}
	return event
}

// at walks into decoded JSON: at(v, "exception", 0, "type").
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}
