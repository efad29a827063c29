package profile_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

func TestARunHasAnEndAlthoughTheHandlerHasNone(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		release := make(chan struct{})
		var cause error
		runs := 0
		prof := &profile.Profiler{Allow: byHeader, MaxRun: 50 * time.Millisecond}
		s := newSite(t, protocol, prof, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			runs++
			<-r.Context().Done()
			cause = context.Cause(r.Context())
			<-release
		}))
		a := s.get("alice", "/?__profile__=n=5")
		res := s.result(a) // although the handler goes on
		if told := strings.Join(res.Problems, " "); res.State != result.Done || !strings.Contains(told, "longer than 50ms") || !strings.Contains(told, "Of 5 runs 0 came to an end") {
			t.Errorf("%s %q", res.State, told)
		}
		if n := prof.Stats().Overrun; n != 1 {
			t.Errorf("%d handlers go on", n)
		}
		close(release)
		for prof.Stats().Overrun != 0 {
			time.Sleep(time.Millisecond)
		}
		if !errors.Is(cause, profile.ErrMaxRun) || runs != 1 {
			t.Errorf("the cause is %v, after %d runs", cause, runs)
		}
	})
}

func TestAnInlineRunThatIsEndedIsAnswered(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		prof := &profile.Profiler{Allow: byHeader, MaxRun: 50 * time.Millisecond}
		s := newSite(t, protocol, prof, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for r.Context().Err() == nil { // a stream that lasts
				w.Write([]byte("data: x\n\n"))
				http.NewResponseController(w).Flush()
				time.Sleep(time.Millisecond)
			}
		}))
		a := s.get("alice", "/?__profile__=inline")
		if a.StatusCode != 200 || !strings.Contains(a.body, "longer than 50ms") {
			t.Errorf("%d %q", a.StatusCode, a.body)
		}
		if st := prof.Stats(); st.Overrun != 0 || st.Done != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// guards are one inside of the other, as DESIGN has them, with a limit that the handler exceeds.
func TestTheDeadlinesAreLiftedForThisRunOnly(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		const limit, takes = 100 * time.Millisecond, 400 * time.Millisecond
		for _, value := range []string{"", "inline", "inline,n=2"} {
			prof := &profile.Profiler{Allow: byHeader}
			slow := &slowlog.Watch{Alert: &alert.Queue{Sinks: []alert.Sink{alert.Log{Logger: slog.New(slog.DiscardHandler)}}}}
			inner, outer := &timebox.Box{Limit: limit}, &timebox.Box{Limit: limit}
			slowly := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(takes):
				case <-r.Context().Done():
					t.Logf("%s: ended: %v", r.URL, context.Cause(r.Context()))
				}
				if _, has := r.Context().Deadline(); has == (r.URL.Query().Get("neighbour") == "") {
					t.Errorf("%s: a deadline: %v", r.URL, has)
				}
			})
			s := newSiteOf(t, protocol, prof, func() http.Handler {
				return slow.Wrap(outer.Wrap(prof.Wrap(inner.Wrap(slowly))))
			}, func(server *http.Server) {
				server.ReadTimeout, server.WriteTimeout = limit*2, limit*2
			})
			neighbour := make(chan int)
			go func() {
				a, err := s.try(context.Background(), "", "GET", "/?neighbour=1", "")
				if err != nil {
					neighbour <- -1
				} else {
					neighbour <- a.StatusCode
				}
			}()
			a := s.get("alice", "/?__profile__="+value)
			var res *result.Result
			if value == "" {
				res = s.result(a)
			} else {
				res = s.stored(idOf(t, a.Header.Get("Content-Location")))
			}
			for _, run := range res.Runs {
				if run.Took < takes || run.Status != 200 {
					t.Errorf("%q: %+v", value, run)
				}
			}
			if code := <-neighbour; code != http.StatusServiceUnavailable {
				t.Errorf("%q: the neighbour got %d", value, code)
			}
			for _, report := range slow.Recent() {
				if report.URI != "/?neighbour=1" {
					t.Errorf("%q: slow: %s", value, report.URI)
				}
			}
		}
	})
}

func TestAProfilerWithinItselfProfilesOnce(t *testing.T) {
	prof, other := &profile.Profiler{Allow: byHeader}, &profile.Profiler{Allow: byHeader, Param: "other"}
	runs := 0
	s := newSiteOf(t, "HTTP/1", prof, func() http.Handler {
		var all http.Handler
		all = prof.Wrap(prof.Wrap(other.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if runs++; runs == 1 { // and so it does if the handler has its own application serve it
				again := httptest.NewRequest("GET", "/?__profile__=inline", nil).WithContext(r.Context())
				again.Header.Set("X-User", "alice")
				all.ServeHTTP(w, again)
			}
			if r.URL.RawQuery != "" {
				t.Errorf("the query is %q", r.URL.RawQuery)
			}
		}))))
		return all
	}, nil)
	s.get("alice", "/?__profile__=inline&other=inline")
	s.wait()
	if a, b := prof.Stats().Done, other.Stats().Done; a != 1 || b != 0 || runs != 2 {
		t.Errorf("%d and %d profiles of %d runs", a, b, runs)
	}
}

func TestABodyThatComesSlowlyIsReadInline(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		prof := &profile.Profiler{Allow: byHeader}
		s := newSiteOf(t, protocol, prof, func() http.Handler {
			return prof.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if b, err := io.ReadAll(r.Body); string(b) != "slowly" || err != nil {
					t.Errorf("%q, %v", b, err)
				}
			}))
		}, func(server *http.Server) { server.ReadTimeout = 100 * time.Millisecond })
		body, client := io.Pipe()
		go func() {
			io.WriteString(client, "slow")
			time.Sleep(300 * time.Millisecond) // a real server's timeout is the point
			io.WriteString(client, "ly")
			client.Close()
		}()
		r, _ := http.NewRequest("POST", s.url+"/?__profile__=inline", body)
		r.Header.Set("X-User", "alice")
		resp, err := s.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%d", resp.StatusCode)
		}
	})
}
