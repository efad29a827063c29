package backoff_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
)

// served starts a real server, of HTTP/2 if wanted, and gives a client whose Transport is built on one of
// its own.
func served(t testing.TB, two bool, h http.HandlerFunc) (url string, client *http.Client, transport *backoff.Transport) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // connections are cut on purpose
	server.EnableHTTP2 = two
	if two {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	transport = &backoff.Transport{Base: server.Client().Transport}
	client = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	return server.URL, client, transport
}

var versions = map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true}

func TestARetryReusesTheConnection(t *testing.T) {
	for name, two := range versions {
		for _, size := range []int{0, 10, 60 << 10} {
			var requests atomic.Int32
			url, client, transport := served(t, two, func(w http.ResponseWriter, r *http.Request) {
				if r.Proto != name {
					t.Errorf("%s, want %s", r.Proto, name)
				}
				if requests.Add(1) < 4 {
					w.WriteHeader(503)
					io.WriteString(w, strings.Repeat("x", size))
					return
				}
				io.Copy(w, r.Body)
			})
			transport.Retries, transport.RetryDelay = 3, time.Millisecond

			var mu sync.Mutex
			fresh := 0
			trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
				mu.Lock()
				defer mu.Unlock()
				if !c.Reused {
					fresh++
				}
			}}
			req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "PUT", url, strings.NewReader("sent four times"))
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(data) != "sent four times" || err != nil || requests.Load() != 4 {
				t.Errorf("%s: %q, %v after %d requests", name, data, err, requests.Load())
			}
			if fresh != 1 {
				t.Errorf("%s, bodies of %d bytes: %d connections for four attempts", name, size, fresh)
			}
		}
	}
}

func TestAConnectionThatIsCutIsTriedAgain(t *testing.T) {
	for name, two := range versions {
		var requests atomic.Int32
		url, client, transport := served(t, two, func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1) == 1 {
				if two {
					panic(http.ErrAbortHandler) // the stream is reset
				}
				conn, _, _ := http.NewResponseController(w).Hijack()
				conn.Close()
				return
			}
			io.WriteString(w, "hello")
		})
		if _, err := client.Get(url); err == nil {
			t.Fatalf("%s: no error without retries", name)
		}
		requests.Store(0)
		transport = &backoff.Transport{Base: transport.Base, Retries: 1}
		client.Transport = transport
		resp, err := client.Get(url)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if data, err := io.ReadAll(resp.Body); string(data) != "hello" || err != nil || requests.Load() != 2 {
			t.Errorf("%s: %q, %v after %d requests", name, data, err, requests.Load())
		}
		resp.Body.Close()
	}
}

// A server that takes connections and drops them all, as one does that restarts.
func TestAConnectionThatIsLostOverTLSIsTriedAgain(t *testing.T) {
	var requests atomic.Int32
	lost := make(chan net.Conn, 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			(<-lost).Close() // under all of its streams
			<-r.Context().Done()
			return
		}
		io.WriteString(w, "hello")
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		if s == http.StateNew {
			lost <- c
		}
	}
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client := &http.Client{Transport: &backoff.Transport{Base: server.Client().Transport, Retries: 1}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if requests.Load() != 2 || resp.ProtoMajor != 2 {
		t.Errorf("%d requests, %s", requests.Load(), resp.Proto)
	}
}

// A server whose shutdown takes too long says GOAWAY and closes the connection under its requests.
func TestARequestThatAShutdownCutOffIsTriedAgain(t *testing.T) {
	begun := make(chan struct{}, 1)
	old := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-r.Context().Done()
	}))
	restarted := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	for _, server := range []*httptest.Server{old, restarted} {
		server.EnableHTTP2 = true
		server.StartTLS()
		defer server.Close()
	}
	base := old.Client().Transport.(*http.Transport)
	var dials atomic.Int32
	base.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials.Add(1) > 1 {
			addr = restarted.Listener.Addr().String()
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	client := &http.Client{Transport: &backoff.Transport{Base: base, Retries: 1}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	var closing sync.WaitGroup
	closing.Go(func() {
		<-begun
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		old.Config.Shutdown(ctx)
		old.Config.Close()
	})
	resp, err := client.Get(old.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	closing.Wait()
	if resp.ProtoMajor != 2 || dials.Load() != 2 {
		t.Errorf("%s after %d connections", resp.Proto, dials.Load())
	}
}

func TestAServerThatIsGoneIsTriedUntilItIsBack(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()

	base := &http.Transport{}
	defer base.CloseIdleConnections()
	var server http.Server
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	var serving sync.WaitGroup
	client := &http.Client{Transport: &backoff.Transport{Retries: 6, RetryDelay: 50 * time.Millisecond,
		Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(r)
			if err != nil && server.Addr == "" {
				server.Addr = addr
				if l, err := net.Listen("tcp", addr); err == nil {
					serving.Go(func() { server.Serve(l) })
				} else {
					t.Skipf("the port was taken by somebody else: %v", err)
				}
			}
			return resp, err
		})}}
	resp, err := client.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	base.CloseIdleConnections()
	server.Close()
	serving.Wait()
}

