package frameworks_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/drain"
	"github.com/heeler-go/heeler/examples/frameworks"
	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// lasting are the guards as they stand around an application whose connections last.
type lasting struct {
	live *drain.Drainer
	guards
}

func newLasting(t *testing.T) lasting {
	g := lasting{&drain.Drainer{}, newGuards(t)}
	g.box.Quota = timebox.NewQuota(time.Hour)
	return g
}

func (g lasting) around(h http.Handler) http.Handler {
	prof := &profile.Profiler{Allow: func(*http.Request) (string, bool) { return "", false }}
	return g.live.Wrap(g.slow.Wrap(prof.Wrap(g.shed.Wrap(g.box.Wrap(h)))))
}

// holdNothing looks whether the guards have let all requests go, but drain, which has so many.
func (g lasting) holdNothing(t *testing.T, kept int, when string) {
	t.Helper()
	if listed, n := g.slow.InFlight(), g.slow.Stats().InFlight; len(listed) > 0 || n > 0 {
		t.Errorf("%s: slowlog has %d in flight and lists %d, want none", when, n, len(listed))
	}
	if n := g.box.Stats().Running; n > 0 {
		t.Errorf("%s: %d are in the box, want none", when, n)
	}
	if n := g.shed.Stats().InFlight; n > 0 {
		t.Errorf("%s: %d have a slot, want none", when, n)
	}
	if count := g.live.Count(); count.Hijacked+count.Streams != kept {
		t.Errorf("%s: drain has %+v, want %d", when, count, kept)
	}
}

// poll is a long poll: it says nothing before there is something to say.
func (s stream) poll(w http.ResponseWriter, r *http.Request) {
	if err := drain.Stream(w); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("X-Declared", "yes")
	select {
	case <-s.next:
		io.WriteString(w, "news")
	case <-r.Context().Done():
	}
}

// receive is a stream from the client: its body comes when there is something to say.
func receive(w http.ResponseWriter, r *http.Request) {
	if err := drain.Stream(w); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s, %v", body, err)
}

// dial opens a WebSocket.
func dial(t *testing.T, server *httptest.Server, path string) *gorilla.Conn {
	t.Helper()
	conn, _, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(patience))
	return conn
}

// begin sends a GET over a connection of its own.
func begin(t *testing.T, server *httptest.Server, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	return conn
}

// eventually waits for what happens on the server's side.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for start := time.Now(); !happened(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func TestALimiterOfTenServesBesideThirtyThatAreIdle(t *testing.T) {
	const ten = 10
	g := newLasting(t)
	g.shed.MaxInFlight = ten
	s := stream{make(chan struct{})}
	routes := frameworks.Routes{"/events": s.serve, "/poll": s.poll, "/home": home}
	for path, handler := range echoes {
		routes[path] = handler
	}
	server := serve(t, g.around(frameworks.Std(routes)))
	var sockets []*gorilla.Conn
	var streams []net.Conn
	kept := func(n int, what string) {
		t.Helper()
		eventually(t, what, func() bool { count := g.live.Count(); return count.Hijacked+count.Streams == n })
		g.holdNothing(t, n, what)
		homeIsServed(t, server, "beside "+what)
		eventually(t, "the end of a request", func() bool { return g.slow.Stats().InFlight == 0 })
	}
	for len(sockets) < ten {
		for path := range echoes {
			sockets = append(sockets, dial(t, server, path))
		}
	}
	kept(len(sockets), "ten idle WebSockets")
	for range ten {
		streams = append(streams, begin(t, server, "/events"))
	}
	kept(len(sockets)+ten, "ten event streams")
	for range ten {
		streams = append(streams, begin(t, server, "/poll"))
	}
	kept(len(sockets)+2*ten, "ten long polls")
	before := g.box.Quota.Remaining()
	outlastTheLimit()
	if spent := before - g.box.Quota.Remaining(); spent != 0 {
		t.Errorf("they spend the quota: %v", spent)
	}

	for _, conn := range sockets {
		echoComesBack(t, conn, "after the limit")
		conn.Close()
	}
	close(s.next)
	for i, conn := range streams {
		want := "data: 1\n\n"
		if i >= ten {
			want = "news"
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); err != nil || !strings.HasSuffix(string(body), want) {
			t.Errorf("stream %d ends with %q, %v; want %q", i, body, err, want)
		}
	}
	eventually(t, "the end of all", func() bool { return g.live.Count() == drain.Count{} })
	g.holdNothing(t, 0, "after all")
	if reports := g.slow.Stats().Reports; reports != 0 {
		t.Errorf("%d slow reports, want none", reports)
	}
	all := uint64(len(sockets) + 2*ten + 3)
	if got := g.box.Stats(); got != (timebox.Stats{Started: all}) {
		t.Errorf("the box: %+v, want %d started, and nothing else", got, all)
	}
	if got := g.shed.Stats(); got != (backoff.Stats{Requests: all}) {
		t.Errorf("the limiter: %+v, want %d requests, and nothing else", got, all)
	}
	if got := g.slow.Stats(); got != (slowlog.Stats{Requests: all}) {
		t.Errorf("slowlog: %+v, want %d requests, and nothing else", got, all)
	}
}

