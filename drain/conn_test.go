package drain_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/drain"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// hijackOf gives the handler's connection over p.
func hijackOf(t *testing.T, d *drain.Drainer, p protocol) (conn net.Conn, client *bufio.ReadWriter, raw net.Conn) {
	t.Helper()
	got := make(chan net.Conn, 1)
	s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := takeOver(w)
		if err != nil {
			t.Error(err)
		}
		got <- conn
	})))
	client, raw, _ = s.upgrade()
	conn = <-got
	t.Cleanup(func() { conn.Close() })
	return conn, client, raw
}

func TestAKeptTCPConnectionIsAbleToDoWhatItWas(t *testing.T) {
	var d drain.Drainer
	conn, client, raw := hijackOf(t, &d, protocols[0])
	type able interface {
		net.Conn
		syscall.Conn
		io.ReaderFrom
		io.WriterTo
		CloseRead() error
		CloseWrite() error
		SetLinger(int) error
		SetNoDelay(bool) error
		SetKeepAliveConfig(net.KeepAliveConfig) error
		File() (*os.File, error)
	}
	c, ok := conn.(able)
	if !ok {
		t.Fatalf("%T", conn)
	}
	if err := c.SetNoDelay(true); err != nil {
		t.Error(err)
	}
	if sys, err := c.SyscallConn(); err != nil || sys.Control(func(fd uintptr) {}) != nil {
		t.Error(err)
	}
	c.SetReadDeadline(time.Now())
	if _, err := c.Read(make([]byte, 1)); !os.IsTimeout(err) {
		t.Errorf("%v, want a timeout", err)
	}
	c.SetReadDeadline(time.Time{})

	buffers := net.Buffers{[]byte("one "), []byte("two\n")} // by writev
	if _, err := buffers.WriteTo(c); err != nil {
		t.Error(err)
	}
	if _, err := c.ReadFrom(strings.NewReader("three\n")); err != nil {
		t.Error(err)
	}
	c.CloseWrite()
	if got, err := io.ReadAll(client); string(got) != "one two\nthree\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	io.WriteString(raw, "the client goes on\n") // the half that is open
	raw.(*net.TCPConn).CloseWrite()
	var heard bytes.Buffer
	if _, err := c.WriteTo(&heard); err != nil || heard.String() != "the client goes on\n" {
		t.Errorf("%q, %v", heard.String(), err)
	}
	if got := d.Count(); got.Hijacked != 1 {
		t.Errorf("%+v, although it is not closed", got)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err == nil {
		t.Error("the second Close says nothing")
	}
	if got := d.Count(); got != (drain.Count{}) {
		t.Errorf("left: %+v", got)
	}
}

func TestAKeptTLSConnectionIsAbleToDoWhatItWas(t *testing.T) {
	var d drain.Drainer
	conn, _, _ := hijackOf(t, &d, protocols[1])
	c, ok := conn.(interface {
		ConnectionState() tls.ConnectionState
		NetConn() net.Conn
		CloseWrite() error
		HandshakeContext(context.Context) error
	})
	if !ok {
		t.Fatalf("%T", conn)
	}
	if !c.ConnectionState().HandshakeComplete {
		t.Error("no handshake")
	}
	if _, ok := c.NetConn().(*net.TCPConn); !ok {
		t.Errorf("%T is inside", c.NetConn())
	}
	conn.Close()
	if got := d.Count(); got != (drain.Count{}) {
		t.Errorf("left: %+v", got)
	}
}

func TestOtherConnectionsAreKept(t *testing.T) {
	var d drain.Drainer
	var kept net.Conn
	h := d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { kept, _, _ = http.NewResponseController(w).Hijack() }))
	hijack := func(conn net.Conn) {
		t.Helper()
		r, _ := http.NewRequest("GET", "/", nil)
		h.ServeHTTP(hijackable{nowhere{}, conn}, r)
		if got := d.Count(); got != (drain.Count{Hijacked: 1}) {
			t.Errorf("%+v", got)
		}
	}
	theirs, ours := net.Pipe()
	defer theirs.Close()
	hijack(ours)
	if inside := kept.(interface{ NetConn() net.Conn }).NetConn(); inside != ours {
		t.Errorf("%v is inside", inside)
	}
	kept.Close()

	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	served, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	hijack(served)
	if err := kept.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
	kept.Close()
	if got := d.Count(); got != (drain.Count{}) {
		t.Errorf("left: %+v", got)
	}
}

