package backoff_test

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// patience is how long a test waits for what should have come long since.
const patience = 20 * time.Second

// visit has h serve one request.
func visit(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get() *http.Request { return httptest.NewRequest("GET", "/", nil) }

// answer is a handler that sets headers, given as pairs, and answers.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// afterRefusal is a handler whose breaker refused a call before it answers.
func afterRefusal(left time.Duration, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		request.From(r.Context()).Refuse("mysql", left)
		next(w, r)
	}
}

// notServed is an error like a breaker's.
type notServed struct{ left time.Duration }

func (notServed) Error() string { return "mysql at 10.0.0.7 is not available" }

func (e notServed) Refused() (string, time.Duration) { return "mysql", e.left }

func is[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// seconds wants a header to be there once, with a whole number from low to high.
func seconds(t testing.TB, h http.Header, name string, low, high int64) {
	t.Helper()
	v := h[name]
	if len(v) != 1 {
		t.Errorf("%s: %q, want one value", name, v)
		return
	}
	n, err := strconv.ParseInt(v[0], 10, 64)
	if err != nil || n < low || n > high {
		t.Errorf("%s: %q, want from %d to %d", name, v[0], low, high)
	}
}

// fuzzed wants a header to be what Sync's rule makes of so many seconds.
func fuzzed(t testing.TB, h http.Header, name string, v int64) {
	t.Helper()
	seconds(t, h, name, v, v+max(v/20, 5))
}

func absent(t testing.TB, h http.Header, names ...string) {
	t.Helper()
	for _, name := range names {
		if v, there := h[name]; there {
			t.Errorf("%s: %q, want none", name, v)
		}
	}
}

// recovered is what f panics with; nil if it does not.
func recovered(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// overEachProtocol runs a test over real connections.
func overEachProtocol(t *testing.T, test func(t *testing.T, s *webserver)) {
	t.Run("HTTP/1.1", func(t *testing.T) { overHTTP1(t, test) })
	t.Run("HTTP/2", func(t *testing.T) { test(t, newWebserver(t, 2)) })
}

// overHTTP1 is for what HTTP/2 has not.
func overHTTP1(t *testing.T, test func(t *testing.T, s *webserver)) { test(t, newWebserver(t, 1)) }

// A webserver is a server for one test.
type webserver struct {
	*httptest.Server
	major int
	log   lockedBuffer
}

func newWebserver(t *testing.T, major int) *webserver {
	s := &webserver{Server: httptest.NewUnstartedServer(nil), major: major}
	s.EnableHTTP2 = major == 2
	s.Config.ErrorLog = log.New(&s.log, "", 0)
	t.Cleanup(func() {
		s.Client().CloseIdleConnections()
		s.Close()
	})
	return s
}

func (s *webserver) serve(h http.Handler) {
	s.Config.Handler = h
	if s.major == 2 {
		s.StartTLS()
	} else {
		s.Start()
	}
}

// fetch gives what a client gets.
func (s *webserver) fetch(t testing.TB, method, path string) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	is(t, "protocol", resp.ProtoMajor, s.major)
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// raw opens a connection of its own.
func (s *webserver) raw(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// boxedInside has a watch, the policy and a box around h, as they belong. The
// watch reports nothing.
func boxedInside(p *backoff.Policy, limit time.Duration, h http.Handler) http.Handler {
	return (&slowlog.Watch{After: time.Hour}).Wrap(p.Wrap((&timebox.Box{Limit: limit}).Wrap(h)))
}
