package backoff_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/internal/request"
)

// failures are handlers that fail after a refusal, in ways that could spoil a
// 503 on the wire.
func failures(t *testing.T) map[string]http.HandlerFunc {
	file := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(file, []byte(strings.Repeat("the old answer ", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]http.HandlerFunc{
		"a status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"http.Error": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "the old answer", http.StatusBadGateway)
		},
		"a long body with its length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			w.WriteHeader(500)
			w.Write(make([]byte, 100_000))
		},
		"a body that is shorter than it was to be": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			w.WriteHeader(500)
		},
		"chunks": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Transfer-Encoding", "chunked")
			w.WriteHeader(500)
			for range 100 {
				io.WriteString(w, "the old answer")
				w.(http.Flusher).Flush()
			}
		},
		"a file": func(w http.ResponseWriter, _ *http.Request) {
			f, err := os.Open(file)
			if err != nil {
				panic(err)
			}
			defer f.Close()
			w.WriteHeader(504)
			if n, err := io.Copy(w, f); n != 150_000 || err != nil {
				t.Errorf("copied %d, %v", n, err)
			}
		},
		"trailers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			w.WriteHeader(500)
			io.WriteString(w, "the old answer")
			w.Header().Set("X-Sum", "1")
			w.Header().Set(http.TrailerPrefix+"X-Other", "2")
		},
		"early hints": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</style.css>")
			w.WriteHeader(103)
			w.WriteHeader(500)
		},
		"compressed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(500)
			w.Write([]byte{0x1f, 0x8b})
		},
		"a ResponseController": func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			if err := rc.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Error(err)
			}
			w.WriteHeader(500)
			if err := rc.Flush(); err != nil && r.Method != "HEAD" { // whose HTTP/2 stream is over now
				t.Error(err)
			}
			io.WriteString(w, "the old answer")
		},
		"a panic": func(http.ResponseWriter, *http.Request) { panic(notServed{time.Minute}) },
	}
}

func TestA503IsWholeOnTheWire(t *testing.T) {
	wraps := map[string]func(p *backoff.Policy, h http.Handler) http.Handler{
		"alone":           func(p *backoff.Policy, h http.Handler) http.Handler { return p.Wrap(h) },
		"between the two": func(p *backoff.Policy, h http.Handler) http.Handler { return boxedInside(p, patience, h) },
	}
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		mux := http.NewServeMux()
		handlers := failures(t)
		for name, h := range handlers {
			for where, wrap := range wraps {
				mux.Handle("/"+url.PathEscape(where+"/"+name), wrap(new(backoff.Policy), afterRefusal(time.Minute, h)))
			}
		}
		s.serve(mux)
		for name := range handlers {
			for where := range wraps {
				for _, method := range []string{"GET", "HEAD"} {
					resp, body, err := s.fetch(t, method, "/"+url.PathEscape(where+"/"+name))
					if err != nil {
						t.Errorf("%s, %s: %v", where, name, err)
						continue
					}
					want := unavailable + " Please try again in " + resp.Header.Get("Retry-After") + " s.\n"
					if method == "HEAD" {
						is(t, "length of what GET gets", resp.ContentLength, int64(len(want)))
						want = ""
					}
					if resp.StatusCode != 503 || body != want || len(resp.Trailer) > 0 || len(resp.Header["Content-Encoding"]) > 0 {
						t.Errorf("%s, %s, %s: %d %v %q %v", where, name, method, resp.StatusCode, resp.Header, body, resp.Trailer)
					}
					fuzzed(t, resp.Header, "Retry-After", 60)
				}
			}
		}
		is(t, "the server's log", s.log.String(), "")
	})
}

func TestAProxyWhoseBackendIsRefusedAnswers503(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		target, _ := url.Parse("http://127.0.0.1:1")
		proxy := httputil.NewSingleHostReverseProxy(target)
		proxy.ErrorLog = s.Config.ErrorLog
		proxy.Transport = roundTripper(func(r *http.Request) (*http.Response, error) { // as a breaker's does
			request.From(r.Context()).Refuse("behind", time.Minute)
			return nil, notServed{time.Minute}
		})
		s.serve(backoff.Wrap(proxy))
		resp, _, err := s.fetch(t, "GET", "/")
		if err != nil {
			t.Fatal(err)
		}
		is(t, "status", resp.StatusCode, 503)
		fuzzed(t, resp.Header, "Retry-After", 60)
	})
}

func TestAServedAnswerIsTheHandlersOwn(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		p := &backoff.Policy{Soft: always(time.Minute)}
		s.serve(p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			w.WriteHeader(103)
			io.Copy(w, io.LimitReader(endless{}, 1<<20))
			w.Header().Set("X-Sum", "1")
		})))
		resp, body, err := s.fetch(t, "GET", "/")
		if err != nil || resp.StatusCode != 200 || len(body) != 1<<20 || resp.Trailer.Get("X-Sum") != "1" {
			t.Errorf("%v %v", resp, err)
		}
		fuzzed(t, resp.Header, "X-Backoff", 60)
	})
}

func TestTheHandlerFindsWhatTheServersWriterHas(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		offers := func(w http.ResponseWriter) string {
			_, f := w.(http.Flusher)
			_, h := w.(http.Hijacker)
			_, r := w.(io.ReaderFrom)
			_, p := w.(http.Pusher)
			return fmt.Sprint(f, h, r, p)
		}
		show := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, offers(w)) })
		mux := http.NewServeMux()
		mux.Handle("/bare", show)
		mux.Handle("/wrapped", backoff.Wrap(show))
		s.serve(mux)
		_, bare, _ := s.fetch(t, "GET", "/bare")
		_, wrapped, _ := s.fetch(t, "GET", "/wrapped")
		if bare == "" || bare != wrapped {
			t.Errorf("%s, want %s", wrapped, bare)
		}
	})
}

// A handler that sets a status which is replaced and then takes the connection
// finds it after a whole answer.
func TestA503ComesWholeBeforeAHijack(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *webserver) {
		s.serve(backoff.Wrap(afterRefusal(time.Minute, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
		})))
		resp, body, err := s.fetch(t, "GET", "/")
		if err != nil || resp.StatusCode != 503 || !strings.HasPrefix(body, unavailable) {
			t.Errorf("%v %q %v", resp, body, err)
		}
	})
}

// The handler does not know that nobody wants what it has to say.
func TestAReplacedAnswerDoesNotWaitForALongOne(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		answered := make(chan struct{})
		s.serve(backoff.Wrap(afterRefusal(time.Minute, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(502)
			for range 5 {
				w.Write(make([]byte, 1<<10))
			}
			select {
			case <-answered:
			case <-time.After(patience):
				t.Error("the client was not answered before the handler had ended")
			}
			w.Write(make([]byte, 1<<20))
		})))
		resp, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body := make([]byte, resp.ContentLength)
		if _, err := io.ReadFull(resp.Body, body); err != nil || !strings.HasPrefix(string(body), unavailable) {
			t.Errorf("%q %v", body, err)
		}
		close(answered)
	})
}
