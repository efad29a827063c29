package timebox_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/respond"
	"github.com/heeler-go/heeler/timebox"
)

// echo hijacks and answers each line until the client leaves.
func echo(t *testing.T, hijack func(http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := hijack(w)
		if err != nil {
			t.Errorf("Hijack: %v", err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
		for {
			line, err := rw.ReadString('\n')
			if err != nil {
				return
			}
			io.WriteString(conn, line)
		}
	}
}

func asserted(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
	return w.(http.Hijacker).Hijack()
}

func controlled(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w).Hijack()
}

// talk uses an echo connection for much longer than the limit.
func talk(t *testing.T, s *server, limit time.Duration) {
	t.Helper()
	conn := s.dial()
	defer conn.Close()
	s.send(conn, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
	in := bufio.NewReader(conn)
	if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v %v, want 101", resp, err)
	}
	for i := range 4 {
		time.Sleep(limit / 2)
		want := fmt.Sprintf("line %d\n", i)
		s.send(conn, "%s", want)
		if got, err := in.ReadString('\n'); got != want {
			t.Fatalf("%q %v, want %q", got, err, want)
		}
	}
}

func TestAHijackedConnectionLeavesTheBox(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: later, Quota: timebox.NewQuota(time.Hour)}
		s.start(box, echo(t, asserted))
		talk(t, s, later)
		if got, want := box.Stats(), (timebox.Stats{Started: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if spent := time.Hour - box.Quota.Remaining(); spent >= later {
			t.Errorf("the connection has spent %v of the quota", spent)
		}
	})
}

func TestAConnectionHijackedThroughAControllerLeavesTheBox(t *testing.T) {
	for name, hide := range hidings {
		if name == "all" {
			continue
		}
		t.Run("behind a writer that hides "+name, func(t *testing.T) {
			overHTTP1(t, func(t *testing.T, s *server) {
				box := &timebox.Box{Limit: later}
				inner := box.Wrap(echo(t, controlled))
				s.start(nil, func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(hide(w), r) })
				talk(t, s, later)
				if got, want := box.Stats(), (timebox.Stats{Started: 1}); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
			})
		})
	}
}

// lasting are the ways to say that a response is meant to last.
var lasting = map[string]func(http.ResponseWriter) error{
	"an event stream": func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", "text/event-stream")
		return http.NewResponseController(w).Flush()
	},
	"declared": func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", "application/x-ndjson")
		return respond.Stream(w)
	},
}

func TestWhatIsMeantToLastLeavesTheBox(t *testing.T) {
	for name, begin := range lasting {
		t.Run(name, func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, s *server) {
				box := &timebox.Box{Limit: later, Quota: timebox.NewQuota(time.Hour)}
				s.start(box, func(w http.ResponseWriter, r *http.Request) {
					if err := begin(w); err != nil {
						t.Error(err)
					}
					if got, want := box.Stats(), (timebox.Stats{Started: 1}); got != want {
						t.Errorf("%+v, want %+v", got, want)
					}
					before := box.Quota.Remaining()
					time.Sleep(later + soon)
					if spent := before - box.Quota.Remaining(); spent != 0 {
						t.Errorf("it has spent %v of the quota", spent)
					}
					unbounded(t, r.Context())
					io.WriteString(w, "late")
				})
				if resp, text := s.mustGet("/"); resp.StatusCode != 200 || text != "late" {
					t.Errorf("%d %q, want what the handler says", resp.StatusCode, text)
				}
				if got, want := box.Stats(), (timebox.Stats{Started: 1}); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
			})
		})
	}
}

func TestAStreamWhoseHandlerPanicsIsSeenToFail(t *testing.T) {
	for name, begin := range lasting {
		t.Run(name, func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, s *server) {
				box := &timebox.Box{Limit: later, Quota: timebox.NewQuota(time.Hour)}
				s.start(box, func(w http.ResponseWriter, r *http.Request) {
					if err := begin(w); err != nil {
						t.Error(err)
					}
					io.WriteString(w, "half")
					http.NewResponseController(w).Flush()
					panic("of the handler's own")
				})
				if _, text, err := s.get("/"); err == nil {
					t.Errorf("%q seems whole", text)
				}
				if got, want := box.Stats(), (timebox.Stats{Started: 1}); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
				before := box.Quota.Remaining()
				time.Sleep(soon)
				if spent := before - box.Quota.Remaining(); spent != 0 {
					t.Errorf("the quota counts on: %v", spent)
				}
			})
		})
	}
}

