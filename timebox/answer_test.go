package timebox_test

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

func TestAHandlerThatIgnoresItsContextIsAnsweredAtTheLimit(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: soon}
		s.start(box, func(http.ResponseWriter, *http.Request) { s.hang() })
		resp, text := s.mustGet("/")

		if resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("status %d, want 503", resp.StatusCode)
		}
		comeBack(t, resp.Header, 1) // the limit in whole seconds
		if got := resp.Header.Get("Content-Length"); got != strconv.Itoa(len(text)) || text == "" {
			t.Errorf("Content-Length %q for %q", got, text)
		}
		if http1 := s.major == 1; resp.Close != http1 {
			t.Errorf("the connection is closed: %v, want %v", resp.Close, http1)
		}
		if got := resp.Header["Connection"]; s.major == 2 && got != nil {
			t.Errorf("Connection: %q has no place in HTTP/2", got)
		}
		want := timebox.Stats{Started: 1, Running: 1, Exceeded: 1, Answered: 1, Overrunning: 1}
		if got := box.Stats(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestAnAnswerAtTheLimitLeavesAnHTTP2ConnectionToOthers(t *testing.T) {
	overHTTP2(t, func(t *testing.T, s *server) {
		s.start(&timebox.Box{Limit: later}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hang" {
				s.hang()
			}
			io.WriteString(w, "quick")
		})
		reused := 0
		get := func(path string) int {
			r := s.request("GET", path, nil)
			r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
				GotConn: func(info httptrace.GotConnInfo) {
					if info.Reused {
						reused++
					}
				},
			}))
			resp, _, err := s.do(r)
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode
		}
		for i, c := range []struct {
			path   string
			status int
		}{{"/", 200}, {"/hang", 503}, {"/", 200}, {"/hang", 503}, {"/", 200}} {
			if got := get(c.path); got != c.status || reused != i {
				t.Errorf("request %d: %d, want %d; the connection was used again %d times", i, got, c.status, reused)
			}
		}
	})
}

// comeBack wants a Retry-After of so many seconds by Sync's rule, which makes
// them more by up to 5 % or 5 s; none for 0.
func comeBack(t *testing.T, h http.Header, seconds int64) {
	t.Helper()
	v, err := strconv.ParseInt(h.Get("Retry-After"), 10, 64)
	if seconds == 0 {
		if h["Retry-After"] != nil {
			t.Errorf("Retry-After %q, want none", h["Retry-After"])
		}
	} else if most := seconds + max(seconds/20, 5); err != nil || v < seconds || v > most {
		t.Errorf("Retry-After %q, want from %d to %d", h["Retry-After"], seconds, most)
	}
}

