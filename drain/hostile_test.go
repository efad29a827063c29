package drain_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/drain"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// hooked serves connections whose handler returns and whose hook is the given one.
func hooked(t *testing.T, d *drain.Drainer, p protocol, say func(ctx context.Context, conn net.Conn)) *server {
	return serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := takeOver(w)
		if err != nil {
			t.Error(err)
			return
		}
		drain.Tell(r.Context(), func(ctx context.Context) { say(ctx, conn) })
	})))
}

func TestAHookThatHangsHoldsNobodyUp(t *testing.T) {
	d := &drain.Drainer{Grace: 200 * time.Millisecond, Parallel: 2}
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	s := hooked(t, d, protocols[0], func(context.Context, net.Conn) { <-end })
	var conns []io.Reader
	for range 5 {
		rw, _, _ := s.upgrade()
		conns = append(conns, rw)
	}
	began := time.Now()
	err := d.Shutdown(within(t, 2*time.Second), s.Config)
	var failed *drain.ShutdownError
	if !errors.As(err, &failed) || failed.Forced != 5 || failed.Hooks != 2 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
	for _, conn := range conns {
		if b, err := io.ReadAll(conn); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%q, %v", b, err)
		}
	}
}

func TestAHookThatDoesNotReturnIsContained(t *testing.T) {
	was := slog.Default()
	defer slog.SetDefault(was)
	var logged strings.Builder
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	for name, say := range map[string]func(context.Context, net.Conn){
		"panics":           func(context.Context, net.Conn) { panic("on purpose") },
		"panics with nil":  func(context.Context, net.Conn) { panic(nil) },
		"calls Goexit":     func(context.Context, net.Conn) { runtime.Goexit() },
		"calls it, closed": func(_ context.Context, conn net.Conn) { conn.Close(); runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			d := &drain.Drainer{Spread: 10 * time.Millisecond, Parallel: 1}
			s := hooked(t, d, protocols[0], say)
			for range 3 {
				s.upgrade()
			}
			if err := d.Shutdown(within(t, patience), s.Config); err != nil {
				t.Error(err)
			}
			if n := strings.Count(logged.String(), "drain: a hook panicked"); n != 1 {
				t.Errorf("%d lines are logged", n)
			}
			logged.Reset()
			if got := d.Stats(); got != (drain.Stats{Told: 3, Panicked: 3}) || d.Count() != (drain.Count{}) {
				t.Errorf("%+v, %+v", got, d.Count())
			}
		})
	}
}

// flood writes until nobody takes it any more.
func flood(w io.Writer) error {
	for b := make([]byte, 64<<10); ; {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
}

func TestAClientThatReadsNothingIsCut(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, p protocol) {
		d := &drain.Drainer{Grace: 100 * time.Millisecond}
		ended := make(chan error, 1)
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			ended <- flood(w)
		})))
		s.get("/")
		time.Sleep(100 * time.Millisecond) // for all buffers to be full
		began := time.Now()
		var failed *drain.ShutdownError
		if err := d.Shutdown(within(t, patience), s.Config); !errors.As(err, &failed) || failed.Forced != 1 || failed.Requests != 0 {
			t.Errorf("%v", err)
		}
		// Where not even its goodbye finds room, crypto/tls gives up after 5 s.
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("it took %v", took)
		}
		if err := <-ended; err == nil {
			t.Error("the handler's write has not failed")
		}
	})
}

func TestATLSClientThatReadsNothingDoesNotHoldUpTheOthers(t *testing.T) {
	d := &drain.Drainer{Grace: 100 * time.Millisecond}
	s := serve(t, protocols[1], d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := takeOver(w)
		if err != nil {
			t.Error(err)
			return
		}
		go flood(conn)
	})))
	for range 3 {
		s.upgrade()
	}
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	d.Shutdown(within(t, patience), s.Config) // its goodbye comes through, or it is cut
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
	eventually(t, "nothing", isCount(d, drain.Count{}))
}

