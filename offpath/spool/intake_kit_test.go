package spool_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/spool"
)

// A shelf is a Publisher in memory. What is done before it takes an entry is the test's.
type shelf struct {
	before func(ctx context.Context, e *spool.Entry, body io.Reader) error

	mu      sync.Mutex
	entries []spool.Entry
	bodies  []string
}

func (s *shelf) Publish(ctx context.Context, e *spool.Entry, body io.Reader) error {
	if s.before != nil {
		if err := s.before(ctx, e, body); err != nil {
			return err
		}
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("shelf: %w", err)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e.Size = int64(len(b))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries, s.bodies = append(s.entries, *e), append(s.bodies, string(b))
	return nil
}

// only is the one entry that was stored.
func (s *shelf) only(t *testing.T) (e spool.Entry, body string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.entries) != 1 {
		t.Fatalf("%d entries are stored, want 1", len(s.entries))
	}
	return s.entries[0], s.bodies[0]
}

func (s *shelf) empty(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.entries) > 0 {
		t.Errorf("stored: %+v %q, want nothing", s.entries, s.bodies)
	}
}

// saying is a Publisher's error before it has read anything.
func saying(err error) *shelf {
	return &shelf{before: func(context.Context, *spool.Entry, io.Reader) error { return err }}
}

var errOff = errors.New("the disk is off")

// overBoth runs a test over HTTP/1 and HTTP/2.
func overBoth(t *testing.T, test func(t *testing.T, serve func(http.Handler) *httptest.Server)) {
	for name, h2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
		t.Run(name, func(t *testing.T) {
			test(t, func(h http.Handler) *httptest.Server {
				s := httptest.NewUnstartedServer(h)
				s.EnableHTTP2 = h2
				s.StartTLS()
				t.Cleanup(s.Close)
				return s
			})
		})
	}
}

// raw has a server for h read what is said over a connection, and gives the connection.
func raw(t *testing.T, h http.Handler, say string) (net.Conn, *bufio.Reader) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, say); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// exchange is raw and the first response that comes.
func exchange(t *testing.T, h http.Handler, say string) *http.Response {
	t.Helper()
	_, r := raw(t, h, say)
	return response(t, r)
}

func response(t *testing.T, r *bufio.Reader) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func text(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// eventually waits for what the server does after the client has seen all of it.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: still not", what)
		}
	}
}

// logged is what goes to the log from here on.
func logged(t *testing.T) *journal {
	j := &journal{}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(j, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return j
}

// A journal can be read while guards on other goroutines write to it.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}
