package profile_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

const (
	boxed = 300 * time.Millisecond // what a request has in a chain
	takes = 500 * time.Millisecond // what a handler that dawdles does
)

// A chain is a server whose handler is in a timebox, in a profiler, and in a slowlog, as DESIGN has them.
type chain struct {
	*site
	slow *slowlog.Watch
	gone chan struct{} // has one more when the server knows that a client has left, or was answered
}

// newChain serves next in a chain. It may configure the server, too.
func newChain(t *testing.T, protocol string, next http.Handler, configure func(*http.Server)) *chain {
	t.Helper()
	silent := alert.Log{Logger: slog.New(slog.DiscardHandler)}
	c := &chain{
		slow: &slowlog.Watch{After: boxed / 3, Alert: &alert.Queue{Sinks: []alert.Sink{silent}}},
		gone: make(chan struct{}, 10),
	}
	prof := &profile.Profiler{Allow: byHeader}
	c.site = newSiteOf(t, protocol, prof, func() http.Handler {
		guarded := c.slow.Wrap(prof.Wrap((&timebox.Box{Limit: boxed}).Wrap(next)))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			context.AfterFunc(r.Context(), func() { c.gone <- struct{}{} })
			guarded.ServeHTTP(w, r)
		})
	}, configure)
	return c
}

// explained is the result that an answer leads to, whether inline or not.
func (s *site) explained(a answer) *result.Result {
	s.t.Helper()
	page := a.Header.Get("Content-Location")
	if page == "" {
		page = s.follow(a)
	} else if a.StatusCode != http.StatusOK {
		s.t.Errorf("inline: %d %s", a.StatusCode, a.body)
	}
	return s.stored(idOf(s.t, page))
}

//go:noinline
func dawdles(w http.ResponseWriter, r *http.Request) {
	time.Sleep(takes)
	http.Error(w, "I'm a "+r.PathValue("what"), http.StatusTeapot)
}

// isWhole says whether the profile is of a request that dawdled to its end.
func isWhole(t *testing.T, about string, res *result.Result) {
	t.Helper()
	if res.State != result.Done || len(res.Runs) != 1 || res.Runs[0].Status != http.StatusTeapot || res.Runs[0].Bytes != int64(len("I'm a teapot\n")) {
		t.Errorf("%s: %s %+v %q", about, res.State, res.Runs, res.Problems)
	}
	if res.Took < takes || !strings.Contains(res.Sentence, "% asleep in profile_test.dawdles") {
		t.Errorf("%s: in %v: %s", about, res.Took, res.Sentence)
	}
}

func TestInAChainTheProfiledRequestCompletesAndItsNeighbourHasItsLimit(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		for _, value := range []string{"", "inline"} {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /{what}", dawdles)
			answered := make(chan struct{})
			mux.HandleFunc("GET /neighbour", func(http.ResponseWriter, *http.Request) { <-answered })
			c := newChain(t, protocol, mux, nil)
			profiled := c.ask("alice", "/teapot?__profile__="+value)
			if a := c.get("", "/neighbour"); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
				t.Errorf("%q: the neighbour: %d %v", value, a.StatusCode, a.Header)
			}
			close(answered)
			isWhole(t, value, c.explained(<-profiled))
			reports := c.slow.Recent()
			if len(reports) != 1 || reports[0].URI != "/neighbour" {
				t.Errorf("%q: %d reports, want the neighbour's: %+v", value, len(reports), reports)
			}
		}
	})
}

func TestATimeboxAroundAProfilerLetsAnInlineRunGoOn(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		mux := http.NewServeMux()
		mux.HandleFunc("/{what}", dawdles)
		prof := &profile.Profiler{Allow: byHeader}
		s := newSiteOf(t, protocol, prof, func() http.Handler { return (&timebox.Box{Limit: boxed}).Wrap(prof.Wrap(mux)) }, nil)
		profiled := s.ask("alice", "/teapot?__profile__=inline")
		if a := s.get("", "/teapot"); a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("the neighbour: %d", a.StatusCode)
		}
		isWhole(t, "inline", s.explained(<-profiled))
	})
}

// upload sends a body whose length it does not say.
func (s *site) upload(user, uri string, body io.Reader, trailer http.Header) (answer, error) {
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", s.url+uri, struct{ io.Reader }{body})
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("X-User", user)
	r.Trailer = trailer
	resp, err := s.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp, string(b)}, err
}

func TestTheServersTimeoutsDoNotCutAnInlineRun(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		late := make(chan struct{}, 1)
		prof := &profile.Profiler{Allow: byHeader}
		s := newSiteOf(t, protocol, prof, func() http.Handler {
			return prof.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(boxed * 3 / 2)
				late <- struct{}{}
				body, err := io.ReadAll(r.Body)
				fmt.Fprintf(w, "%s %v", body, err)
			}))
		}, func(server *http.Server) { server.ReadTimeout, server.WriteTimeout = boxed, boxed })
		for _, user := range []string{"alice", ""} {
			body, client := io.Pipe()
			go func() {
				io.WriteString(client, "early ")
				<-late
				io.WriteString(client, "and late")
				client.Close()
			}()
			a, err := s.upload(user, "/?__profile__=inline,response", body, nil)
			if user == "" {
				if err == nil {
					t.Errorf("the server has no timeouts: %d %s", a.StatusCode, a.body)
				}
				body.Close()
			} else if err != nil {
				t.Error(err)
			} else if res := s.explained(a); res.Response == nil || string(res.Response.Body) != "early and late <nil>" {
				t.Errorf("%+v %q", res.Response, res.Problems)
			}
		}
	})
}

