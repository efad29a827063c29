package profile_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
)

func TestARequestRunsApartFromItsClientWhoIsSentToTheResult(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		release := make(chan struct{})
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-release
			http.Error(w, "teapot", http.StatusTeapot)
		}))
		a := s.get("alice", "/a/b?x=1&__profile__&token=abc")
		page := s.get("alice", s.follow(a))
		if !strings.Contains(s.follow(a), s.url+"/__profile__/") || page.StatusCode != 200 {
			t.Errorf("%s: %d while it runs", s.follow(a), page.StatusCode)
		}
		close(release)
		res := s.result(a)
		if res.State != result.Done || res.User != "alice" || res.Method != "GET" || res.URI != "/a/b?x=1&token=[redacted]" {
			t.Errorf("%s of %q: %s %s", res.State, res.User, res.Method, res.URI)
		}
		if len(res.Runs) != 1 || res.Runs[0].Status != http.StatusTeapot || res.Runs[0].Bytes != int64(len("teapot\n")) {
			t.Errorf("runs: %+v", res.Runs)
		}
		if res.Response != nil || len(res.Trace) == 0 || len(res.Profile) == 0 || res.Sentence == "" || len(res.Problems) != 0 {
			t.Errorf("response %v, %d bytes of trace, %d of profile, %q, problems %q", res.Response, len(res.Trace), len(res.Profile), res.Sentence, res.Problems)
		}
		if page := s.get("alice", s.follow(a)); page.StatusCode != 200 {
			t.Errorf("the page: %d", page.StatusCode)
		}
	})
}

func TestTheHandlerSeesTheRequestAsItWas(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		var got *http.Request
		var body string
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			got, body = r, string(b)
		}))
		a := s.do("alice", "POST", "/a%2Fb?x=1&__profile__=&y=%20", "the body", "X-Test", "yes")
		s.result(a)
		if got.Method != "POST" || got.RequestURI != "/a%2Fb?x=1&y=%20" || got.URL.String() != "/a%2Fb?x=1&y=%20" || got.Header.Get("X-Test") != "yes" {
			t.Errorf("%s %s, %v, %v", got.Method, got.RequestURI, got.URL, got.Header)
		}
		if body != "the body" || got.ContentLength != 8 || got.RemoteAddr == "" || got.Host == "" || got.Context().Value(http.ServerContextKey) == nil {
			t.Errorf("body %q of %d from %s to %s", body, got.ContentLength, got.RemoteAddr, got.Host)
		}
	})
}

func TestTheContextEndsWhenTheHandlerHasAndNotBefore(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		for _, value := range []string{"", "inline"} {
			var ctx context.Context
			s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx = r.Context()
				select {
				case <-ctx.Done():
					t.Error("the context has ended")
				case <-time.After(50 * time.Millisecond):
				}
			}))
			client, leave := context.WithCancel(context.Background())
			time.AfterFunc(20*time.Millisecond, leave)
			s.try(client, "alice", "GET", "/?__profile__="+value, "")
			s.wait()
			if ctx == nil || ctx.Err() == nil {
				t.Errorf("%q: the context goes on", value)
			}
			if n := s.prof.Stats().Done; n != 1 {
				t.Errorf("%q: %d profiles", value, n)
			}
			leave()
		}
	})
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			if n != 33<<20 || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
		}))
		large := strings.Repeat("x", 33<<20)
		a := s.do("alice", "POST", "/?__profile__", large, "Expect", "100-continue")
		if a.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, "inline") {
			t.Errorf("%d %q", a.StatusCode, a.body)
		}
		if a := s.do("alice", "POST", "/?__profile__=inline", large); a.StatusCode != 200 {
			t.Errorf("inline: %d %q", a.StatusCode, a.body)
		}
	})
}

func TestABodyFailsWhereItDidAndInTheSameWay(t *testing.T) {
	var failed error
	limit := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 10)
			next.ServeHTTP(w, r)
		})
	}
	var n int64
	prof := &profile.Profiler{Allow: byHeader}
	s := newSiteOf(t, "HTTP/1", prof, func() http.Handler {
		return limit(prof.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, failed = io.Copy(io.Discard, r.Body)
		})))
	}, nil)
	s.result(s.do("alice", "POST", "/?__profile__", "more than ten bytes"))
	if large, ok := failed.(*http.MaxBytesError); n != 10 || !ok || large.Limit != 10 {
		t.Errorf("%d bytes, %v", n, failed)
	}
}

func TestTheAnswerIsKeptOnRequestUpToALimit(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		block := []byte(strings.Repeat("x", 1<<20))
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Set-Cookie", "id=secret")
			w.Header().Set("X-Kind", "large")
			w.WriteHeader(http.StatusAccepted)
			w.Header().Set("X-Late", "too late")
			for range 1 << 10 {
				w.Write(block)
			}
		}))
		for _, value := range []string{"response", "response,inline"} {
			a := s.get("alice", "/?__profile__="+value)
			var res *result.Result
			if value == "response" {
				res = s.result(a)
			} else {
				res = s.stored(idOf(t, a.Header.Get("Content-Location")))
			}
			kept := res.Response
			if kept == nil || kept.Status != http.StatusAccepted || len(kept.Body) != 4<<20 || !kept.Cut || res.Runs[0].Bytes != 1<<30 {
				t.Fatalf("%s: kept %.200v of %+v", value, kept, res.Runs)
			}
			if c, k, l := kept.Header["Set-Cookie"], kept.Header["X-Kind"], kept.Header["X-Late"]; len(c) != 1 || c[0] != "[redacted]" || len(k) != 1 || l != nil {
				t.Errorf("%s: header %v", value, kept.Header)
			}
		}
	})
}

func TestTheTextSaysWhereTheRestIs(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	a := s.get("alice", "/?__profile__=inline,response,alloc")
	for _, line := range []string{"more: /__profile__/", "/response\n", "/?by=alloc_space\n"} {
		if !strings.Contains(a.body, line) {
			t.Errorf("the text does not say %q: %s", line, a.body)
		}
	}
}