func TestAHandlerThatIgnoresItsContextIsNamedAsLeft(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, p protocol) {
		d := &drain.Drainer{Grace: 100 * time.Millisecond}
		end := make(chan struct{})
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			http.NewResponseController(w).Flush()
			<-end
		})))
		defer close(end)
		s.get("/")
		began := time.Now()
		err := d.Shutdown(within(t, time.Second), s.Config)
		var failed *drain.ShutdownError
		if !errors.As(err, &failed) || failed.Forced != 1 || failed.Requests != 1 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAStreamWhoseHandlerDoesNotReturnHasNoRetry(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, p protocol) {
		for _, end := range []func(){func() { panic(http.ErrAbortHandler) }, func() { panic("on purpose") }} {
			d := &drain.Drainer{Spread: time.Millisecond}
			s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				events(w, r)
				end()
			})))
			resp := s.get("/")
			got := make(chan string, 1)
			go func() {
				b, _ := io.ReadAll(resp.Body)
				got <- string(b)
			}()
			if err := d.Shutdown(within(t, patience), s.Config); err != nil {
				t.Error(err)
			}
			if got := <-got; got != "data: begun\n\n" {
				t.Errorf("%q", got)
			}
		}
	})
}

func TestRetryIsNotWrittenWhereItHasNoPlace(t *testing.T) {
	for name, begin := range map[string]func(w http.ResponseWriter) error{
		"encoded inside": func(w http.ResponseWriter) error {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Content-Encoding", "gzip")
			return nil
		},
		"of a length": func(w http.ResponseWriter) error {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Content-Length", "3")
			io.WriteString(w, "id\n")
			return nil
		},
		"of another type": drain.Stream,
		"another status": func(w http.ResponseWriter) error {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(404)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			overEachProtocol(t, func(t *testing.T, p protocol) {
				d := &drain.Drainer{Spread: time.Millisecond}
				s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if err := begin(w); err != nil {
						t.Error(err)
					}
					http.NewResponseController(w).Flush()
					<-r.Context().Done()
				})))
				s.Client().Transport.(*http.Transport).DisableCompression = true
				resp := s.get("/")
				got := make(chan string, 1)
				go func() { got <- text(t, resp) }()
				if err := d.Shutdown(within(t, patience), s.Config); err != nil {
					t.Error(err)
				}
				if got := <-got; strings.Contains(got, "retry") {
					t.Errorf("%q", got)
				}
			})
		})
	}
}

// encodingLate encodes like a middleware that makes up its mind when the response begins.
type encodingLate struct{ http.ResponseWriter }

func (w encodingLate) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w encodingLate) WriteHeader(code int) {
	w.Header().Set("Content-Encoding", "identity")
	w.ResponseWriter.WriteHeader(code)
}

func TestAStreamEncodedOutsideHasRetry(t *testing.T) {
	for name, around := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"decided when the request comes": func(w http.ResponseWriter) http.ResponseWriter {
			w.Header().Set("Content-Encoding", "identity")
			return w
		},
		"decided when the response begins": func(w http.ResponseWriter) http.ResponseWriter { return encodingLate{w} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d drain.Drainer
			inner := d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				w.WriteHeader(http.StatusOK)
				http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}))
			s := serve(t, protocols[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(around(w), r) }))
			resp := s.get("/")
			got := make(chan string, 1)
			go func() { got <- text(t, resp) }()
			if err := d.Shutdown(within(t, patience), s.Config); err != nil {
				t.Error(err)
			}
			if got := <-got; !strings.Contains(got, "retry: ") {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestAnEventThatIsLeftIncompleteStaysSo(t *testing.T) {
	var d drain.Drainer
	s := serve(t, protocols[0], d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: whole\n\ndata: ha") // as one copied from elsewhere may end
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})))
	resp := s.get("/")
	got := make(chan string, 1)
	go func() { got <- text(t, resp) }()
	if err := d.Shutdown(within(t, patience), s.Config); err != nil {
		t.Error(err)
	}
	if got := <-got; !regexp.MustCompile(`^data: whole\n\ndata: ha\nretry: \d+\n$`).MatchString(got) {
		t.Errorf("%q", got)
	}
}

