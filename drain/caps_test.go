package drain_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/drain"
)

// refusal reports whether the answer is one that says when to come back.
func refusal(resp *http.Response) bool {
	after, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	return resp.StatusCode == 503 && err == nil && after >= 3 && after <= 8
}

// whatever does what the path says.
func whatever(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/events":
		events(w, r)
	case "/poll":
		if err := drain.Stream(w); err != nil {
			backoff.Reply(w, r, err)
			return
		}
		w.WriteHeader(200)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	default:
		if r.Header.Get("Upgrade") != "" {
			takeOver(w)
		}
	}
}

func TestWhatIsTooMuchIsRefused(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, p protocol) {
		d := &drain.Drainer{MaxConns: 2}
		s := serve(t, p, d.Wrap(http.HandlerFunc(whatever)))
		first := s.get("/events")
		s.get("/poll")
		for _, path := range []string{"/events", "/poll"} {
			resp := s.get(path)
			if !refusal(resp) || strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
				t.Errorf("%s: %v", path, resp)
			}
			if body := text(t, resp); !strings.Contains(body, "503 Service Unavailable") || strings.Contains(body, "data") {
				t.Errorf("%s: %q", path, body)
			}
		}
		if p.major == 1 {
			if _, _, resp := s.upgrade(); resp == nil || !refusal(resp) {
				t.Errorf("upgrade: %v", resp)
			}
		}
		if resp := s.get("/"); resp.StatusCode != 200 {
			t.Errorf("an ordinary request: %v", resp)
		}
		if got := d.Stats().Full; got != uint64(4-p.major) {
			t.Errorf("%d refused", got)
		}
		first.Body.Close()
		eventually(t, "a slot", isCount(d, drain.Count{Streams: 1}))
		if resp := s.get("/poll"); resp.StatusCode != 200 {
			t.Errorf("with a slot: %v", resp)
		}
	})
}

func TestAHandlerWhoseStreamIsRefusedLearnsOfIt(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, p protocol) {
		d := &drain.Drainer{MaxConns: 1}
		learned := make(chan error, 2)
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/first" {
				events(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			_, err := io.WriteString(w, "data: 1\n\n")
			learned <- err
			<-r.Context().Done()
			learned <- context.Cause(r.Context())
		})))
		s.get("/first")
		if resp := s.get("/"); !refusal(resp) {
			t.Errorf("%v", resp)
		}
		for range 2 {
			var refused *drain.RefusedError
			if err := <-learned; !errors.As(err, &refused) || !errors.Is(err, drain.ErrFull) || refused.After != drain.DefaultRetry {
				t.Errorf("%v", err)
			}
		}
	})
}

// A handler that minds neither its context nor an error keeps nobody waiting.
func TestARefusedStreamIsAnsweredAtOnce(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, p protocol) {
		d := &drain.Drainer{MaxConns: 1}
		end := make(chan struct{})
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(200)
			if r.URL.Path == "/first" {
				http.NewResponseController(w).Flush()
			}
			<-end
		})))
		defer close(end)
		s.get("/first")
		if resp := s.get("/"); !refusal(resp) {
			t.Errorf("%v", resp)
		}
	})
}

func TestEachClientHasItsCap(t *testing.T) {
	d := &drain.Drainer{MaxConns: 10, MaxPerClient: 1}
	h := d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := drain.Stream(w); err != nil {
			if !errors.Is(err, drain.ErrClientFull) {
				t.Error(err)
			}
			answerRefusal(w, err)
			return
		}
		if next, ok := r.Context().Value(http.ServerContextKey).(func()); ok {
			next()
		}
	}))
	ask := func(from string, inside func()) int {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = from
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, inside)))
		return w.Code
	}
	for from, others := range map[string]map[string]int{
		"192.0.2.1:1000": {"192.0.2.1:2000": 503, "[::ffff:192.0.2.1]:3": 503, "192.0.2.2:1": 200, "[2001:db8::1]:1": 200},
		"[2001:db8:1:2::3]:1000": {
			"[2001:db8:1:2:ffff::]:1": 503, "[2001:db8:1:3::3]:1": 200, "[2001:db8:1:2::9%eth0]:1": 503,
		},
		"@": {"@": 200, "": 200}, // a Unix socket
	} {
		ask(from, func() {
			for other, want := range others {
				if got := ask(other, func() {}); got != want {
					t.Errorf("%s beside %s: %d, want %d", other, from, got, want)
				}
			}
		})
		if got := ask(from, func() {}); got != 200 {
			t.Errorf("%s after all: %d", from, got)
		}
	}
}

