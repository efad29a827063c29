package slowlog_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/slowlog"
)

func TestTheReportSaysInPlainWordsWhatTheHandlerWaitsFor(t *testing.T) {
	var mutex sync.Mutex
	mutex.Lock()
	var group sync.WaitGroup
	group.Add(1)
	one, two := make(chan int), make(chan int)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	backend, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { backend.Close(); listener.Close() })
	var stop atomic.Bool
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	for _, c := range []struct {
		state string
		wait  func(r *http.Request)
		end   func()
	}{
		{"receiving from a channel", func(*http.Request) { <-one }, func() { one <- 1 }},
		{"sending to a channel", func(*http.Request) { one <- 1 }, func() { <-one }},
		{"in a select", func(*http.Request) { selecting(one, two) }, func() { two <- 2 }},
		{"waiting for a lock", func(*http.Request) { mutex.Lock() }, func() { mutex.Unlock() }},
		{"waiting for a WaitGroup", func(*http.Request) { group.Wait() }, func() { group.Done() }},
		{"waiting for the network", func(*http.Request) { backend.Read(make([]byte, 1)) }, func() { backend.Close() }},
		{"waiting for an HTTP response", func(r *http.Request) { ask(r, hanging.URL) }, func() { hanging.CloseClientConnections() }},
		{"running", func(*http.Request) { compute(&stop) }, func() { stop.Store(true) }},
	} {
		t.Run(c.state, func(t *testing.T) {
			w, b := belled(t, &slowlog.Watch{Again: 10})
			done := make(chan struct{})
			go func() {
				visit(w.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { c.wait(r) })), "GET", "/")
				close(done)
			}()
			a := b.until(t, c.state)
			c.end()
			<-done
			equal(t, "state", a.Stacks[0].State, c.state)
			contains(t, a.Title, ", "+c.state+" in slowlog_test.")
		})
	}
}

func selecting(a, b chan int) {
	select {
	case <-a:
	case <-b:
	}
}

func ask(r *http.Request, url string) {
	req, _ := http.NewRequestWithContext(r.Context(), "GET", url, nil)
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
	}
}

func compute(end *atomic.Bool) {
	for !end.Load() {
	}
}

func TestTheApplicationsFramesAreToldFromTheLibrarysAndShowTheirSource(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		visit(w.Wrap(http.HandlerFunc(readsSlowly)), "GET", "/")
		r := the(t, w)
		var app, library []string
		for _, f := range r.Stacks[0].Frames {
			if f.App {
				app = append(app, f.Source)
			} else {
				library = append(library, f.Func)
				equal(t, "source of "+f.Func, f.Source, "")
			}
		}
		for _, want := range []string{"time.Sleep(time.Duration(n) * time.Second) // the line to be shown", "io.ReadFull(sleepy(2), make([]byte, 1))"} {
			if !slices.Contains(app, want) {
				t.Errorf("no source line %q in %q", want, app)
			}
		}
		for _, want := range []string{"time.Sleep", "io.ReadFull", "net/http.HandlerFunc.ServeHTTP", "github.com/heeler-go/heeler/slowlog.(*handler).ServeHTTP"} {
			if !slices.Contains(library, want) {
				t.Errorf("%s is not among the library's frames: %q", want, library)
			}
		}
	})
}

// A sleepy reader is the application's, called by a library.
type sleepy int

func (n sleepy) Read(p []byte) (int, error) {
	time.Sleep(time.Duration(n) * time.Second) // the line to be shown
	return len(p), nil
}

func readsSlowly(w http.ResponseWriter, r *http.Request) {
	io.ReadFull(sleepy(2), make([]byte, 1))
}

func TestAReportTellsWhatHasBecomeOfTheResponse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second, Again: 1})
		visit(w.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			time.Sleep(1500 * time.Millisecond)
			rw.WriteHeader(http.StatusAccepted)
			io.WriteString(rw, "hello")
			rw.(http.Flusher).Flush()
			equal(t, "status in flight", w.InFlight()[0].Status, http.StatusAccepted)
			equal(t, "bytes in flight", w.InFlight()[0].Bytes, 5)
			time.Sleep(1500 * time.Millisecond)
			io.WriteString(rw, " world")
		})), "GET", "/")
		later, first := w.Recent()[0], w.Recent()[1]
		equal(t, "status at first", first.Status, 0)
		equal(t, "first byte at first", first.FirstByte, 0)
		equal(t, "status later", later.Status, http.StatusAccepted)
		equal(t, "first byte later", later.FirstByte, 1500*time.Millisecond)
		equal(t, "bytes later", later.Bytes, 5)
		contains(t, later.Text(), "response:   202 after 1.5s, 5 bytes\n")
		equal(t, "status in the end", later.End.Status, http.StatusAccepted)
	})
}

