package control_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
)

// dial connects, until the test ends, and says a byte that comes back.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprint(conn, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestEventsAreToldAsTheyHappen(t *testing.T) {
	s, p := withProxy(t)
	client := control.Client{URL: s.URL()}
	var kinds []chaos.NoticeKind
	for event, err := range client.Events(t.Context(), "db") {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, event.Kind)
		switch event.Kind {
		case control.Following:
			other := made(t, s, `{"name":"other","upstream":"`+p.Backend+`"}`)
			up(t, other.Listen, true)
			must(t, s, 200, "PUT", "/behavior", `{"name":"delay","sleep":0}`)
			dial(t, p.Addr()).Close()
			continue
		default:
			if event.Proxy != "db" || event.Time.IsZero() {
				t.Errorf("%+v", event)
			}
		}
		if event.Kind == chaos.Closed {
			break
		}
	}
	for _, want := range []chaos.NoticeKind{control.Following, chaos.FaultsSet, chaos.Opened, chaos.Closed} {
		if !slices.Contains(kinds, want) {
			t.Errorf("%q was not told of: %q", want, kinds)
		}
	}
	must(t, s, 404, "GET", "/events?proxy=nobody", "")
}

// A client that does not read loses events, and neither a proxy nor another client waits for it.
func TestAClientThatDoesNotReadHoldsUpNobody(t *testing.T) {
	s, _ := withProxy(t)
	resp, err := http.Get(s.URL() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text := strings.Repeat("x", 64<<10)
	for range 1000 { // more than the queue, and the buffers of the connection
		s.Notify(chaos.Notice{Kind: chaos.Struck, Text: text})
	}
	must(t, s, 200, "GET", "/proxies", "")
	done := make(chan struct{})
	go func() { // more happens, so that there is an event to tell of the dropped ones
		for {
			s.Notify(chaos.Notice{Kind: chaos.Struck, Text: "last"})
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	defer close(done)
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if dropped, ok := strings.CutPrefix(lines.Text(), `data: {"dropped":`); ok {
			if n := strings.TrimSuffix(dropped, "}"); n < "1" {
				t.Errorf("dropped %s", n)
			}
			return
		}
	}
	t.Errorf("nothing was said to be dropped: %v", lines.Err())
}

func TestAnIdleStreamOfEventsBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &control.Server{}
		client, server := net.Pipe()
		defer client.Close()
		web := &http.Server{Handler: s, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second}
		go web.Serve(&oneConn{conn: server, closed: make(chan struct{})})
		fmt.Fprint(client, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
		began, text := time.Now(), ""
		for buf := make([]byte, 1000); strings.Count(text, ":\n\n") < 3; {
			n, err := client.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			text += strings.ReplaceAll(string(buf[:n]), "\r\n", "\n")
		}
		if took := time.Since(began); took < 40*time.Second || took > time.Minute {
			t.Errorf("three beats took %v", took)
		}
		s.Close()
		web.Close()
	})
}

// A client that has stopped to read is given up, so that it does not keep its place for ever.
func TestAClientThatDoesNotReadIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &control.Server{}
		client, server := net.Pipe()
		defer client.Close()
		web := &http.Server{Handler: s}
		go web.Serve(&oneConn{conn: server, closed: make(chan struct{})})
		fmt.Fprint(client, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
		time.Sleep(30 * time.Second)
		if text, err := io.ReadAll(client); err != nil || len(text) > 0 {
			t.Errorf("after 30 seconds it is told %q, %v", text, err)
		}
		s.Close()
		web.Close()
	})
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn   net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if conn := l.conn; conn != nil {
		l.conn = nil
		return conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error   { close(l.closed); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

func TestFollowersAreBounded(t *testing.T) {
	s, _ := withProxy(t)
	for _, path := range []string{"/events", "/proxies/db/conversation"} {
		for range 64 {
			resp, err := http.Get(s.URL() + path)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
		}
		must(t, s, 503, "GET", path, "")
	}
}