func TestAClientMayBeSomebodyElse(t *testing.T) {
	d := &drain.Drainer{MaxPerClient: 1, Client: func(r *http.Request) string { return r.Header.Get("X-User") }}
	s := serve(t, protocols[0], d.Wrap(http.HandlerFunc(whatever)))
	ask := func(user string) int {
		r, _ := http.NewRequest("GET", s.URL+"/poll", nil)
		r.Header.Set("X-User", user)
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp.StatusCode
	}
	for _, c := range []struct {
		user string
		want int
	}{{"ann", 200}, {"bob", 200}, {"ann", 503}, {"", 200}, {"", 200}} {
		if got := ask(c.user); got != c.want {
			t.Errorf("%q: %d, want %d", c.user, got, c.want)
		}
	}
	if got := d.Stats(); got.ClientFull != 1 || got.Full != 0 {
		t.Errorf("%+v", got)
	}
}

// However many come at once, there are never more than the cap, and all slots come back.
func TestARaceForTheLastSlotsHasNoMoreWinnersThanSlots(t *testing.T) {
	const slots, rivals = 5, 60
	d := &drain.Drainer{MaxConns: slots, MaxPerClient: slots}
	begin := make(chan struct{})
	var lost, won sync.Map
	var handlers sync.WaitGroup
	handlers.Add(rivals)
	s := serve(t, protocols[0], d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-begin
		defer handlers.Done()
		conn, _, err := takeOver(w)
		if err != nil {
			lost.Store(r, err)
			answerRefusal(w, err)
			return
		}
		won.Store(conn, true)
	})))
	var all sync.WaitGroup
	for range rivals {
		all.Go(func() { s.upgrade() })
	}
	eventually(t, "all rivals", isCount(d, drain.Count{InFlight: rivals}))
	close(begin)
	all.Wait()
	handlers.Wait()
	handlers.Add(1) // for one more
	winners, losers := 0, 0
	for range won.Range {
		winners++
	}
	for _, err := range lost.Range {
		if losers++; !errors.Is(err.(error), drain.ErrFull) {
			t.Error(err)
		}
	}
	if winners != slots || losers != rivals-slots || d.Count() != (drain.Count{Hijacked: slots}) {
		t.Errorf("%d have won and %d lost, %+v", winners, losers, d.Count())
	}
	for conn := range won.Range {
		var twice sync.WaitGroup // at once
		for range 2 {
			twice.Go(func() { conn.(io.Closer).Close() })
		}
		twice.Wait()
	}
	if d.Count() != (drain.Count{}) {
		t.Errorf("left: %+v", d.Count())
	}
	if _, _, resp := s.upgrade(); resp != nil {
		t.Errorf("the slots are not free: %v", resp)
	}
}

func TestARequestThatOnlyOffersHTTPIsServed(t *testing.T) {
	d := &drain.Drainer{MaxConns: 1}
	s := serve(t, protocols[0], d.Wrap(http.HandlerFunc(whatever)))
	s.get("/poll")
	for protocol, want := range map[string]int{
		"h2c": 200, "TLS/1.0": 200, "HTTP/2.0, TLS/1.2": 200, "": 200,
		"websocket": 503, "WebSocket": 503, "h2c, echo": 503,
	} {
		r, _ := http.NewRequest("POST", s.URL+"/nothing", nil)
		r.Header["Upgrade"] = []string{protocol}
		r.Header.Set("Connection", "Upgrade")
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: %d, want %d", protocol, resp.StatusCode, want)
		}
	}
}