func TestShutdownWaitsForAnInlineRunAndNotForOneApart(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		for _, value := range []string{"", "inline"} {
			var server *http.Server
			began, release := make(chan struct{}), make(chan struct{})
			var cancelled error
			c := newChain(t, protocol, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(began)
				<-release
				cancelled = r.Context().Err()
			}), func(s *http.Server) { server = s })
			profiled := c.ask("alice", "/?__profile__="+value)
			<-began
			var apart answer
			if value == "" {
				apart = <-profiled
			}
			down := make(chan error, 1)
			go func() { down <- server.Shutdown(t.Context()) }()
			if value == "" {
				if err := <-down; err != nil {
					t.Error(err)
				}
				close(release)
				if res := c.result(apart); res.State != result.Done || len(res.Runs) != 1 {
					t.Errorf("%s %+v %q", res.State, res.Runs, res.Problems)
				}
			} else {
				select {
				case err := <-down:
					t.Errorf("the server is down: %v", err)
				case <-time.After(boxed / 3):
				}
				close(release)
				if res := c.explained(<-profiled); res.State != result.Done {
					t.Errorf("inline: %s %q", res.State, res.Problems)
				}
				if err := <-down; err != nil {
					t.Error(err)
				}
			}
			if cancelled != nil {
				t.Errorf("%q: the request's context: %v", value, cancelled)
			}
		}
	})
}

func TestALargeBodyOfUnknownLengthIsReadOnceAndIntact(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		sent := strings.Repeat("0123456789abcdef", 5<<20/16)
		var reads atomic.Int32
		c := newChain(t, protocol, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reads.Add(1)
			body, err := io.ReadAll(r.Body)
			again, _ := r.Body.Read(make([]byte, 1))
			fmt.Fprintf(w, "%x %v %d %d %s", sha256.Sum256(body), err, again, r.ContentLength, r.Trailer.Get("X-Sum"))
		}), nil)
		want := fmt.Sprintf("%x <nil> 0 -1 abc", sha256.Sum256([]byte(sent)))
		for _, value := range []string{"response", "response,inline"} {
			reads.Store(0)
			body := strings.NewReader(sent)
			a, err := c.upload("alice", "/?__profile__="+value, body, http.Header{"X-Sum": {"abc"}})
			if err != nil {
				t.Fatal(err)
			}
			if res := c.explained(a); res.Response == nil || string(res.Response.Body) != want || reads.Load() != 1 || body.Len() != 0 {
				t.Errorf("%q: served %d times, the last answer %+v\nwant %s", value, reads.Load(), res.Response, want)
			}
		}
	})
}

// A noticed body says when something of it has come.
type noticed struct {
	io.ReadCloser
	come chan<- int
}

func (n noticed) Read(p []byte) (int, error) {
	read, err := n.ReadCloser.Read(p)
	if read > 0 {
		n.come <- read
	}
	return read, err
}

func TestABodyThatBreaksOffDoesSoForTheHandler(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		const half = "the first half"
		for _, value := range []string{"", "inline"} {
			var got string
			var failed error
			come, served := make(chan int, len(half)), make(chan struct{})
			prof := &profile.Profiler{Allow: byHeader}
			s := newSiteOf(t, protocol, prof, func() http.Handler {
				inner := prof.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					got, failed = string(body), err
					close(served)
				}))
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.Body = noticed{r.Body, come}
					inner.ServeHTTP(w, r)
				})
			}, nil)
			body, client := io.Pipe()
			go func() {
				io.WriteString(client, half)
				for n := 0; n < len(half); {
					n += <-come
				}
				client.CloseWithError(io.ErrClosedPipe)
			}()
			s.upload("alice", "/?__profile__="+value, body, nil)
			<-served
			if res := s.only(); res.State != result.Done || failed == nil || got != half {
				t.Errorf("%q: %s; the handler read %q, %v", value, res.State, got, failed)
			}
		}
	})
}

func TestAClientThatLeavesEndsNothing(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		for _, value := range []string{"", "inline"} {
			began, release := make(chan struct{}, 2), make(chan struct{})
			var mu sync.Mutex
			var ends []error
			c := newChain(t, protocol, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				began <- struct{}{}
				<-release
				mu.Lock()
				defer mu.Unlock()
				ends = append(ends, r.Context().Err())
			}), nil)
			// One leaves while its request runs, the other while it waits for its turn.
			var clients sync.WaitGroup
			for i := range 2 {
				ctx, leave := context.WithCancel(t.Context())
				clients.Go(func() { c.try(ctx, "alice", "GET", "/?__profile__="+value, "") })
				if i == 0 {
					<-began
				}
				for c.prof.Stats().InProgress <= i {
					time.Sleep(time.Millisecond)
				}
				leave()
				<-c.gone
			}
			clients.Wait()
			c.CloseIdleConnections()
			close(release)
			c.wait()
			if st := c.prof.Stats(); st.Done != 2 || fmt.Sprint(ends) != "[<nil> <nil>]" {
				t.Errorf("%q: %+v, contexts %v", value, st, ends)
			}
		}
	})
}