func TestWhatComesWithTheHandshakeArrives(t *testing.T) {
	overHTTP1(t, func(t *testing.T, p protocol) {
		var d drain.Drainer
		box := &timebox.Box{Limit: time.Minute}
		s := serve(t, p, slowlog.Wrap(d.Wrap(box.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := takeOver(w)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			line, _ := rw.ReadString('\n')
			io.WriteString(conn, line)
		})))))
		conn := s.dial()
		io.WriteString(conn, "GET /"+upgrade+"a frame\n") // in one segment
		in := bufio.NewReader(conn)
		http.ReadResponse(in, nil)
		if got, err := in.ReadString('\n'); got != "a frame\n" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// What is long-lived outlives the server's own limits.
func TestTheServersTimeoutsDoNotHold(t *testing.T) {
	const limit = 200 * time.Millisecond
	timeouts := func(srv *http.Server) { srv.ReadTimeout, srv.WriteTimeout = limit, limit }
	overEachProtocol(t, func(t *testing.T, p protocol) {
		for _, path := range []string{"/events", "/poll"} {
			var d drain.Drainer
			s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/events" {
					w.Header().Set("Content-Type", "text/event-stream")
					http.NewResponseController(w).Flush()
				} else if err := drain.Stream(w); err != nil {
					t.Error(err)
				}
				select {
				case <-time.After(4 * limit):
					io.WriteString(w, "data: late\n\n")
				case <-r.Context().Done():
					t.Errorf("%s: %v", path, context.Cause(r.Context()))
				}
			})), timeouts)
			if got := text(t, s.get(path)); got != "data: late\n\n" {
				t.Errorf("%s: %q", path, got)
			}
		}
	})
	overEachProtocol(t, func(t *testing.T, p protocol) { // one that reads for long
		var d drain.Drainer
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := drain.Stream(w); err != nil {
				t.Error(err)
			}
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			w.Write(b)
		})), timeouts)
		from, to := io.Pipe()
		go func() {
			io.WriteString(to, "early and ")
			time.Sleep(4 * limit)
			io.WriteString(to, "late")
			to.Close()
		}()
		resp, err := s.Client().Post(s.URL, "text/plain", from)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got := text(t, resp); got != "early and late" {
			t.Errorf("%q", got)
		}
	})
	overHTTP1(t, func(t *testing.T, p protocol) {
		var d drain.Drainer
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := takeOver(w)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			line, _ := rw.ReadString('\n')
			io.WriteString(conn, line)
		})), timeouts)
		rw, conn, _ := s.upgrade()
		time.Sleep(4 * limit)
		io.WriteString(conn, "still here\n")
		if got, err := rw.ReadString('\n'); got != "still here\n" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// A connection may be hijacked after it was declared a stream: it has one slot.
func TestAStreamThatIsHijackedHasOneSlot(t *testing.T) {
	d := &drain.Drainer{MaxConns: 1, MaxPerClient: 1}
	conns := make(chan net.Conn, 1)
	s := serve(t, protocols[0], d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := drain.Stream(w); err != nil {
			answerRefusal(w, err)
			return
		}
		conn, _, err := takeOver(w)
		if err != nil {
			t.Error(err)
			return
		}
		conns <- conn
	})))
	for range 2 {
		s.upgrade()
		conn := <-conns
		eventually(t, "the connection", isCount(d, drain.Count{Hijacked: 1}))
		if resp := s.get("/"); resp.StatusCode != 503 {
			t.Errorf("another one: %v", resp)
		}
		conn.Close()
		eventually(t, "nothing", isCount(d, drain.Count{}))
	}
}