func TestASlotComesBackHoweverAHandlerEnds(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, p protocol) {
		d := &drain.Drainer{MaxConns: 1}
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := drain.Stream(w); err != nil {
				t.Errorf("%s: %v", r.URL.Path, err)
			}
			switch r.URL.Path {
			case "/panic":
				panic("on purpose")
			case "/abort":
				panic(http.ErrAbortHandler)
			case "/goexit":
				if p.major == 1 { // over HTTP/2 net/http waits for the handler for ever
					goexit()
				}
			case "/twice":
				if err := drain.Stream(w); err != nil {
					t.Errorf("again: %v", err)
				}
			}
		})))
		for _, path := range []string{"/panic", "/abort", "/goexit", "/twice", "/"} {
			resp, err := s.Client().Get(s.URL + path)
			if err == nil {
				resp.Body.Close()
			}
			eventually(t, "the slot of "+path, isCount(d, drain.Count{}))
		}
	})
}

// broken is a response whose connection cannot be taken over.
type broken struct {
	nowhere
	how func() error
}

func (b broken) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, b.how() }

func TestASlotComesBackIfTheHijackFails(t *testing.T) {
	d := &drain.Drainer{MaxConns: 1}
	for name, how := range map[string]func() error{
		"with an error": func() error { return http.ErrNotSupported },
		"with a panic":  func() error { panic("on purpose") },
	} {
		h := d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); conn != nil || !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("%s: %v, %v", name, conn, err)
			}
			if err := drain.Stream(w); err != nil {
				t.Errorf("%s: then a stream: %v", name, err)
			}
		}))
		panics(func() { h.ServeHTTP(broken{nowhere{make(http.Header)}, how}, new(http.Request)) })
		var free bool
		d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { free = drain.Stream(w) == nil })).
			ServeHTTP(nowhere{make(http.Header)}, new(http.Request))
		if !free || d.Count() != (drain.Count{}) {
			t.Errorf("%s: the slot is free: %v; %+v", name, free, d.Count())
		}
	}
}

func TestRequestsAreCountedApartFromStreams(t *testing.T) {
	d := new(drain.Drainer)
	ask := func(f http.HandlerFunc) { d.Wrap(f).ServeHTTP(nowhere{make(http.Header)}, new(http.Request)) }
	stream := func(w http.ResponseWriter, r *http.Request) {
		drain.Stream(w)
		if got := d.Count(); got != (drain.Count{Streams: 1}) {
			t.Errorf("in a stream: %+v", got)
		}
	}
	for range 2 {
		ask(stream)
		ask(func(w http.ResponseWriter, r *http.Request) {
			if got := d.Count(); got != (drain.Count{InFlight: 1}) {
				t.Errorf("in a request: %+v", got)
			}
		})
	}
}

func ExampleStream() {
	d := &drain.Drainer{MaxConns: 1}
	news := make(chan string)
	poll := func(w http.ResponseWriter, r *http.Request) {
		if err := drain.Stream(w); err != nil {
			backoff.Reply(w, r, err) // 503, Retry-After
			return
		}
		select {
		case text := <-news:
			fmt.Fprint(w, text)
		case <-time.After(time.Minute):
			w.WriteHeader(http.StatusNoContent)
		case <-r.Context().Done(): // the client has left, or the server shuts down
			w.WriteHeader(http.StatusNoContent)
		}
	}
	srv := httptest.NewServer(d.Wrap(http.HandlerFunc(poll)))
	defer srv.Close()

	go func() { news <- "the dog barks" }()
	resp, err := http.Get(srv.URL)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	fmt.Println(string(text))
	// Output: the dog barks
}
