package drain_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/drain"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// chains has the Drainer in each place among the guards.
func chains(d *drain.Drainer, h http.Handler) map[string]http.Handler {
	slow, shed, box := new(slowlog.Watch), &backoff.Policy{MaxInFlight: 2}, &timebox.Box{Limit: time.Minute}
	return map[string]http.Handler{
		"outermost": d.Wrap(slow.Wrap(shed.Wrap(box.Wrap(h)))),
		"second":    slow.Wrap(d.Wrap(shed.Wrap(box.Wrap(h)))),
		"third":     slow.Wrap(shed.Wrap(d.Wrap(box.Wrap(h)))),
		"innermost": slow.Wrap(shed.Wrap(box.Wrap(d.Wrap(h)))),
	}
}

var chained = []string{"outermost", "second", "third", "innermost"}

func TestTheDrainerWorksInEachPlace(t *testing.T) {
	retry := regexp.MustCompile(`^data: begun\n\nretry: \d+\n\n$`)
	for _, place := range chained {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			overEachProtocol(t, func(t *testing.T, p protocol) {
				d := &drain.Drainer{MaxConns: 3, Spread: 100 * time.Millisecond}
				s := serve(t, p, chains(d, http.HandlerFunc(whatever))[place])
				stream, poll := s.get("/events"), s.get("/poll")
				want := drain.Count{Streams: 2}
				if p.major == 1 {
					s.upgrade()
					want.Hijacked = 1
				} else {
					s.get("/poll")
					want.Streams = 3
				}
				if d.Count() != want {
					t.Errorf("%+v, want %+v", d.Count(), want)
				}
				for _, path := range []string{"/events", "/poll"} {
					if resp := s.get(path); !refusal(resp) {
						t.Errorf("%s: %v", path, resp)
					}
				}
				if resp := s.get("/"); resp.StatusCode != 200 { // the slots of backoff are free
					t.Errorf("%v", resp)
				}
				ended := make(chan string, 1)
				go func() { ended <- text(t, stream) }()
				go io.Copy(io.Discard, poll.Body)
				if err := d.Shutdown(within(t, patience), s.Config); err != nil {
					t.Error(err)
				}
				if got := <-ended; !retry.MatchString(got) {
					t.Errorf("%q", got)
				}
			})
		})
	}
}

// What is derived from the request's context ends with it and knows why, and costs no goroutine.
func TestTheContextEndsWithAllThatComesFromIt(t *testing.T) {
	for _, place := range chained {
		t.Run(place, func(t *testing.T) {
			d := &drain.Drainer{Spread: time.Millisecond}
			causes := make(chan error, 3)
			s := serve(t, protocols[0], chains(d, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, cancel := context.WithTimeout(r.Context(), time.Hour)
				defer cancel()
				before := runtime.NumGoroutine()
				for range 100 {
					_, cancel := context.WithCancel(ctx)
					defer cancel()
					_, cancel = context.WithCancel(r.Context())
					defer cancel()
				}
				if n := runtime.NumGoroutine() - before; n > 50 {
					t.Errorf("%d goroutines for contexts", n)
				}
				if ctx.Err() != nil || r.Context().Err() != nil || context.Cause(r.Context()) != nil {
					t.Error("it has ended already")
				}
				stop := context.AfterFunc(ctx, func() { causes <- context.Cause(ctx) })
				defer stop()
				events(w, r)
				<-ctx.Done()
				causes <- context.Cause(r.Context())
				causes <- context.Cause(ctx)
				if err := r.Context().Err(); err != context.Canceled {
					t.Error(err)
				}
			}))[place])
			s.get("/")
			if err := d.Shutdown(within(t, patience), s.Config); err != nil {
				t.Error(err)
			}
			for range 3 {
				if err := <-causes; err != drain.ErrDraining {
					t.Errorf("the cause is %v", err)
				}
			}
		})
	}
}

