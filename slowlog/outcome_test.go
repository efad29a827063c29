package slowlog_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

func TestTheReportLearnsHowTheRequestEnded(t *testing.T) {
	const slow, limit = 2 * time.Second, 10 * time.Second
	box := func(h http.HandlerFunc) http.Handler { return (&timebox.Box{Limit: limit}).Wrap(h) }
	for _, c := range []struct {
		name    string
		handler http.Handler
		outside func(http.Handler) http.Handler
		want    slowlog.End
	}{
		{name: "it writes nothing", want: slowlog.End{Duration: slow, Status: 200, Outcome: slowlog.Answered},
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(slow) })},
		{name: "it answers", want: slowlog.End{Duration: slow, Status: 200, Outcome: slowlog.Answered},
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(slow); io.WriteString(w, "hello") })},
		{name: "it finds nothing", want: slowlog.End{Duration: slow, Status: 404, Outcome: slowlog.Answered},
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(slow); http.NotFound(w, r) })},
		{name: "it has sent an early hint", want: slowlog.End{Duration: slow, Status: 404, Outcome: slowlog.Answered},
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusEarlyHints)
				time.Sleep(slow)
				http.NotFound(w, r)
			})},
		{name: "it panics", want: slowlog.End{Duration: slow, Outcome: slowlog.Panicked},
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(slow); panic("a fault") })},
		{name: "it panics after its answer", want: slowlog.End{Duration: slow, Status: 201, Outcome: slowlog.Panicked},
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(slow)
				w.WriteHeader(201)
				panic("a fault")
			})},
		{name: "it ends its goroutine", want: slowlog.End{Duration: slow, Outcome: slowlog.Panicked},
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(slow); runtime.Goexit() })},
		{name: "it hits the deadline of its context and says so", want: slowlog.End{Duration: limit, Status: 504, Outcome: slowlog.Answered},
			outside: expiring(limit),
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done(); w.WriteHeader(504) })},
		{name: "a timebox refuses it", want: slowlog.End{Duration: time.Minute, Status: 503, Outcome: slowlog.Refused},
			handler: box(func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Minute); w.WriteHeader(200) })},
		{name: "a timebox refuses it and it panics", want: slowlog.End{Duration: time.Minute, Status: 503, Outcome: slowlog.Refused},
			handler: box(func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Minute); panic("a fault") })},
		{name: "a timebox cuts it off", want: slowlog.End{Duration: time.Minute, Status: 201, Outcome: slowlog.Cut},
			handler: box(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201); time.Sleep(time.Minute) })},
		{name: "it answers within the grace of a timebox", want: slowlog.End{Duration: limit, Status: 504, Outcome: slowlog.Answered},
			handler: (&timebox.Box{Limit: limit, Grace: time.Second}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
				w.WriteHeader(504)
			}))},
		{name: "it answers within the grace of a timebox outside", want: slowlog.End{Duration: limit, Status: 504, Outcome: slowlog.Answered},
			outside: (&timebox.Box{Limit: limit, Grace: time.Second}).Wrap,
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done(); w.WriteHeader(504) })},
		{name: "it begins an event stream", want: slowlog.End{Duration: slow, Status: 200, Outcome: slowlog.LongLived},
			handler: box(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(slow)
				w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
				io.WriteString(w, "data: hello\n\n")
				time.Sleep(time.Hour)
				panic("nobody watches any more")
			})},
		{name: "the client leaves", want: slowlog.End{Duration: 3 * time.Second, Outcome: slowlog.ClientLeft},
			outside: leaving(3 * time.Second),
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })},
		{name: "the client leaves before the timebox's limit", want: slowlog.End{Duration: time.Minute, Outcome: slowlog.ClientLeft},
			outside: leaving(3 * time.Second),
			handler: box(func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Minute) })},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := quiet(t, &slowlog.Watch{After: time.Second})
				h := w.Wrap(c.handler)
				if c.outside != nil {
					h = c.outside(h)
				}
				var end sync.WaitGroup
				end.Go(func() {
					defer func() { recover() }()
					visit(h, "GET", "/")
				})
				end.Wait()
				r := the(t, w)
				if r.End == nil {
					t.Fatal("the report has no end")
				}
				equal(t, "end", *r.End, c.want)
				equal(t, "in flight", w.Stats().InFlight, 0)
			})
		})
	}
}

