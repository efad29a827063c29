package drain_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/drain"
)

func TestAnEventStreamEndsWithRetry(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, p protocol) {
		d := &drain.Drainer{Retry: 4 * time.Second}
		var cause atomic.Value
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			events(w, r)
			cause.Store(context.Cause(r.Context()))
		})))
		resp := s.get("/")
		if got := d.Count(); got != (drain.Count{Streams: 1}) {
			t.Errorf("%+v", got)
		}
		ended := make(chan string, 1)
		go func() { ended <- text(t, resp) }()
		if err := d.Shutdown(within(t, patience), s.Config); err != nil {
			t.Error(err)
		}
		body := <-ended
		found := regexp.MustCompile(`^data: begun\n\nretry: (\d+)\n\n$`).FindStringSubmatch(body)
		if found == nil || found[1] < "4000" || found[1] > "8000" || len(found[1]) != 4 {
			t.Errorf("%q", body)
		}
		if cause.Load() != drain.ErrDraining {
			t.Errorf("the cause is %v", cause.Load())
		}
		if got := d.Count(); got != (drain.Count{}) {
			t.Errorf("left: %+v", got)
		}
		if got := d.Stats(); got != (drain.Stats{Told: 1}) {
			t.Errorf("%+v", got)
		}
	})
}

func TestAHijackedConnectionIsToldOnceAndGivenTimeToGo(t *testing.T) {
	overHTTP1(t, func(t *testing.T, p protocol) {
		var d drain.Drainer
		var told atomic.Int32
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := takeOver(w)
			if err != nil {
				t.Error(err)
				return
			}
			if !drain.Tell(r.Context(), func(context.Context) {
				told.Add(1)
				io.WriteString(conn, "bye\n")
			}) {
				t.Error("no hook")
			}
			go func() {
				rw.ReadString('\n') // the client says bye, too
				conn.Close()
			}()
		})))
		rw, conn, _ := s.upgrade()
		eventually(t, "the connection", isCount(&d, drain.Count{Hijacked: 1}))
		go func() {
			if line, err := rw.ReadString('\n'); line != "bye\n" {
				t.Errorf("%q, %v", line, err)
			}
			io.WriteString(conn, "bye\n")
		}()
		if err := d.Shutdown(within(t, patience), s.Config); err != nil {
			t.Error(err)
		}
		if told.Load() != 1 || d.Stats() != (drain.Stats{Told: 1}) {
			t.Errorf("told %d times, %+v", told.Load(), d.Stats())
		}
		if _, err := rw.ReadByte(); err != io.EOF {
			t.Errorf("%v, want the end", err)
		}
	})
}

func TestAnOrdinaryRequestEndsByItself(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, p protocol) {
		var d drain.Drainer
		began, end := make(chan bool), make(chan bool)
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-end
			if r.Context().Err() != nil {
				t.Error("the context has ended")
			}
			io.WriteString(w, "whole")
		})))
		ended := make(chan string, 1)
		go func() {
			resp, err := s.Client().Get(s.URL)
			if err != nil {
				ended <- err.Error()
				return
			}
			ended <- text(t, resp)
		}()
		<-began
		go func() {
			time.Sleep(1500 * time.Millisecond) // longer than the server settles
			close(end)
		}()
		if err := d.Shutdown(within(t, patience), s.Config); err != nil {
			t.Error(err)
		}
		if got := <-ended; got != "whole" {
			t.Errorf("%q", got)
		}
	})
}

func TestASilentConnectionDoesNotHoldItUp(t *testing.T) {
	for name, c := range map[string]struct {
		wrap bool
		hook bool
	}{
		"where all requests are seen":    {wrap: true},
		"where connections are heard of": {hook: true},
		"where both are":                 {wrap: true, hook: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d drain.Drainer
			h := http.NotFoundHandler()
			if c.wrap {
				h = d.Wrap(h)
			}
			s := serve(t, protocols[0], h, func(srv *http.Server) {
				if c.hook {
					srv.ConnState = d.ConnState
				}
			})
			conn := s.dial()
			time.Sleep(50 * time.Millisecond) // for it to be accepted
			began := time.Now()
			if err := d.Shutdown(within(t, patience), s.Config); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > 3500*time.Millisecond {
				t.Errorf("it took %v", took)
			}
			if answer, err := io.ReadAll(conn); len(answer) > 0 || err != nil {
				t.Errorf("the silent one gets %q, %v", answer, err)
			}
		})
	}
}

// holding is a guard further out that holds requests back.
type holding struct {
	http.Handler
	came chan struct{} // gets one for each
	time map[string]time.Duration
}

func (h holding) Unwrap() http.Handler { return h.Handler }

func (h holding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.came <- struct{}{}
	time.Sleep(h.time[r.URL.Path])
	h.Handler.ServeHTTP(w, r)
}