func TestTheContextHasWhatTheRequestsHas(t *testing.T) {
	type key struct{}
	var d drain.Drainer
	until := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(context.WithValue(context.Background(), key{}, "a value"), until)
	check := func(r *http.Request) {
		if at, ok := r.Context().Deadline(); !ok || !at.Equal(until) {
			t.Errorf("the deadline is %v, %v", at, ok)
		}
		if r.Context().Value(key{}) != "a value" {
			t.Errorf("the value is %v", r.Context().Value(key{}))
		}
	}
	d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		check(r)
		done := r.Context().Done()
		if done != r.Context().Done() {
			t.Error("the channel is another one")
		}
		check(r)
		cancel()
		<-done
		if !errors.Is(r.Context().Err(), context.Canceled) || context.Cause(r.Context()) != context.Canceled {
			t.Errorf("%v, %v", r.Context().Err(), context.Cause(r.Context()))
		}
	})).ServeHTTP(nowhere{make(http.Header)}, new(http.Request).WithContext(ctx))
}

// Nobody ends the context of a request whose connection was hijacked, so it costs no more than it would without us.
func TestTheContextOfAHijackedRequestIsTheServers(t *testing.T) {
	var d drain.Drainer
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Hijack()
		if r.Context().Done() != ctx.Done() {
			t.Error("it has a channel of its own")
		}
		cancel()
		if !errors.Is(r.Context().Err(), context.Canceled) {
			t.Errorf("%v", r.Context().Err())
		}
	})).ServeHTTP(hijackable{nowhere{make(http.Header)}, noConn{}}, new(http.Request).WithContext(ctx))
}

// lateServer serves connections that say bye, of which those to /late are in the middle of a hijack until end is closed.
func lateServer(t *testing.T, d *drain.Drainer) (s *server, late net.Conn, end chan struct{}) {
	admitted, end := make(chan struct{}), make(chan struct{})
	h := d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := takeOver(w)
		if err != nil {
			t.Error(err)
			return
		}
		drain.Tell(r.Context(), func(context.Context) {
			io.WriteString(conn, "bye\n")
			conn.Close()
		})
	}))
	s = serve(t, protocols[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			w = slow{w, admitted, end}
		}
		h.ServeHTTP(w, r)
	}))
	late = s.dial()
	io.WriteString(late, "GET /late"+upgrade)
	<-admitted
	return s, late, end
}

func saysBye(t *testing.T, conn net.Conn) {
	t.Helper()
	if got, _ := io.ReadAll(conn); !strings.HasSuffix(string(got), "\r\n\r\nbye\n") {
		t.Errorf("%q", got)
	}
}

// A connection that is taken over just when others are being ended has its turn, too.
func TestAConnectionThatComesLateIsTold(t *testing.T) {
	d := &drain.Drainer{Spread: 300 * time.Millisecond}
	s, late, end := lateServer(t, d)
	s.upgrade()
	time.AfterFunc(500*time.Millisecond, func() { close(end) })
	if err := d.Shutdown(within(t, patience), nil); err != nil {
		t.Error(err)
	}
	saysBye(t, late)
	if got := d.Stats(); got != (drain.Stats{Told: 2}) {
		t.Errorf("%+v", got)
	}
}

func TestAnotherCallGoesOnWithWhatIsLeft(t *testing.T) {
	var d drain.Drainer
	s, late, end := lateServer(t, &d)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var failed *drain.ShutdownError
	if err := d.Shutdown(ctx, nil); !errors.As(err, &failed) || failed.Requests != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	time.AfterFunc(100*time.Millisecond, func() { close(end) })
	if err := d.Shutdown(within(t, patience), s.Config); err != nil {
		t.Error(err)
	}
	saysBye(t, late)
}

// slow is in the middle of a hijack for some time.
type slow struct {
	http.ResponseWriter
	began, end chan struct{}
}

func (s slow) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	close(s.began)
	<-s.end
	return s.ResponseWriter.(http.Hijacker).Hijack()
}
