package breaker_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/breaker"
)

// site is a server of many kinds of answer, plain and over HTTP/2.
func site(t testing.TB, http2 bool) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Length")
		n, _ := io.Copy(w, r.Body)
		w.Header().Set("X-Length", fmt.Sprint(n))
	})
	mux.Handle("/moved", http.RedirectHandler("/echo", http.StatusTemporaryRedirect))
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, "squeezed")
		z.Close()
	})
	server := httptest.NewUnstartedServer(mux)
	if http2 {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server
}

func TestHTTPWorksAsEver(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			server := site(t, http2)
			b := &breaker.Breaker{Name: "site"}
			client := server.Client()
			client.Transport = b.Transport(client.Transport)
			var reused, continued int
			trace := &httptrace.ClientTrace{
				GotConn: func(info httptrace.GotConnInfo) {
					if info.Reused {
						reused++
					}
				},
				Got100Continue: func() { continued++ },
			}
			type key struct{}
			ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
			defer cancel()
			do := func(path, expect string) (*http.Response, string) {
				req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), "POST", server.URL+path, strings.NewReader("hello"))
				if expect != "" {
					req.Header.Set("Expect", expect)
				}
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.Proto[:6] != name[:6] {
					t.Fatal(err, resp.Proto)
				}
				if ctx := resp.Request.Context(); ctx.Err() != nil || ctx.Value(key{}) != "kept" {
					t.Errorf("the response's request has a context with %v", ctx.Err())
				}
				return resp, string(body)
			}
			for _, path := range []string{"/echo", "/moved"} {
				resp, body := do(path, "")
				if body != "hello" || resp.Trailer.Get("X-Length") != "5" || resp.Request.URL.Path != "/echo" {
					t.Errorf("%s: %q, trailer %v, from %v", path, body, resp.Trailer, resp.Request.URL)
				}
			}
			if resp, body := do("/gzip", ""); body != "squeezed" || !resp.Uncompressed {
				t.Errorf("%q, uncompressed %v", body, resp.Uncompressed)
			}
			if _, body := do("/echo", "100-continue"); body != "hello" || continued != 1 && !http2 {
				t.Errorf("%q after %d times 100 Continue", body, continued)
			}
			if reused != 4 { // of five requests, the redirect among them
				t.Errorf("connections were reused %d times", reused)
			}
			wantCounts(t, b, counts{succeeded: 5})
		})
	}
}

func TestAHangingHTTP2StreamFailsAtTimeout(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	b := &breaker.Breaker{Timeout: 500 * ms}
	client := server.Client()
	client.Transport = b.Transport(client.Transport)
	_, err := client.Get(server.URL)
	wantLate(t, err)
	resp, err := client.Get(server.URL + "/body")
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(resp.Body)
	wantLate(t, err)
	resp.Body.Close()
	wantCounts(t, b, counts{failed: 2})
}

func TestTheRequestIsNotModified(t *testing.T) {
	b := &breaker.Breaker{}
	var inside *http.Request
	rt := b.Transport(tripper(func(r *http.Request) (*http.Response, error) {
		inside = r
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	}))
	req, _ := http.NewRequest("POST", "http://books.test/", strings.NewReader("hello"))
	before := *req
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if inside == req || req.Context() != before.Context() || req.Body != before.Body || resp.Request != req {
		t.Error("it was modified, or the response is another request's")
	}
	if _, bounded := inside.Context().Deadline(); !bounded {
		t.Error("base does not see the deadline")
	}
	again, err := inside.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(again); string(body) != "hello" {
		t.Errorf("GetBody gives %q", body)
	}
}

type idler struct {
	tripper
	closed int
}

func (i *idler) CloseIdleConnections() { i.closed++ }

func TestCloseIdleConnectionsIsPassedOn(t *testing.T) {
	base := new(idler)
	client := &http.Client{Transport: new(breaker.Breaker).Transport(base)}
	client.CloseIdleConnections()
	if base.closed != 1 {
		t.Errorf("it was called %d times", base.closed)
	}
	client.Transport = new(breaker.Breaker).Transport(tripper(nil))
	client.CloseIdleConnections() // which base need not have
}

func TestABrokenBreakerHasNoTransport(t *testing.T) {
	defer func() {
		if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), "Breaker.Probes") {
			t.Errorf("%v", err)
		}
	}()
	(&breaker.Breaker{Probes: -1}).Transport(nil)
}

func TestARefusalFurtherInSaysNothing(t *testing.T) {
	outer, inner := &breaker.Breaker{Name: "outer"}, &breaker.Breaker{Name: "inner"}
	inner.Open(0)
	req, _ := http.NewRequest("GET", "http://books.test/", nil)
	_, err := outer.Transport(inner.Transport(nil)).RoundTrip(req)
	var open *breaker.OpenError
	if !errors.As(err, &open) || open.Name != "inner" {
		t.Errorf("%v", err)
	}
	wantCounts(t, outer, counts{uncounted: 1})
}
