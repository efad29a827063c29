package drain_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/heeler-go/heeler/drain"
)

// patience is how long a test waits for what should have come long since.
const patience = 20 * time.Second

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

func overEachProtocol(t *testing.T, test func(t *testing.T, p protocol)) {
	overSome(t, func(protocol) bool { return true }, test)
}

func overHTTP1(t *testing.T, test func(t *testing.T, p protocol)) {
	overSome(t, func(p protocol) bool { return p.major == 1 }, test)
}

func overSome(t *testing.T, wanted func(protocol) bool, test func(t *testing.T, p protocol)) {
	for _, p := range protocols {
		if wanted(p) {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				test(t, p)
			})
		}
	}
}

// A server serves one test.
type server struct {
	*httptest.Server
	protocol
	t *testing.T
}

// serve serves h over p.
func serve(t *testing.T, p protocol, h http.Handler, set ...func(*http.Server)) *server {
	t.Helper()
	s := &server{httptest.NewUnstartedServer(h), p, t}
	s.EnableHTTP2 = p.major == 2
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(p.major == 1)
	s.Config.Protocols.SetHTTP2(p.major == 2)
	s.Config.Protocols.SetUnencryptedHTTP2(p.major == 2 && !p.tls)
	for _, f := range set {
		f(s.Config)
	}
	if p.tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	s.Client().Transport.(*http.Transport).Protocols = s.Config.Protocols
	t.Cleanup(func() {
		s.Client().CloseIdleConnections()
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// dial connects and says nothing.
func (s *server) dial() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err == nil && s.tls {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

const upgrade = " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

// upgrade has a connection hijacked and gives it, or the answer if that is another one.
func (s *server) upgrade() (*bufio.ReadWriter, net.Conn, *http.Response) {
	s.t.Helper()
	return s.upgradeTo("/")
}

func (s *server) upgradeTo(path string) (*bufio.ReadWriter, net.Conn, *http.Response) {
	s.t.Helper()
	conn := s.dial()
	rw := bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
	io.WriteString(conn, "GET "+path+upgrade)
	resp, err := http.ReadResponse(rw.Reader, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		resp = nil
	}
	return rw, conn, resp
}

// get begins a request. The response ends with the test.
func (s *server) get(path string) *http.Response {
	s.t.Helper()
	resp, err := s.Client().Get(s.URL + path)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// text is all that is left of a body.
func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("the response broke off after %q: %v", b, err)
	}
	return string(b)
}

// takeOver hijacks and says so to the client.
func takeOver(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
	return conn, rw, err
}

// answerRefusal answers as backoff.Reply does.
func answerRefusal(w http.ResponseWriter, err error) {
	var refused *drain.RefusedError
	if errors.As(err, &refused) {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	http.Error(w, fmt.Sprint("not refused: ", err), http.StatusInternalServerError)
}

// events begins an event stream and ends with its context.
func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	io.WriteString(w, "data: begun\n\n")
	http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func goexit() { runtime.Goexit() }

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// within is a context that ends then.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func isCount(d *drain.Drainer, want drain.Count) func() bool {
	return func() bool { return d.Count() == want }
}
