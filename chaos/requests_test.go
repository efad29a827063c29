package chaos_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

// web is a proxy of a web server that answers with the body that it got.
func web(t testing.TB, p *chaos.Proxy) *chaos.Proxy {
	t.Helper()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		io.Copy(w, r.Body)
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(ln) })
	t.Cleanup(func() { server.Close(); serving.Wait() })
	p.Backend, p.Protocol = ln.Addr().String(), wire.HTTP
	return start(t, p)
}

// client gives one that uses one connection after another.
func client(t testing.TB) *http.Client {
	transport := &http.Transport{MaxConnsPerHost: 1}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// statuses makes requests one after the other, and writes down what became of them.
func statuses(t testing.TB, p *chaos.Proxy, n int) string {
	t.Helper()
	c := client(t)
	var all strings.Builder
	for i := range n {
		resp, err := c.Get("http://" + p.Addr() + fmt.Sprint("/", i))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		all.WriteString(fmt.Sprint(resp.StatusCode, " "))
	}
	return all.String()
}

func TestPercentagesAreKeptAndTheSeedRepeatsThem(t *testing.T) {
	mix := chaos.Fault{Behavior: chaos.Mix{{Percent: 50, Behavior: chaos.Dummy{}}, {Percent: 20, Behavior: chaos.Error{Code: "503"}}}}
	run := func(seed uint64) string {
		p := web(t, &chaos.Proxy{Seed: seed})
		set(t, p, mix)
		got := statuses(t, p, 2000)
		if s := p.Stats(); s.Total != 1 {
			t.Errorf("%d connections for 2000 requests: an error has cost one", s.Total)
		}
		return got
	}
	first := run(7)
	if n := strings.Count(first, "503"); n < 340 || n > 460 {
		t.Errorf("%d errors of 2000 requests, want 20 ± 3 %%", n)
	}
	if run(7) != first {
		t.Error("the same seed and the same traffic gave other errors")
	}
	if run(8) == first {
		t.Error("another seed gave the same errors")
	}
}

func TestADeniedRequestIsKeptFromTheBackend(t *testing.T) {
	p := web(t, &chaos.Proxy{})
	set(t, p, chaos.Fault{Behavior: chaos.Error{Code: "502"}})
	c := client(t)
	big := strings.Repeat("x", 1<<20)
	for range 3 {
		resp, err := c.Post("http://"+p.Addr(), "text/plain", strings.NewReader(big))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body) // or the client would not use the connection again
		resp.Body.Close()
		if resp.StatusCode != 502 || resp.Header.Get("X-Path") != "" {
			t.Fatalf("got %v", resp)
		}
	}
	if s := p.Stats(); s.Up != 0 || s.Total != 1 || s.Requests != 3 {
		t.Errorf("%+v: want three requests on one connection, and none of them at the backend", s)
	}
	set(t, p)
	resp, err := c.Post("http://"+p.Addr(), "text/plain", strings.NewReader(big))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != big {
		t.Errorf("without the fault the connection gave %d bytes", len(body))
	}
}

// TestPipelinedAnswersComeInOrder denies some commands of a pipeline that a real Redis answers the rest of.
func TestPipelinedAnswersComeInOrder(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: servers.Redis(t).Addr, Protocol: wire.Redis, Seed: 3})
	set(t, p, chaos.Fault{Behavior: chaos.Error{}, Share: 0.3}, chaos.Fault{Behavior: chaos.Delay{Sleep: 5 * time.Millisecond}, Share: 0.01})
	c := dial(t, p)
	const n = 3000
	var writing sync.WaitGroup
	writing.Go(func() {
		w := bufio.NewWriter(c)
		for i := range n {
			word := fmt.Sprint("word-", i)
			fmt.Fprintf(w, "*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", len(word), word)
		}
		w.Flush()
	})
	r, denied := bufio.NewReader(c), 0
	for i := range n {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(i, err)
		}
		if line[0] == '-' {
			denied++
			continue
		}
		word, err := r.ReadString('\n')
		if want := fmt.Sprint("word-", i, "\r\n"); err != nil || word != want {
			t.Fatalf("answer %d is %q and %v, want %q", i, word, err, want)
		}
	}
	writing.Wait()
	if denied < n/5 || denied > n/5*2 {
		t.Errorf("%d of %d denied, want about 30 %%", denied, n)
	}
}