func TestTheEndOfARequestIsNotAnothers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		go visit(w.Wrap(asleep(2*time.Second)), "GET", "/first")
		go visit(w.Wrap(asleep(10*time.Second)), "GET", "/second")
		time.Sleep(5 * time.Second)
		for _, r := range w.Recent() {
			equal(t, r.URI+" has ended", r.End != nil, r.URI == "/first")
		}
		time.Sleep(time.Minute)
	})
}

// expiring gives a request's context a deadline, as some middleware does.
func expiring(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), d)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// leaving does what net/http does when the client closes the connection.
func leaving(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancel(r.Context())
			defer time.AfterFunc(d, cancel).Stop()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// A bell rings for each alert. Handlers wait for it, so that their request is
// reported before it ends, however slow the machine.
type bell chan alert.Alert

func (b bell) Send(_ context.Context, a alert.Alert) error { b <- a; return nil }

// rung waits for the next alert.
func (b bell) rung(t testing.TB) (a alert.Alert) {
	select {
	case a = <-b:
	case <-time.After(20 * time.Second):
		t.Error("no alert came")
	}
	return a
}

// until waits for an alert on a handler in this state: on a busy machine it may
// take a while to get there, and more than one capture.
func (b bell) until(t testing.TB, state string) (a alert.Alert) {
	for range 10 {
		if a = b.rung(t); a.Tags["state"] == state {
			return a
		}
	}
	t.Errorf("the handler is %s, want %s", a.Tags["state"], state)
	return a
}

// belled is a Watch that reports soon and rings.
func belled(t *testing.T, w *slowlog.Watch) (*slowlog.Watch, bell) {
	rested(t)
	b := make(bell, 100)
	if w.After == 0 {
		w.After = 10 * time.Millisecond
	}
	w.Alert = queue(t, b)
	return w, b
}

// ended waits until the request that was reported has ended, and gives the
// latest report on it.
func ended(t *testing.T, w *slowlog.Watch) slowlog.Report {
	t.Helper()
	for range 2000 {
		if r := w.Recent()[0]; r.End != nil {
			return r
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the request does not end")
	panic("unreachable")
}

// silent keeps net/http's word on panics out of the tests' output.
var silent = log.New(io.Discard, "", 0)

// server serves h on the loopback interface.
func server(t *testing.T, h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = silent
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func TestAClientThatLeftOnARealConnection(t *testing.T) {
	w, b := belled(t, &slowlog.Watch{})
	s := server(t, w.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })))
	ctx, leave := context.WithCancel(t.Context())
	go func() { b.rung(t); leave() }()
	req, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
	if resp, err := s.Client().Do(req); err == nil {
		t.Errorf("an answer: %s", resp.Status)
	}
	r := ended(t, w)
	equal(t, "outcome", r.End.Outcome, slowlog.ClientLeft)
	equal(t, "status", r.End.Status, 0)
}

func TestAHijackedConnectionIsWatchedNoMore(t *testing.T) {
	w, b := belled(t, &slowlog.Watch{Again: 3})
	s := server(t, w.Wrap(timebox.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b.rung(t)
		conn, _, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		equal(t, "in flight", w.Stats().InFlight, 0)
		equal(t, "listed", len(w.InFlight()), 0)
		reports := w.Stats().Reports
		time.Sleep(100 * time.Millisecond)
		equal(t, "reports since", w.Stats().Reports-reports, 0)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	}))))
	equal(t, "answer", get(t, s, "/"), "hello")
	r := ended(t, w)
	equal(t, "outcome", r.End.Outcome, slowlog.LongLived)
}

func TestAResponseThatTheTimeboxCutsOffOnARealConnection(t *testing.T) {
	w, b := belled(t, &slowlog.Watch{After: 50 * time.Millisecond, Again: 3})
	box := &timebox.Box{Limit: time.Second}
	s := server(t, w.Wrap(box.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half an answer")
		w.(http.Flusher).Flush()
		b.rung(t)
		<-r.Context().Done()
		time.Sleep(20 * time.Millisecond) // so that the box is first
	}))))
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the client took %q for the whole", body)
	}
	r := ended(t, w)
	equal(t, "outcome", r.End.Outcome, slowlog.Cut)
	equal(t, "status", r.End.Status, 200)
	equal(t, "bytes", r.Bytes, int64(len("half an answer")))
}

