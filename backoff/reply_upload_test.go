package backoff_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/timebox"
)

// readAll is a function for Handler that fails as reading its body does.
func readAll(w http.ResponseWriter, r *http.Request) error {
	switch r.URL.Path {
	case "/large":
		r.Body = http.MaxBytesReader(w, r.Body, 10)
	case "/slow":
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			return err
		}
	}
	if _, err := io.ReadAll(r.Body); err != nil {
		return fmt.Errorf("reading the upload: %w", err)
	}
	return nil
}

// trickle gives some bytes and then no more, until it is closed.
func trickle(t *testing.T) io.Reader {
	r, w := io.Pipe()
	t.Cleanup(func() { w.Close() })
	go io.WriteString(w, "more than ten bytes")
	return r
}

func TestAnUploadThatIsTooLargeOrTooSlowIsTheClientsFault(t *testing.T) {
	for where, wrap := range map[string]func(http.Handler) http.Handler{
		"alone":    func(h http.Handler) http.Handler { return h },
		"in a box": func(h http.Handler) http.Handler { return backoff.Wrap(timebox.Wrap(h)) },
	} {
		overEachProtocol(t, func(t *testing.T, s *webserver) {
			log := logged(t)
			s.serve(wrap(backoff.Handler(readAll)))
			for path, want := range map[string]int{"/large": 413, "/slow": 408} {
				r, _ := http.NewRequest("POST", s.URL+path, trickle(t))
				r.ContentLength = 1 << 20
				resp, err := s.Client().Do(r)
				if err != nil {
					t.Errorf("%s, %s: %v", where, path, err)
					continue
				}
				resp.Body.Close()
				is(t, where+path, resp.StatusCode, want)
			}
			is(t, "logged", log.String(), "")
		})
	}
}

// net/http would wait for 256 KiB of the body before it sends an answer that it
// takes for the last word of a handler.
func TestARefusedUploadIsAnsweredBeforeItHasArrived(t *testing.T) {
	down, full := new(backoff.Policy), &backoff.Policy{MaxInFlight: 1}
	down.Down("", time.Hour)
	end := make(chan struct{})
	defer close(end)
	occupied := full.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	go visit(occupied, get())
	eventually(t, "one is in progress", func() bool { return full.Stats().InFlight == 1 })
	for name, c := range map[string]struct {
		h      http.Handler
		path   string
		status int
	}{
		"down":      {down.Wrap(answer(200, "")), "/", 503},
		"full":      {occupied, "/", 503},
		"too large": {backoff.Wrap(backoff.Handler(readAll)), "/large", 413},
		"too slow":  {backoff.Wrap(backoff.Handler(readAll)), "/slow", 408},
	} {
		overHTTP1(t, func(t *testing.T, s *webserver) {
			s.serve(c.h)
			conn := s.raw(t)
			conn.SetDeadline(time.Now().Add(5 * time.Second))
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nmore than ten bytes", c.path)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			if resp.StatusCode != c.status || !resp.Close {
				t.Errorf("%s: %d, closed %v; want %d and the connection closed", name, resp.StatusCode, resp.Close, c.status)
			}
		})
	}
}

func TestABackendThatTimesOutIsNotTheUploadersFault(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		silent := newWebserver(t, 1)
		silent.serve(http.NotFoundHandler())
		s.serve(backoff.Handler(func(w http.ResponseWriter, r *http.Request) error {
			c := silent.raw(t) // which says nothing before it is asked
			c.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, err := c.Read(make([]byte, 1))
			return err
		}))
		resp, err := s.Client().Post(s.URL, "text/plain", strings.NewReader("small"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		is(t, "status", resp.StatusCode, 503)
	})
}

// The client of an upload that breaks off is not told anything, and nor is the log.
func TestAnUploadThatBreaksOffIsNotLogged(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *webserver) {
		log, ended := logged(t), make(chan error, 1)
		s.serve(backoff.Handler(func(w http.ResponseWriter, r *http.Request) error {
			err := readAll(w, r)
			defer func() { ended <- err }()
			return err
		}))
		conn := s.raw(t)
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
		conn.Close()
		if err := <-ended; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v", err)
		}
		s.Close() // when all is answered
		is(t, "logged", log.String(), "")
	})
}
