package breaker_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/heeler-go/heeler/breaker"
)

// pipes is a network of net.Pipe, which a synctest bubble can see through.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes(t *testing.T) *pipes {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	t.Cleanup(func() { p.Close() })
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

func (p *pipes) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, errors.New("connection refused")
	}
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// serve has a handler behind a breaker, both in the bubble.
func serve(t *testing.T, b *breaker.Breaker, h http.HandlerFunc) *http.Client {
	p := newPipes(t)
	server := &http.Server{Handler: h}
	go server.Serve(p)
	base := &http.Transport{DialContext: p.Dial}
	t.Cleanup(func() { base.CloseIdleConnections(); server.Close() })
	return &http.Client{Transport: b.Transport(base)}
}

// get makes a request and reads all of the response.
func get(client *http.Client) (*http.Response, string, error) {
	resp, err := client.Get("http://books.test/books/12?q=secret")
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// tripper is a RoundTripper of a function.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// counts is the part of the Stats that says what became of calls.
type counts struct{ succeeded, failed, uncounted, inProgress int }

func wantCounts(t *testing.T, b *breaker.Breaker, want counts) {
	t.Helper()
	s := b.Stats()
	if got := (counts{int(s.Succeeded), int(s.Failed), int(s.Uncounted), s.InProgress}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func wantLate(t *testing.T, err error) {
	t.Helper()
	var late *breaker.TimeoutError
	var timeout interface{ Timeout() bool }
	if !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("error %v (%T), want a TimeoutError", err, err)
	}
}
