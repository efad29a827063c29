package backoff_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/timebox"
)

// logged has slog.Default write into a buffer until the test ends.
func logged(t *testing.T) *lockedBuffer {
	b, before := new(lockedBuffer), slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(b, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return b
}

func replyTo(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { backoff.Reply(w, r, err) })
}

func TestReplyFitsTheError(t *testing.T) {
	const busy, slow, wrong = unavailable, "503 Service Unavailable: this took too long.", "500 Internal Server Error.\n"
	for _, c := range []struct {
		name   string
		err    error
		status int
		after  int64 // seconds; 0 is none
		body   string
	}{
		{"a refusal", notServed{90 * time.Second}, 503, 90, busy},
		{"a refusal that is wrapped", fmt.Errorf("x: %w", notServed{90 * time.Second}), 503, 90, busy},
		{"a refusal whose time is over", notServed{-time.Second}, 503, 1, busy},
		{"a refusal by a host", &backoff.Error{Host: "https://example.com", Until: time.Now().Add(90 * time.Second)}, 503, 90, busy},
		{"a refusal that took too long, too", errors.Join(context.DeadlineExceeded, notServed{90 * time.Second}), 503, 90, busy},
		{"a deadline", context.DeadlineExceeded, 503, 10, slow},
		{"a deadline that is wrapped", fmt.Errorf("x: %w", context.DeadlineExceeded), 503, 10, slow},
		{"a box", new(timebox.Error), 503, 10, slow},
		{"a deadline of a connection", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, 503, 10, slow},
		{"what is no timeout", &net.OpError{Op: "read", Err: io.EOF}, 500, 0, wrong},
		{"whatever else", errors.New("the password is swordfish"), 500, 0, wrong},
		{"a context of the handler's own", context.Canceled, 500, 0, wrong},
	} {
		log := logged(t)
		for name, h := range map[string]http.Handler{
			"Reply":   replyTo(c.err),
			"Handler": backoff.Handler(func(http.ResponseWriter, *http.Request) error { return c.err }),
		} {
			w := visit(h, get())
			if w.Code != c.status || !strings.HasPrefix(w.Body.String(), c.body) {
				t.Errorf("%s, %s: %d %q", c.name, name, w.Code, w.Body)
			}
			if c.after == 0 {
				absent(t, w.Header(), "Retry-After")
			} else {
				fuzzed(t, w.Header(), "Retry-After", c.after)
			}
		}
		if got, want := strings.Count(log.String(), "\n"), map[int]int{500: 2}[c.status]; got != want {
			t.Errorf("%s: %d lines logged, want %d\n%s", c.name, got, want, log)
		}
	}
}

func TestAnErrorIsLoggedAndNotTold(t *testing.T) {
	log := logged(t)
	r := get()
	r.URL.Path, r.URL.RawQuery = "/basket", "token=secret"
	w := visit(replyTo(errors.New("no such table: baskets")), r)
	if strings.Contains(w.Body.String(), "baskets") {
		t.Errorf("%q", w.Body)
	}
	const want = `level=ERROR msg="backoff: a request failed" method=GET path=/basket error="no such table: baskets"` + "\n"
	if got := log.String(); !strings.HasSuffix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNothingIsSaidToAClientThatHasLeft(t *testing.T) {
	log := logged(t)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	w := visit(replyTo(io.ErrUnexpectedEOF), get().WithContext(ctx))
	if w.Code != 499 || w.Body.Len() > 0 || log.String() != "" {
		t.Errorf("%d %q, logged %s", w.Code, w.Body, log)
	}
}

func TestWithoutAnErrorNothingIsReplied(t *testing.T) {
	w := visit(replyTo(nil), get())
	h := backoff.Handler(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("X", "y")
		w.WriteHeader(201)
		_, err := io.WriteString(w, "made")
		return err
	})
	made := visit(h, get())
	if w.Code != 200 || len(w.Header()) > 0 || made.Code != 201 || made.Body.String() != "made" || made.Header().Get("X") != "y" {
		t.Errorf("%d %v; %d %v %q", w.Code, w.Header(), made.Code, made.Header(), made.Body)
	}
}

func TestAReplyHasNothingOfTheAnswerThatFailed(t *testing.T) {
	w := visit(backoff.Handler(func(w http.ResponseWriter, r *http.Request) error {
		for _, name := range []string{"Content-Encoding", "Content-Length", "Etag"} {
			w.Header().Set(name, "7")
		}
		return notServed{}
	}), get())
	absent(t, w.Header(), "Content-Encoding", "Etag")
	if w.Header().Get("Content-Length") == "7" {
		t.Error("the length is that of the answer that failed")
	}
}

func TestHalfAnAnswerIsNotTakenForAWholeOne(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		log := logged(t)
		s.serve(backoff.Wrap(backoff.Handler(func(w http.ResponseWriter, r *http.Request) error {
			io.WriteString(w, "half")
			if r.URL.Path == "/flushed" {
				w.(http.Flusher).Flush()
			}
			return errors.New("the other half is missing")
		})))
		for _, path := range []string{"/", "/flushed"} {
			if _, body, err := s.fetch(t, "GET", path); err == nil {
				t.Errorf("%s: %q seems to be all", path, body)
			}
		}
		if got := log.String(); strings.Count(got, "the other half is missing") < 2 { // net/http's client tries one again
			t.Errorf("logged %s", got)
		}
		is(t, "the server's log", s.log.String(), "")
	})
}

func TestAConnectionThatWasHijackedIsTheFunctionsOwn(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *webserver) {
		log := logged(t)
		s.serve(backoff.Handler(func(w http.ResponseWriter, r *http.Request) error {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return err
			}
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown")
			return errors.New("too late")
		}))
		if _, body, err := s.fetch(t, "GET", "/"); body != "own" || err != nil {
			t.Errorf("%q %v", body, err)
		}
		eventually(t, "the error is logged", func() bool { return strings.Contains(log.String(), "too late") })
		is(t, "the server's log", s.log.String(), "")
	})
}

func TestHandlerOfNothingIsAProgrammersMistake(t *testing.T) {
	is(t, "panic", recovered(func() { backoff.Handler(nil) }), any("backoff: Handler of a nil function"))
}