func TestARequestThatIsJustComingIsServed(t *testing.T) {
	var d drain.Drainer
	h := holding{d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			time.Sleep(1200 * time.Millisecond)
		}
	})), make(chan struct{}, 3), map[string]time.Duration{"/soon": 400 * time.Millisecond, "/later": 1700 * time.Millisecond}}
	s := serve(t, protocols[0], h)
	s.dial() // a silent one, which is to be closed
	got := make(chan error, 3)
	for _, path := range []string{"/", "/soon", "/later"} {
		go func() {
			resp, err := s.Client().Get(s.URL + path)
			if err == nil {
				resp.Body.Close()
			}
			got <- err
		}()
		<-h.came
	}
	if err := d.Shutdown(within(t, patience), s.Config); err != nil {
		t.Error(err)
	}
	for range 3 {
		if err := <-got; err != nil {
			t.Error(err)
		}
	}
}

func TestARequestThatTakesTooLongIsCutAtTheEnd(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, p protocol) {
		var d drain.Drainer
		began, ended := make(chan struct{}), make(chan struct{})
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-r.Context().Done()
			close(ended)
		})))
		got := make(chan error, 1)
		go func() {
			resp, err := s.Client().Post(s.URL, "", nil) // which nobody tries again
			if err == nil {
				resp.Body.Close()
			}
			got <- err
		}()
		<-began
		err := d.Shutdown(within(t, 500*time.Millisecond), s.Config)
		var failed *drain.ShutdownError
		if !errors.As(err, &failed) || *failed != (drain.ShutdownError{Requests: 1, Server: true, Err: context.DeadlineExceeded}) {
			t.Errorf("%v", err)
		}
		<-ended
		if err := <-got; err == nil {
			t.Error("the client has an answer")
		}
	})
}

func TestAHandlerBesideTheDrainerIsNotCut(t *testing.T) {
	for _, hook := range []bool{false, true} {
		t.Run(fmt.Sprint("ConnState set: ", hook), func(t *testing.T) {
			t.Parallel()
			var d drain.Drainer
			came := make(chan struct{})
			mux := http.NewServeMux()
			mux.Handle("/", d.Wrap(http.NotFoundHandler()))
			mux.HandleFunc("/beside", func(w http.ResponseWriter, r *http.Request) {
				close(came)
				time.Sleep(1500 * time.Millisecond)
				io.WriteString(w, "whole")
			})
			s := serve(t, protocols[0], mux, func(srv *http.Server) {
				if hook {
					srv.ConnState = d.ConnState
				}
			})
			got := make(chan string, 1)
			go func() {
				resp, err := s.Client().Get(s.URL + "/beside")
				if err != nil {
					got <- err.Error()
					return
				}
				got <- text(t, resp)
			}()
			<-came
			if err := d.Shutdown(within(t, patience), s.Config); err != nil {
				t.Error(err)
			}
			if got := <-got; got != "whole" {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestReadinessFailsBeforeTheListenersClose(t *testing.T) {
	d := &drain.Drainer{Delay: time.Second}
	mux := http.NewServeMux()
	mux.Handle("/ready", d.Ready())
	mux.Handle("/", d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answerRefusal(w, drain.Stream(w)) })))
	s := serve(t, protocols[0], mux)
	if resp := s.get("/ready"); resp.StatusCode != 200 || text(t, resp) != "ready\n" {
		t.Errorf("%v", resp)
	}
	done := make(chan error, 1)
	go func() { done <- d.Shutdown(within(t, patience), s.Config) }()
	<-d.Draining()
	resp := s.get("/ready")
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !resp.Close {
		t.Errorf("%v", resp)
	}
	if _, _, resp := s.upgrade(); resp == nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !resp.Close {
		t.Errorf("a new connection: %v", resp)
	}
	if resp := s.get("/"); resp.StatusCode != 503 || !resp.Close {
		t.Errorf("a new stream: %v", resp)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(s.URL); err == nil {
		t.Error("it still listens")
	}
}

func TestAnEndedContextCutsAll(t *testing.T) {
	overHTTP1(t, func(t *testing.T, p protocol) {
		var d drain.Drainer
		cause := errors.New("no more time")
		s := serve(t, p, d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") == "" {
				events(w, r)
				return
			}
			conn, _, _ := takeOver(w)
			drain.Tell(r.Context(), func(context.Context) { t.Error("told") })
			_ = conn
		})))
		rw, _, _ := s.upgrade()
		resp := s.get("/")
		eventually(t, "both", isCount(&d, drain.Count{Hijacked: 1, Streams: 1}))
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(cause)
		err := d.Shutdown(ctx, s.Config)
		var failed *drain.ShutdownError
		if !errors.As(err, &failed) || failed.Forced != 2 || !errors.Is(err, cause) {
			t.Errorf("%v", err)
		}
		if _, err := rw.ReadByte(); err == nil {
			t.Error("the connection goes on")
		}
		io.Copy(io.Discard, resp.Body)
		eventually(t, "nothing", isCount(&d, drain.Count{}))
	})
}
