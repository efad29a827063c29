package backoff_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// A WebSocket holds no place, though its handler runs for as long as it lasts.
func TestAHijackedConnectionGivesItsPlaceBack(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *webserver) {
		p, end := &backoff.Policy{MaxInFlight: 1}, make(chan struct{})
		defer close(end)
		s.serve(boxedInside(p, patience, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/socket" {
				return
			}
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
			<-end
		})))
		for range 3 {
			c := s.raw(t)
			io.WriteString(c, "GET /socket HTTP/1.1\r\nHost: x\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != 101 {
				t.Fatalf("%v %v", resp, err)
			}
			is(t, "in flight", p.Stats().InFlight, 0)
		}
		resp, _, err := s.fetch(t, "GET", "/")
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("%v %v", resp, err)
		}
	})
}

// A box around something else may have answered 503 before.
func TestAStreamGivesItsPlaceBackAfterABoxHasRefusedSomethingElse(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		p, watch, end := &backoff.Policy{MaxInFlight: 1}, &slowlog.Watch{After: time.Hour}, make(chan struct{})
		defer close(end)
		part := (&timebox.Box{Limit: time.Millisecond}).Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		s.serve(watch.Wrap(p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			is(t, "the part", visit(part, get().WithContext(r.Context())).Code, 503)
			w.(http.Flusher).Flush()
			<-end
		}))))
		resp, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		is(t, "in flight", p.Stats().InFlight, 0)
		is(t, "watched", len(watch.InFlight()), 0)
	})
}

// The server removes the files of a form at the end of its request, if it finds
// it there: through all guards, also after a panic.
func TestAFormLeavesNoFilesAfterAPanicThatWasAnswered(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		files := func() int {
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			return len(entries)
		}
		const limit = 500 * time.Millisecond
		p := new(backoff.Policy)
		s.serve(boxedInside(p, limit, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(10); err != nil {
				t.Error(err)
			}
			is(t, "files", files(), 1)
			if r.URL.Path == "/late" {
				<-r.Context().Done()
				time.Sleep(limit) // the box answers meanwhile
			}
			panic(notServed{time.Minute})
		})))
		for _, path := range []string{"/", "/late"} {
			var form bytes.Buffer
			m := multipart.NewWriter(&form)
			part, _ := m.CreateFormFile("file", "name")
			part.Write(make([]byte, 1000))
			m.Close()
			resp, err := s.Client().Post(s.URL+path, m.FormDataContentType(), &form)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			is(t, path, resp.StatusCode, 503)
			if path == "/" || s.major == 2 { // over HTTP/1 net/http itself leaves them after a panic
				eventually(t, "no file is left of "+path, func() bool { return files() == 0 })
			}
		}
	})
}

// A box that closes the connection of a handler hijacks it, too. But that
// handler is at work, and its place with it.
func TestAHandlerThatIsCutOffKeepsItsPlace(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		p, end := &backoff.Policy{MaxInFlight: 1}, make(chan struct{})
		s.serve(boxedInside(p, 100*time.Millisecond, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-end
		})))
		if _, _, err := s.fetch(t, "GET", "/"); err == nil {
			t.Error("the response was not cut off")
		}
		if s.major == 1 { // over HTTP/2 the box goes on without it
			is(t, "in flight", p.Stats().InFlight, 1)
		}
		close(end)
		eventually(t, "the place is free", func() bool { return p.Stats().InFlight == 0 })
	})
}

func TestAClientThatHangsUpGivesUpItsPlaceInLine(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		p, end := &backoff.Policy{MaxInFlight: 1, Wait: patience}, make(chan struct{})
		s.serve(p.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end })))
		first := make(chan error)
		go func() {
			_, _, err := s.fetch(t, "GET", "/")
			first <- err
		}()
		eventually(t, "one is in progress", func() bool { return p.Stats().InFlight == 1 })
		ctx, hangUp := context.WithCancel(t.Context())
		r, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
		go func() {
			eventually(t, "one is in line", func() bool { return p.Stats().Waiting == 1 })
			hangUp()
		}()
		if _, err := s.Client().Do(r); err == nil {
			t.Error("the client got an answer")
		}
		eventually(t, "the line is empty", func() bool { return p.Stats().Waiting == 0 && p.Stats().ClientGone == 1 })
		close(end)
		if err := <-first; err != nil {
			t.Error(err)
		}
		is(t, "the server's log", s.log.String(), "")
	})
}