func TestAReportShowsTheHeadersThatAreAskedFor(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, "map[Referer:/home User-Agent:test X-Request-Id:7]"},
		{[]string{}, "map[]"},
		{[]string{"accept", "Traceparent", "x-tenant", "Range", "Accept-Language", "X-Absent", "Authorization"},
			"map[Accept:text/html Accept-Language:en Authorization:[redacted] Traceparent:00-1-2-01 X-Tenant:acme]"},
	} {
		bubble(t, func(t *testing.T) {
			w := quiet(t, &slowlog.Watch{After: time.Second, Header: c.names})
			r := httptest.NewRequest("GET", "/", nil)
			for name, value := range map[string]string{"User-Agent": "test", "Referer": "/home", "X-Request-Id": "7", "X-Tenant": "acme",
				"Traceparent": "00-1-2-01", "Accept-Language": "en", "Authorization": "Bearer x"} {
				r.Header.Set(name, value)
			}
			r.Header["Accept"] = []string{"text/html", "text/plain"}
			r.Header["Range"] = nil
			w.Wrap(asleep(2*time.Second)).ServeHTTP(httptest.NewRecorder(), r)
			equal(t, "headers", fmt.Sprint(the(t, w).Header), c.want)
		})
	}
}

func TestAReportTellsOfTheRequestAndTheProcess(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &desk{}
		w := &slowlog.Watch{After: time.Second, Alert: queue(t, d)}
		start := time.Now()
		r := httptest.NewRequest("POST", "https://shop.example/cart?item=12", strings.NewReader("body"))
		r.Header.Set("User-Agent", "test")
		r.Header.Add("Accept", "text/html")
		r.Header.Add("Accept", "text/plain")
		w.Wrap(asleep(2*time.Second)).ServeHTTP(httptest.NewRecorder(), r)
		got := the(t, w)
		equal(t, "start", got.Start, start)
		equal(t, "taken", got.Taken, start.Add(time.Second))
		equal(t, "method", got.Method, "POST")
		equal(t, "URI", got.URI, "https://shop.example/cart?item=12")
		equal(t, "host", got.Host, "shop.example")
		equal(t, "client", got.RemoteAddr, r.RemoteAddr)
		equal(t, "protocol", got.Proto, "HTTP/1.1")
		equal(t, "headers", fmt.Sprint(got.Header), "map[User-Agent:test]")
		equal(t, "PID", got.PID, os.Getpid())
		if host, _ := os.Hostname(); got.Server != host {
			t.Errorf("server %q", got.Server)
		}
		if got.Goroutines < 3 || len(got.ID) != 32 {
			t.Errorf("goroutines %d, ID %q", got.Goroutines, got.ID)
		}
		a := d.alerts()[0]
		equal(t, "alert's title", a.Title, got.Title())
		equal(t, "alert's time", a.Time, got.Taken)
		equal(t, "alert's request", a.Request.ID, got.ID)
		equal(t, "alert's stacks", len(a.Stacks), len(got.Stacks))
		if want := map[string]string{"guard": "slowlog", "method": "POST", "server": got.Server, "state": "asleep"}; !maps.Equal(a.Tags, want) {
			t.Errorf("tags %v, want %v", a.Tags, want)
		}
	})
}

func TestTheJSONFormIsThatOfTheFields(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second, Trace: false})
		visit(w.Wrap(asleep(2*time.Second)), "GET", "/book?q=\xff")
		r := the(t, w)
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		contains(t, string(data), `"uri":"/book?q=%FF"`, `"elapsed_ns":1000000000`, `"capture":1`, `"state":"asleep"`, `"app":true`,
			`"end":{"duration_ns":2000000000,"status":200,"outcome":"answered"}`)
		var back slowlog.Report
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		equal(t, "text after a round trip", back.Text(), r.Text())
	})
}

func TestAlikeReportsBecomeOneAlert(t *testing.T) {
	for _, c := range []struct {
		name     string
		requests []string
		alerts   int
	}{
		{"the same route at the same place", []string{"/book/1", "/book/2?q=x", "/book/3"}, 1},
		{"different routes", []string{"/book/1", "/static/x"}, 2},
		{"a recursion of one depth and another", []string{"/recurse/3", "/recurse/30"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := &desk{}
				q := queue(t, d)
				q.Fold = time.Hour
				w := &slowlog.Watch{After: time.Second, Alert: q}
				mux := shopMux()
				mux.HandleFunc("/recurse/{depth}", func(_ http.ResponseWriter, r *http.Request) {
					depth, _ := strconv.Atoi(r.PathValue("depth"))
					recurse(depth)
				})
				h := w.Wrap(mux)
				for _, path := range c.requests {
					visit(h, "GET", path)
				}
				equal(t, "alerts", len(d.alerts()), c.alerts)
				equal(t, "reports", len(w.Recent()), len(c.requests))
			})
		})
	}
}

func TestARequestWithManyGoroutinesIsReportedInBounds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		visit(w.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			for i := range 80 { // each at a depth, thus a stack, of its own
				go recurse(i)
			}
			time.Sleep(2 * time.Second)
		})), "GET", "/")
		r := the(t, w)
		equal(t, "stacks", len(r.Stacks), 50)
		equal(t, "more", r.More, 31)
		equal(t, "first", r.Stacks[0].Name, "runs the handler")
		contains(t, r.Text(), "\nand 31 more stacks\n")
	})
}
