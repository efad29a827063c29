package timebox_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

const (
	// soon is a limit for handlers that do nothing before it.
	soon = 50 * time.Millisecond
	// later is a limit that leaves a handler time to begin, on a busy machine.
	later = 300 * time.Millisecond
	// patience is how long a test waits for what should have come long since.
	patience = 20 * time.Second
)

// A protocol is one way to reach a handler over a real connection.
type protocol struct {
	name  string
	major int
	tls   bool
}

var protocols = []protocol{
	{"HTTP/1.1", 1, false},
	{"HTTP/1.1 over TLS", 1, true},
	{"HTTP/2", 2, true},
	{"HTTP/2 in clear text", 2, false},
}

func overEachProtocol(t *testing.T, test func(t *testing.T, s *server)) {
	overSome(t, func(protocol) bool { return true }, test)
}

func overHTTP1(t *testing.T, test func(t *testing.T, s *server)) {
	overSome(t, func(p protocol) bool { return p.major == 1 }, test)
}

func overHTTP2(t *testing.T, test func(t *testing.T, s *server)) {
	overSome(t, func(p protocol) bool { return p.major == 2 }, test)
}

func overSome(t *testing.T, wanted func(protocol) bool, test func(t *testing.T, s *server)) {
	for _, p := range protocols {
		if wanted(p) {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				test(t, newServer(t, p))
			})
		}
	}
}

// A server serves one test over one protocol.
type server struct {
	*httptest.Server
	protocol
	t   *testing.T
	log syncBuffer    // its ErrorLog
	end chan struct{} // closed when the test is over
}

func newServer(t *testing.T, p protocol) *server {
	s := &server{Server: httptest.NewUnstartedServer(nil), protocol: p, t: t, end: make(chan struct{})}
	s.EnableHTTP2 = p.major == 2
	s.Config.ErrorLog = log.New(&s.log, "", 0)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(p.major == 1)
	s.Config.Protocols.SetHTTP2(p.major == 2)
	s.Config.Protocols.SetUnencryptedHTTP2(p.major == 2 && !p.tls)
	t.Cleanup(func() {
		close(s.end)
		s.Client().CloseIdleConnections()
		s.Close()
	})
	return s
}

// start serves h, and box around it if there is one.
func (s *server) start(box *timebox.Box, h http.HandlerFunc) {
	s.Config.Handler = h
	if box != nil {
		s.Config.Handler = box.Wrap(h)
	}
	if s.tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	s.Client().Transport.(*http.Transport).Protocols = s.Config.Protocols
}

// hang is what a handler does that ignores its context. It ends with the test.
func (s *server) hang() { <-s.end }

// get gives what a client gets, or what went wrong with it.
func (s *server) get(path string) (*http.Response, string, error) {
	s.t.Helper()
	return s.do(s.request("GET", path, nil))
}

func (s *server) request(method, path string, body io.Reader) *http.Request {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *server) do(r *http.Request) (*http.Response, string, error) {
	s.t.Helper()
	resp, err := s.Client().Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != s.major {
		s.t.Errorf("the test wants HTTP/%d and got %s", s.major, resp.Proto)
	}
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

// mustGet is get where nothing may go wrong.
func (s *server) mustGet(path string) (*http.Response, string) {
	s.t.Helper()
	resp, text, err := s.get(path)
	if err != nil {
		s.t.Fatalf("GET %s: %v", path, err)
	}
	return resp, text
}

// dial opens a connection for HTTP/1 by hand.
func (s *server) dial() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	if s.tls {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	return conn
}

// send writes to a connection by hand.
func (s *server) send(conn net.Conn, format string, args ...any) {
	s.t.Helper()
	if _, err := fmt.Fprintf(conn, format, args...); err != nil {
		s.t.Fatal(err)
	}
}

// A syncBuffer may be written and read by several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// eventually waits until something holds that need not hold at once.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// receive waits for a value that some goroutine is to send.
func receive[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("never came: %s", what)
		panic("unreachable")
	}
}
