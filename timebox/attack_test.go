package timebox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

func TestABodyBeyondMaxBytesHandlerAndTheLimitShareTheHeaderInPeace(t *testing.T) {
	// net/http sets a header of the response while the body is read.
	s := newServer(t, protocols[0])
	box := (&timebox.Box{Limit: soon}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		s.hang()
	}))
	s.start(nil, http.MaxBytesHandler(box, 10).ServeHTTP)
	for range 3 {
		resp, _, err := s.do(s.request("POST", "/", strings.NewReader(strings.Repeat("x", 100))))
		if err != nil || resp.StatusCode != 503 {
			t.Errorf("%v, %v; want 503", resp, err)
		}
	}
}

func TestAClientThatWithholdsItsBodyIsCutAtTheLimit(t *testing.T) {
	for name, begin := range map[string]func(w http.ResponseWriter, r *http.Request){
		"writing":                 func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 10_000)) },
		"flushing":                func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x"); w.(http.Flusher).Flush() },
		"waiting for its context": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200); <-r.Context().Done() },
	} {
		for kind, head := range map[string]string{"sized": "Content-Length: 1000\r\n\r\nabc", "chunked": "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, protocols[0])
				ended := make(chan struct{})
				box := &timebox.Box{Limit: later}
				s.start(box, func(w http.ResponseWriter, r *http.Request) { defer close(ended); begin(w, r) })
				conn, err := net.Dial("tcp", s.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\n%s", head)
				conn.SetReadDeadline(time.Now().Add(patience))
				if _, err := io.ReadAll(conn); errors.Is(err, context.DeadlineExceeded) || errors.Is(err, http.ErrHandlerTimeout) {
					t.Errorf("the client waits still: %v", err)
				}
				select {
				case <-ended:
				case <-time.After(patience):
					t.Error("the handler waits still")
				}
				eventually(t, "the cut", func() bool { return box.Stats().Cut == 1 }) // the handler may end before
			})
		}
	}
}

func TestTheInnermostOfThreeBoxesSettlesItForAll(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		boxes := []*timebox.Box{{Limit: 6 * soon}, {Limit: 4 * soon}, {Limit: soon}}
		over := make(chan struct{})
		var h http.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over })
		for i := 2; i > 0; i-- {
			h = boxes[i].Wrap(h)
		}
		s.start(boxes[0], h.ServeHTTP)
		if resp, _ := s.mustGet("/"); resp.StatusCode != 503 {
			t.Errorf("%d, want 503", resp.StatusCode)
		}
		time.Sleep(8 * soon) // beyond all limits
		close(over)
		eventually(t, "the end of all", func() bool { return boxes[0].Stats().Running+boxes[1].Stats().Running+boxes[2].Stats().Running == 0 })
		for _, b := range boxes[:2] {
			if got, want := b.Stats(), (timebox.Stats{Started: 1}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
	})
}

func TestBoxesThatEndTogetherGiveOneWholeAnswer(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		inner := (&timebox.Box{Limit: soon}).Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			time.Sleep(soon)
		}))
		s.start(&timebox.Box{Limit: soon + 300*time.Microsecond}, inner.ServeHTTP)
		for range 30 {
			resp, body, err := s.get("/")
			if err != nil || resp.StatusCode != 503 || !strings.HasPrefix(body, "503") {
				t.Fatalf("%v, %q, %v", resp, body, err)
			}
		}
	})
}

func TestAnInnerBoxWithAResponseOfItsOwnSettlesNothingOutside(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		inner := (&timebox.Box{Limit: soon}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		outer := &timebox.Box{Limit: later}
		s.start(outer, func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(httptest.NewRecorder(), r) // one of a batch, say
			s.hang()
		})
		if resp, _ := s.mustGet("/"); resp.StatusCode != 503 {
			t.Errorf("%d, want 503", resp.StatusCode)
		}
		if got := outer.Stats().Answered; got != 1 {
			t.Errorf("the outer box answered %d, want 1", got)
		}
	})
}

func TestABlockKeepsItsLimitWhenItsRequestBecomesAStream(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		got := make(chan error, 1)
		s.start(&timebox.Box{Limit: later}, func(w http.ResponseWriter, r *http.Request) {
			got <- timebox.Run(r.Context(), later+soon, func(ctx context.Context) error {
				w.Header().Set("Content-Type", "text/event-stream")
				w.WriteHeader(200)
				select {
				case <-ctx.Done():
				case <-s.end:
				}
				return ctx.Err()
			})
		})
		s.get("/")
		if err := <-got; !errors.Is(err, timebox.ErrExceeded) {
			t.Errorf("Run gave %v, want an error about its own limit", err)
		}
	})
}

func TestAShutdownThatSaysWhyIsNotAClientThatLeft(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		base, stop := context.WithCancelCause(context.Background())
		s.Config.BaseContext = func(net.Listener) context.Context { return base }
		box := &timebox.Box{Limit: later}
		s.start(box, func(http.ResponseWriter, *http.Request) {
			stop(errors.New("SIGTERM")) // as signal.NotifyContext does
			s.hang()
		})
		if resp, _ := s.mustGet("/"); resp.StatusCode != 503 {
			t.Errorf("%d, want 503", resp.StatusCode)
		}
		if got := box.Stats().ClientGone; got != 0 {
			t.Errorf("%d clients have left, want 0", got)
		}
	})
}