func TestARealServerIsLeftAlone(t *testing.T) {
	for name, two := range versions {
		var requests atomic.Int32
		url, client, _ := served(t, two, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			w.Header().Set("X-Backoff", "30")
			io.WriteString(w, "for the last time")
		})
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := io.ReadAll(resp.Body); string(data) != "for the last time" || err != nil {
			t.Errorf("%s: %q, %v", name, data, err)
		}
		resp.Body.Close()
		var refused *backoff.Error
		if _, err := client.Get(url + "/other"); !errors.As(err, &refused) || refused.Host != url {
			t.Errorf("%s: %v", name, err)
		}
		if requests.Load() != 1 {
			t.Errorf("%s: %d requests", name, requests.Load())
		}
	}
}

// A server whose upstream wants to be left alone tells its own clients so.
func TestAServerPassesOnWhatItsUpstreamAsked(t *testing.T) {
	upstream, client, _ := served(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "1000")
		w.WriteHeader(503)
	})
	front := backoff.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), "GET", upstream, nil)
		resp, err := client.Do(req)
		if err != nil {
			backoff.Reply(w, r, err)
			return
		}
		resp.Body.Close()
	}))
	for _, want := range []int{200, 503} { // the first has been asked, the second has been refused
		w := httptest.NewRecorder()
		front.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		wait, told := backoff.Parse(w.Header(), time.Now())
		if w.Code != want || told != (want == 503) || told && (wait < 995*time.Second || wait > 1400*time.Second) {
			t.Errorf("%d, to come back in %v; want %d", w.Code, wait, want)
		}
	}
}

// What the upstream asked is no excuse for a failure that may have nothing to do with it.
func TestAServerThatGetsAlongWithoutItsUpstreamFailsByItself(t *testing.T) {
	transport := &backoff.Transport{Base: scripted(says(200, "X-Backoff", "99999999"))}
	ask(t, transport, site)
	front := backoff.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), "GET", site, nil)
		if _, err := transport.RoundTrip(req); err == nil {
			t.Error("the upstream was asked")
		}
		http.Error(w, "a mistake of my own", http.StatusInternalServerError)
	}))
	w := httptest.NewRecorder()
	front.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 500 || w.Header().Get("Retry-After") != "" {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
}

func TestARealWaitLastsAsLongAsAsked(t *testing.T) {
	var first atomic.Int64
	url, client, transport := served(t, false, func(w http.ResponseWriter, r *http.Request) {
		if first.CompareAndSwap(0, time.Now().UnixNano()) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(503)
			return
		}
		if took := time.Since(time.Unix(0, first.Load())); took < time.Second {
			t.Errorf("back after %v", took)
		}
	})
	transport.Wait = 20 * time.Second
	for _, want := range []int{503, 200} {
		resp, err := client.Get(url)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%v, %v, want %d", resp, err, want)
		}
		resp.Body.Close()
	}
}

func TestAConnectionsTakeoverGoesThrough(t *testing.T) {
	url, _, transport := served(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, buf, _ := http.NewResponseController(w).Hijack()
		defer conn.Close()
		line, _ := buf.ReadString('\n')
		io.WriteString(conn, line)
	})
	transport.Retries = 1
	req, _ := http.NewRequest("GET", url, nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatalf("the body is a %T and cannot be written", resp.Body)
	}
	defer conn.Close()
	io.WriteString(conn, "hello\n")
	if data, err := io.ReadAll(conn); string(data) != "hello\n" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
}

type idler struct {
	http.RoundTripper
	closed int
}

func (i *idler) CloseIdleConnections() { i.closed++ }

func TestCloseIdleConnectionsReachesTheBase(t *testing.T) {
	base := &idler{RoundTripper: http.DefaultTransport}
	(&http.Client{Transport: &backoff.Transport{Base: base}}).CloseIdleConnections()
	if base.closed != 1 {
		t.Errorf("called %d times", base.closed)
	}
	(&backoff.Transport{Base: scripted(says(200))}).CloseIdleConnections() // has no such method
}

func TestTheZeroTransportSendsWithTheDefaultOne(t *testing.T) {
	url, _, _ := served(t, false, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	transport := new(backoff.Transport)
	defer transport.CloseIdleConnections()
	if status, err := ask(t, transport, url); status != 200 || err != nil {
		t.Errorf("%d, %v", status, err)
	}
}