// server2 serves h with HTTP/2 on the loopback interface.
func server2(t *testing.T, h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = silent
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestAnHTTP2RequestIsReportedWithItsBoxedHandlerFirst(t *testing.T) {
	w, b := belled(t, &slowlog.Watch{After: 50 * time.Millisecond, Again: 3})
	box := &timebox.Box{Limit: time.Second}
	release := make(chan struct{})
	defer close(release)
	s := server2(t, w.Wrap(box.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { theHTTP2Handler(release) }))))
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	equal(t, "protocol", resp.Proto, "HTTP/2.0")
	equal(t, "status", resp.StatusCode, 503)
	b.until(t, "receiving from a channel")
	r := ended(t, w)
	equal(t, "outcome", r.End.Outcome, slowlog.Refused)
	equal(t, "protocol", r.Proto, "HTTP/2.0")
	equal(t, "first", r.Stacks[0].Name, "runs the handler")
	equal(t, "where", r.Where(), "receiving from a channel in slowlog_test.theHTTP2Handler")
	equal(t, "second", r.Stacks[1].Name, "waits for the handler in its box")
}

func TestAnHTTP2RequestWithoutABoxIsReportedToo(t *testing.T) {
	w, b := belled(t, &slowlog.Watch{Again: 10})
	release, told := make(chan struct{}), make(chan alert.Alert, 1)
	go func() { told <- b.until(t, "receiving from a channel"); close(release) }()
	s := server2(t, w.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { theHTTP2Handler(release) })))
	get(t, s, "/")
	equal(t, "outcome", ended(t, w).End.Outcome, slowlog.Answered)
	a := <-told
	equal(t, "first", a.Stacks[0].Name, "runs the handler")
	contains(t, a.Title, ", receiving from a channel in slowlog_test.theHTTP2Handler")
}

func theHTTP2Handler(release chan struct{}) { <-release }

func TestWhateverURLAClientSendsIsReported(t *testing.T) {
	for _, c := range []struct{ name, line, uri string }{
		{"invalid UTF-8", "GET /\xff\xfe?q=\xc3\x28 HTTP/1.1", "GET /%FF%FE?q=%C3("},
		{"escapes", "GET /a%0a%00?q=%0d%0aX:%201 HTTP/1.1", "GET /a%0a%00?q=%0d%0aX:%201"},
		{"absolute", "GET http://elsewhere/book?q=1 HTTP/1.1", "GET http://elsewhere/book?q=1"},
		{"asterisk", "OPTIONS * HTTP/1.1", "OPTIONS *"},
		{"authority", "CONNECT shop.example:443 HTTP/1.1", "CONNECT shop.example:443"},
		{"direction marks", "GET /\u202egpj.exe HTTP/1.1", "GET /%E2%80%AEgpj.exe"},
		{"odd method", "BREW!#$%&'*+-.^_`|~ / HTTP/1.1", "BREW!#$%&'*+-.^_`|~ /"},
		{"200 kB", "GET /" + strings.Repeat("x", 200_000) + " HTTP/1.1", "GET /" + strings.Repeat("x", 1998) + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, b := belled(t, &slowlog.Watch{})
			s := server(t, w.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-b })))
			s.Config.DisableGeneralOptionsHandler = true
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "%s\r\nHost: shop.example\r\nConnection: close\r\n\r\n", c.line)
			if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200 ") {
				t.Fatalf("answer %q, %v", line, err)
			}
			r := ended(t, w)
			if first, _, _ := strings.Cut(r.Text(), "\n"); !strings.HasPrefix(first, "slow request: "+c.uri) || len(first) > 8100 {
				t.Errorf("first line %.500q, want %q", first, c.uri)
			}
			if len(r.URI) > 8000 || len(r.Title()) > 1000 {
				t.Errorf("%d bytes of URI, %d of title", len(r.URI), len(r.Title()))
			}
		})
	}
}

func get(t *testing.T, s *httptest.Server, path string) string {
	t.Helper()
	resp, err := s.Client().Get(s.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}