// The server's own limits are for requests. With drain or without, the guards take them off.
func TestIdleConnectionsOutliveTheServersTimeouts(t *testing.T) {
	g := newLasting(t)
	for name, around := range map[string]func(http.Handler) http.Handler{"with drain": g.around, "without": g.guards.around} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stream{make(chan struct{})}
			routes := frameworks.Routes{"/events": s.serve, "/poll": s.poll}
			for path, handler := range echoes {
				routes[path] = handler
			}
			mux := http.NewServeMux()
			mux.Handle("/", frameworks.Std(routes))
			mux.HandleFunc("POST /receive", receive)
			outliveTheServersTimeouts(t, around(mux), s)
		})
	}
}

func outliveTheServersTimeouts(t *testing.T, h http.Handler, s stream) {
	const limit, idle = time.Second, 5 * time.Second
	start := func(http2 bool) *httptest.Server {
		server := httptest.NewUnstartedServer(h)
		server.Config.ReadTimeout, server.Config.WriteTimeout = limit, limit
		if server.EnableHTTP2 = http2; http2 {
			server.StartTLS()
		} else {
			server.Start()
		}
		t.Cleanup(server.Close)
		return server
	}
	one, two := start(false), start(true)
	sockets := make(map[string]*gorilla.Conn)
	for path := range echoes {
		sockets[path] = dial(t, one, path)
	}
	type answer struct {
		who, text string
		err       error
	}
	answers := make(chan answer)
	late, say := io.Pipe()
	go func() {
		response, err := one.Client().Post(one.URL+"/receive", "text/plain", late)
		if err != nil {
			answers <- answer{"/receive", "", err}
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		answers <- answer{"/receive", string(body), err}
	}()
	for proto, server := range map[string]*httptest.Server{"HTTP/1": one, "HTTP/2": two} {
		for _, path := range []string{"/events", "/poll"} {
			go func() {
				_, body, err := get(t, server.Client(), server.URL+path)
				answers <- answer{proto + " " + path, body, err}
			}()
		}
	}
	time.Sleep(idle)
	for path, conn := range sockets {
		echoComesBack(t, conn, "still here, "+path)
	}
	close(s.next)
	io.WriteString(say, "late news")
	say.Close()
	for range 5 {
		a, want := <-answers, "data: 0\n\ndata: 1\n\n"
		switch {
		case a.who == "/receive":
			want = "late news, <nil>"
		case strings.HasSuffix(a.who, "/poll"):
			want = "news"
		}
		if a.err != nil || a.text != want {
			t.Errorf("%s: %q, %v; want %q", a.who, a.text, a.err, want)
		}
	}
}

func TestAPanicInAStreamIsSeenAsOne(t *testing.T) {
	g := newLasting(t)
	server := serve(t, g.around(frameworks.Std(frameworks.Routes{"/events": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 0\n\n")
		http.NewResponseController(w).Flush()
		panic("of the handler's own")
	}})))
	if _, body, err := get(t, server.Client(), server.URL+"/events"); err == nil || body != "data: 0\n\n" {
		t.Errorf("%q, %v; want the first event and an error", body, err)
	}
	eventually(t, "the end", func() bool { return g.live.Count() == drain.Count{} })
	g.holdNothing(t, 0, "after the panic")
	if got := g.shed.Stats(); got != (backoff.Stats{Requests: 1}) {
		t.Errorf("the limiter: %+v, want one request, and nothing else", got)
	}
}