func TestFaultsOfRequests(t *testing.T) {
	const patience = 300 * time.Millisecond
	for _, test := range []struct {
		name     string
		behavior chaos.Behavior
		want     string // of the error, or the status
		slow     time.Duration
		reached  bool // the backend has seen it
	}{
		{"none", chaos.Dummy{}, "200", 0, true},
		{"delay before", chaos.Delay{Sleep: 100 * time.Millisecond, Before: true}, "200", 100 * time.Millisecond, true},
		{"delay after", chaos.Delay{Sleep: 100 * time.Millisecond}, "200", 100 * time.Millisecond, true},
		{"error", chaos.Error{Code: "500"}, "500", 0, false},
		{"hang", chaos.Hang{}, "deadline exceeded", patience, false},
		{"abort", chaos.Abort{}, "connection reset", 0, true},
		{"blackout", chaos.Blackout{}, "connection reset|EOF", 0, false},
		{"half open", chaos.HalfOpen{}, "deadline exceeded", patience, false},
		{"refuse", chaos.Refuse{}, "refused", 0, false},
		{"cut", chaos.LimitData{Bytes: 30}, "EOF", 0, true},
		{"timeout", chaos.Timeout{Timeout: 50 * time.Millisecond}, "EOF", 50 * time.Millisecond, true},
		{"reset later", chaos.Reset{After: 50 * time.Millisecond}, "200", 0, true},
		{"latency", chaos.Latency{Latency: 100 * time.Millisecond}, "200", 100 * time.Millisecond, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := web(t, &chaos.Proxy{})
			set(t, p, chaos.Fault{Behavior: test.behavior})
			c := client(t)
			began := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+p.Addr()+"/path", nil)
			resp, err := c.Do(req)
			took := time.Since(began)
			got := fmt.Sprint(err)
			if err == nil {
				got = fmt.Sprint(resp.StatusCode)
				resp.Body.Close()
			}
			matches := false
			for want := range strings.SplitSeq(test.want, "|") {
				matches = matches || strings.Contains(got, want)
			}
			if !matches {
				t.Errorf("the client saw %q, want %q", got, test.want)
			}
			if took < test.slow {
				t.Errorf("it took %v, want at least %v", took, test.slow)
			}
			for range 100 { // the proxy counts bytes when they are gone
				if p.Stats().Up > 0 == test.reached {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if reached := p.Stats().Up > 0; reached != test.reached {
				t.Errorf("the backend has seen the request: %v, want %v", reached, test.reached)
			}
			set(t, p)
			if got := statuses(t, p, 2); got != "200 200 " {
				t.Errorf("without the fault: %q", got)
			}
		})
	}
}

func TestAnIdleConnectionMeetsWhatWasSetMeanwhile(t *testing.T) {
	p := web(t, &chaos.Proxy{})
	c := client(t)
	for i := range 20 {
		faults, want := []chaos.Fault(nil), 200
		if i%2 == 1 {
			faults, want = []chaos.Fault{{Behavior: chaos.Error{Code: "503"}}}, 503
		}
		set(t, p, faults...)
		resp, err := c.Get("http://" + p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Fatalf("request %d was answered %d, want %d", i, resp.StatusCode, want)
		}
	}
	if s := p.Stats(); s.Total != 1 {
		t.Errorf("%d connections, want 1", s.Total)
	}
}

func TestWhatIsSaidBeforeThereIsABackendMeetsItsFaults(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	set(t, p, chaos.Fault{Behavior: chaos.Latency{Latency: 100 * time.Millisecond}, Direction: chaos.Upstream},
		chaos.Fault{Behavior: chaos.SlowConnect{Delay: 50 * time.Millisecond}})
	began := time.Now()
	c := dial(t, p)
	say(t, c, "hello")
	hear(t, c, "hello")
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("it took %v, want 50 ms to connect and 100 ms on the way", took)
	}
}