func TestAClientThatPrefersJSONGetsAProblem(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(&timebox.Box{Limit: soon}, func(_ http.ResponseWriter, r *http.Request) {
			r.Header.Set("Accept", "text/plain") // which is not what the client has said
			s.hang()
		})
		r := s.request("GET", "/", nil)
		r.Header["Accept"] = []string{"text/plain;q=0.1", "application/json"}
		resp, text, err := s.do(r)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"title":"Service Unavailable","status":503,"detail":"this took too long","retry_after":` + resp.Header.Get("Retry-After") + "}\n"
		if got := resp.Header.Get("Content-Type"); got != "application/problem+json" || text != want {
			t.Errorf("%s: %s, want %s", got, text, want)
		}
	})
}

func TestAHandlerMayChangeTheRequestsHeadersWhileTheBoxAnswers(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		answered, ended := make(chan struct{}), make(chan struct{})
		s.start(&timebox.Box{Limit: soon}, func(_ http.ResponseWriter, r *http.Request) {
			defer close(ended)
			for {
				select {
				case <-answered:
					return
				default:
					r.Header["Accept"][0] = "text/html"
					r.Header.Set("Accept", "application/json")
					r.Header.Del("Accept-Encoding")
				}
			}
		})
		r := s.request("GET", "/", nil)
		r.Header.Set("Accept", "text/plain")
		resp, text, err := s.do(r)
		if err != nil || resp.StatusCode != 503 || !strings.HasPrefix(text, "503 Service Unavailable: this took too long. ") {
			t.Errorf("%v %q %v", resp, text, err)
		}
		close(answered)
		receive(t, "the end of the handler", ended)
	})
}

func TestTheAnswerSaysWhenToComeBack(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		want  int64 // 0 for none
	}{
		{0, 1}, // the limit
		{time.Second, 1},
		{1001 * time.Millisecond, 2},
		{time.Nanosecond, 1},
		{90 * time.Second, 90},
		{200 * time.Second, 200},
		{math.MaxInt64, 9223372037},
		{-1, 0},
	} {
		t.Run(c.after.String(), func(t *testing.T) {
			t.Parallel()
			s := newServer(t, protocols[0])
			s.start(&timebox.Box{Limit: soon, RetryAfter: c.after}, func(http.ResponseWriter, *http.Request) { s.hang() })
			resp, _ := s.mustGet("/")
			if comeBack(t, resp.Header, c.want); resp.StatusCode != 503 {
				t.Errorf("%d, want 503", resp.StatusCode)
			}
		})
	}
}

func TestTheAnswerKeepsOutsideHeadersThatDoNotDescribeAnother(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		inner := (&timebox.Box{Limit: later}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Inside", "the handler's")
			w.Header().Del("X-Outside")
			s.hang()
		}))
		s.start(nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Outside", "the middleware's")
			w.Header().Set("Content-Encoding", "br")
			w.Header().Set("Etag", `"v1"`)
			w.Header().Set("Trailer", "X-Sum")
			w.Header().Set("Content-Length", "1000000")
			inner.ServeHTTP(w, r)
		})
		resp, text := s.mustGet("/")
		if resp.StatusCode != 503 || resp.Header.Get("X-Outside") != "the middleware's" || text == "" {
			t.Errorf("%d %v %q", resp.StatusCode, resp.Header, text)
		}
		for _, of := range []string{"Content-Encoding", "Etag", "Trailer", "X-Inside"} {
			if got := resp.Header.Get(of); got != "" {
				t.Errorf("%s: %s", of, got)
			}
		}
	})
}

func TestHEADIsAnsweredAtTheLimitToo(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(&timebox.Box{Limit: soon}, func(http.ResponseWriter, *http.Request) { s.hang() })
		resp, text, err := s.do(s.request("HEAD", "/", nil))
		if err != nil || resp.StatusCode != 503 || text != "" {
			t.Errorf("%v %q %v, want 503 without a body", resp, text, err)
		}
	})
}

func TestACooperativeHandlersOwnAnswerWinsWithinTheGrace(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: soon, Grace: patience}
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			w.Header().Set("X-Page", "its own")
			w.WriteHeader(http.StatusGatewayTimeout)
			io.WriteString(w, "sorry")
		})
		resp, text := s.mustGet("/")
		if resp.StatusCode != 504 || text != "sorry" || resp.Header.Get("X-Page") != "its own" {
			t.Errorf("%d %q %v, want the handler's own 504", resp.StatusCode, text, resp.Header)
		}
		if resp.Close {
			t.Error("the connection is closed for no reason")
		}
		want := timebox.Stats{Started: 1, Exceeded: 1}
		eventually(t, "the end of the handler", func() bool { return box.Stats() == want })
	})
}

// Otherwise it would begin an answer only to have it cut.
func TestWithoutGraceAHandlerThatHeedsItsContextIsTooLateForCertain(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(&timebox.Box{Limit: soon / 5}, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				runtime.Gosched()
			}
			http.Error(w, "sorry", http.StatusGatewayTimeout)
		})
		for range 50 {
			if resp, text := s.mustGet("/"); resp.StatusCode != 503 {
				t.Fatalf("%d %q, want 503", resp.StatusCode, text)
			}
		}
	})
}

func TestTheGraceEndsToo(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(&timebox.Box{Limit: soon, Grace: later}, func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			s.hang()
		})
		start := time.Now()
		resp, _ := s.mustGet("/")
		if took := time.Since(start); resp.StatusCode != 503 || took < soon+later {
			t.Errorf("%d after %v, want 503 after limit and grace", resp.StatusCode, took)
		}
	})
}

func TestARequestWithinItsLimitIsLeftAlone(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: later}
		var inside context.Context
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			inside = r.Context()
			io.WriteString(w, "quick")
		})
		resp, text := s.mustGet("/")
		time.Sleep(later + soon)
		if resp.StatusCode != 200 || text != "quick" || resp.Close {
			t.Errorf("%d %q, closed: %v", resp.StatusCode, text, resp.Close)
		}
		if got, want := box.Stats(), (timebox.Stats{Started: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if context.Cause(inside) != context.Canceled {
			t.Errorf("after its end the context's cause is %v, want %v", context.Cause(inside), context.Canceled)
		}
	})
}