func TestTheConnectionOfABoxThatCutsIsNotKept(t *testing.T) {
	overHTTP1(t, func(t *testing.T, p protocol) {
		d := &drain.Drainer{MaxConns: 1}
		box := &timebox.Box{Limit: 100 * time.Millisecond}
		end := make(chan struct{})
		s := serve(t, p, d.Wrap(box.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/poll" {
				drain.Stream(w)
			}
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			select {
			case <-end:
			case <-r.Context().Done():
			}
		}))))
		defer close(end)
		s.get("/poll") // which has the only slot
		resp := s.get("/")
		if b, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%q seems whole", b)
		}
		eventually(t, "the end", isCount(d, drain.Count{Streams: 1}))
		if got := d.Stats(); got != (drain.Stats{}) {
			t.Errorf("%+v", got)
		}
	})
}

func TestAHookIsSetOnlyWhileThereIsAConnection(t *testing.T) {
	d := &drain.Drainer{Spread: 10 * time.Millisecond}
	returned := make(chan context.Context, 1)
	var taken, set atomic.Int32
	s := serve(t, protocols[0], d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tell := func(say func(context.Context)) bool { return drain.Tell(r.Context(), say) }
		if tell(func(context.Context) { taken.Add(1) }) {
			t.Error("before there is one")
		}
		conn, _, err := takeOver(w)
		if err != nil {
			t.Error(err)
			return
		}
		if !tell(func(context.Context) { taken.Add(1) }) {
			t.Error("not while there is one")
		}
		if r.URL.Path == "/closed" {
			conn.Close()
			if tell(func(context.Context) { taken.Add(1) }) {
				t.Error("after it was closed")
			}
		}
		returned <- r.Context()
	})))
	s.upgradeTo("/closed")
	<-returned
	s.upgradeTo("/")
	ctx := <-returned
	if !drain.Tell(ctx, func(context.Context) { set.Add(1) }) {
		t.Error("not once the handler has returned")
	}
	s.upgradeTo("/")
	drain.Tell(<-returned, nil) // takes it back
	if drain.Tell(context.Background(), func(context.Context) {}) {
		t.Error("without a Drainer")
	}
	var failed *drain.ShutdownError
	if err := d.Shutdown(within(t, time.Second), s.Config); !errors.As(err, &failed) || failed.Forced != 1 {
		t.Error(err)
	}
	if taken.Load() != 0 || set.Load() != 1 || d.Stats() != (drain.Stats{Told: 1, Closed: 1, Forced: 1}) {
		t.Errorf("called %d and %d times, %+v", taken.Load(), set.Load(), d.Stats())
	}
	if drain.Tell(ctx, func(context.Context) {}) {
		t.Error("after its turn")
	}
}

func TestADrainerAroundItselfCountsOnce(t *testing.T) {
	d := &drain.Drainer{MaxConns: 1}
	s := serve(t, protocols[0], d.Wrap(slowlog.Wrap(d.Wrap(d.Wrap(http.HandlerFunc(whatever))))))
	s.get("/events")
	if got := d.Count(); got != (drain.Count{Streams: 1}) {
		t.Errorf("%+v", got)
	}
}

func TestTwoCallsForTwoServers(t *testing.T) {
	d := &drain.Drainer{Spread: 300 * time.Millisecond}
	h := d.Wrap(http.HandlerFunc(whatever))
	one, two := serve(t, protocols[0], h), serve(t, protocols[2], h)
	one.upgrade()
	one.get("/events")
	two.get("/events")
	var calls sync.WaitGroup
	for _, s := range []*server{one, two, one} { // one of them twice
		calls.Go(func() {
			if err := d.Shutdown(within(t, patience), s.Config); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if got := d.Stats(); got != (drain.Stats{Told: 2, Closed: 1}) {
		t.Errorf("%+v", got)
	}
	if err := d.Shutdown(within(t, patience), one.Config); err != nil {
		t.Errorf("once more: %v", err)
	}
}
