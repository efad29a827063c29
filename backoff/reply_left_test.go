package backoff_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/slowlog"
)

func TestAnErrorThatIsNotOfTheClientsLeavingIsAnswered(t *testing.T) {
	log := logged(t)
	ctx, leave := context.WithCancel(t.Context())
	leave() // which a base context, or a half-closed connection, does as well
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"the end of the request": {context.Canceled, 499},
		"a body that broke off":  {io.ErrUnexpectedEOF, 499},
		"a refusal":              {notServed{time.Minute}, 503},
		"a deadline":             {context.DeadlineExceeded, 503},
		"whatever else":          {errors.New("no such table"), 500},
	} {
		is(t, name, visit(replyTo(c.err), get().WithContext(ctx)).Code, c.status)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "no such table") {
		t.Errorf("logged %s", got)
	}
}

// The server's base context, which each request's comes from, is cancelled at a
// shutdown.
func TestALiveClientIsAnsweredWhenTheBaseContextIsCancelled(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		log := logged(t)
		base, shutDown := context.WithCancel(t.Context())
		defer shutDown()
		s.Config.BaseContext = func(net.Listener) context.Context { return base }
		p, end := &backoff.Policy{MaxInFlight: 1, Wait: patience}, make(chan struct{})
		s.serve(p.Wrap(backoff.Handler(func(http.ResponseWriter, *http.Request) error {
			<-end
			return errors.New("no such table")
		})))
		answers := make(chan string)
		visit := func() {
			resp, body, err := s.fetch(t, "GET", "/")
			if err != nil {
				answers <- err.Error()
				return
			}
			answers <- resp.Status + ": " + body
		}
		go visit()
		eventually(t, "one is in progress", func() bool { return p.Stats().InFlight == 1 })
		go visit()
		eventually(t, "one is in line", func() bool { return p.Stats().Waiting == 1 })
		shutDown()
		if got := <-answers; !strings.Contains(got, "too many requests are in progress. Please try again") {
			t.Errorf("the one in line: %s", got)
		}
		close(end)
		if got := <-answers; !strings.HasPrefix(got, "500 Internal Server Error: 500") {
			t.Errorf("the one in progress: %s", got)
		}
		if !strings.Contains(log.String(), "no such table") {
			t.Errorf("logged %s", log)
		}
	})
}

func TestAClientThatHasClosedOnlyItsHalfIsAnswered(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *webserver) {
		p, end := &backoff.Policy{MaxInFlight: 1, Wait: patience}, make(chan struct{})
		defer close(end)
		s.serve(p.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end })))
		go func() { s.fetch(t, "GET", "/") }()
		eventually(t, "one is in progress", func() bool { return p.Stats().InFlight == 1 })
		c := s.raw(t)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		eventually(t, "one is in line", func() bool { return p.Stats().Waiting == 1 })
		c.(*net.TCPConn).CloseWrite()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if resp.StatusCode != 503 || len(body) == 0 || err != nil {
			t.Errorf("%d %q %v", resp.StatusCode, body, err)
		}
	})
}

// untilTheEnd streams until the request ends, and says why it did.
func untilTheEnd(w http.ResponseWriter, r *http.Request) error {
	io.WriteString(w, "half")
	http.NewResponseController(w).Flush()
	if r.URL.Path == "/writing" {
		_, err := io.Copy(w, endless{})
		return err
	}
	<-r.Context().Done()
	return r.Context().Err()
}

func TestAClientThatLeavesInMidStreamIsNotTakenForAPanic(t *testing.T) {
	for _, path := range []string{"/waiting", "/writing"} {
		t.Run(path[1:], func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, s *webserver) {
				log, watch := logged(t), &slowlog.Watch{After: time.Millisecond}
				s.serve(watch.Wrap(backoff.Wrap(backoff.Handler(untilTheEnd))))
				resp, err := s.Client().Get(s.URL + path)
				if err != nil {
					t.Fatal(err)
				}
				eventually(t, "it is reported", func() bool { return len(watch.Recent()) == 1 })
				resp.Body.Close()
				ended := func() bool { r := watch.Recent(); return len(r) == 1 && r[0].End != nil }
				eventually(t, "its end", ended)
				is(t, "outcome", watch.Recent()[0].End.Outcome, slowlog.ClientLeft)
				is(t, "logged as an error", strings.Contains(log.String(), "ERROR"), false)
			})
		})
	}
}

// It looks as if it had left.
func TestALiveClientNeverTakesHalfAnAnswerForAWholeOne(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		base, shutDown := context.WithCancel(t.Context())
		defer shutDown()
		s.Config.BaseContext = func(net.Listener) context.Context { return base }
		s.serve(backoff.Wrap(backoff.Handler(untilTheEnd)))
		resp, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		shutDown()
		if body, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%q seems to be all", body)
		}
	})
}

func TestAnErrorThatWasAnsweredIsOnlyLogged(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		mux := http.NewServeMux()
		for path, f := range map[string]func(http.ResponseWriter, *http.Request) error{
			"/returned": func(w http.ResponseWriter, r *http.Request) error {
				http.Error(w, "its own page", http.StatusConflict)
				return errors.New("it is there already")
			},
			"/replied": func(w http.ResponseWriter, r *http.Request) error {
				http.Error(w, "its own page", http.StatusConflict)
				backoff.Reply(w, r, errors.New("it is there already"))
				return nil
			},
			"/replied/after/half": func(w http.ResponseWriter, r *http.Request) error {
				io.WriteString(w, "its own page\n")
				backoff.Reply(w, r, errors.New("it is there already"))
				return nil
			},
		} {
			mux.Handle(path, backoff.Handler(f))
		}
		s.serve(backoff.Wrap(mux))
		for path, status := range map[string]int{"/returned": 409, "/replied": 409, "/replied/after/half": 200} {
			log := logged(t)
			resp, body, err := s.fetch(t, "GET", path)
			if err != nil || resp.StatusCode != status || body != "its own page\n" {
				t.Errorf("%s: %v %q %v", path, resp, body, err)
			}
			is(t, "lines logged", strings.Count(log.String(), "it is there already"), 1)
		}
		is(t, "the server's log", s.log.String(), "")
	})
}

// gin's writer says 200 before anything was written.
type optimist struct{ http.ResponseWriter }

func (optimist) Status() int { return 200 }

func TestAnotherLibrarysStatusIsNotBelieved(t *testing.T) {
	w := visit(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		backoff.Reply(optimist{w}, r, notServed{time.Minute})
	}), get())
	is(t, "status", w.Code, 503)
}