func TestAStreamThatIsDeclaredTooLateIsNone(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: soon}
		declared := make(chan error, 1)
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			time.Sleep(soon) // the box answers meanwhile
			declared <- respond.Stream(w)
		})
		if resp, _ := s.mustGet("/"); resp.StatusCode != 503 {
			t.Errorf("%v, want 503", resp.Status)
		}
		if err := receive(t, "the handler", declared); err != http.ErrHandlerTimeout {
			t.Errorf("%v, want %v", err, http.ErrHandlerTimeout)
		}
	})
}

// slowHijacker is in the middle of a hijack when the limit comes.
type slowHijacker struct {
	flusher
	wait time.Duration
}

func (h slowHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	time.Sleep(h.wait)
	return h.ResponseWriter.(http.Hijacker).Hijack()
}

func TestAConnectionHijackedAtTheVeryLastMomentIsTheHandlers(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: later, Quota: timebox.NewQuota(time.Hour)}
		inner := box.Wrap(echo(t, asserted))
		s.start(nil, func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(slowHijacker{flusher{unwrapper{w}}, later + soon}, r)
		})
		talk(t, s, later)
		if got, want := box.Stats(), (timebox.Stats{Started: 1, Exceeded: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		before := box.Quota.Remaining()
		box.Run(t.Context(), sleep(soon/5))
		if spent := before - box.Quota.Remaining(); spent < soon/5 {
			t.Errorf("the quota no longer counts: a block of %v has spent %v", soon/5, spent)
		}
	})
}

func TestNoRequestSwitchesTheBoxOff(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(&timebox.Box{Limit: soon}, func(http.ResponseWriter, *http.Request) { s.hang() })
		for _, c := range []struct {
			method string
			header http.Header
		}{
			{"GET", http.Header{"Accept": {"text/event-stream"}}},
			{"GET", http.Header{"Content-Type": {"text/event-stream"}}},
			{"GET", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}},
			{"GET", http.Header{"Connection": {"keep-alive"}, "Keep-Alive": {"timeout=1000"}}},
			{"GET", http.Header{"X-Accel-Buffering": {"no"}, "Cache-Control": {"no-store"}}},
			{"GET", http.Header{"Grpc-Timeout": {"10H"}, "Content-Type": {"application/grpc"}, "Te": {"trailers"}}},
			{"GET", http.Header{"Range": {"bytes=0-"}}},
			{"OPTIONS", nil},
			{"TRACE", nil},
			{"DELETE", nil},
			{"PRI", nil},
		} {
			r := s.request(c.method, "/", nil)
			for name, values := range c.header {
				r.Header[name] = values
			}
			if s.major == 2 {
				r.Header.Del("Connection") // has no place there
				r.Header.Del("Upgrade")
			}
			if resp, _, err := s.do(r); err != nil || resp.StatusCode != 503 {
				t.Errorf("%s %v: %v %v, want 503", c.method, c.header, resp, err)
			}
		}
	})
}

func TestAResponseThatOnlyLooksLikeAnEventStreamStaysInTheBox(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: later}
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", r.Header.Get("Say"))
			if r.URL.Path == "/begin" {
				w.(http.Flusher).Flush()
			}
			s.hang()
		})
		for _, c := range []struct{ path, say string }{
			{"/", "text/event-stream"}, // said, but not sent
			{"/begin", "text/event"},
			{"/begin", "text/plain; not=text/event-stream"},
			{"/begin", "text/event-streams"},
		} {
			r := s.request("GET", c.path, nil)
			r.Header.Set("Say", c.say)
			resp, text, err := s.do(r)
			if c.path == "/" && (err != nil || resp.StatusCode != 503) || c.path == "/begin" && err == nil {
				t.Errorf("%s %s: %v %q %v", c.path, c.say, resp, text, err)
			}
		}
		if got := box.Stats(); got.Answered != 1 || got.Cut != 3 {
			t.Errorf("%+v, want 1 answered and 3 cut", got)
		}
	})
}

func TestAnEventStreamIsToldByItsTypeHoweverSpelt(t *testing.T) {
	for _, say := range []string{"text/event-stream", "Text/Event-Stream", "text/event-stream;charset=utf-8", "text/event-stream ; x=y"} {
		t.Run(say, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, protocols[0])
			s.start(&timebox.Box{Limit: later}, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", say)
				w.(http.Flusher).Flush()
				time.Sleep(later + soon)
				io.WriteString(w, "data: whole\n\n")
			})
			if _, text := s.mustGet("/"); !strings.Contains(text, "whole") {
				t.Errorf("%q", text)
			}
		})
	}
}
