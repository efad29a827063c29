package breaker_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/heeler-go/heeler/breaker"
)

// BenchmarkTransport compares a request over the loopback with and without a
// breaker, and what the breaker itself costs.
func BenchmarkTransport(b *testing.B) {
	server := httptest.NewServer(page)
	defer server.Close()
	nothing := tripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})
	fetch := func(b *testing.B, rt http.RoundTripper) {
		req, _ := http.NewRequest("GET", server.URL, nil)
		b.ReportAllocs()
		for b.Loop() {
			resp, err := rt.RoundTrip(req)
			if err != nil {
				continue // refused
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	open := &breaker.Breaker{Name: "books"}
	open.Open(0)
	b.Run("plain", func(b *testing.B) { fetch(b, http.DefaultTransport) })
	b.Run("guarded", func(b *testing.B) { fetch(b, (&breaker.Breaker{Name: "books"}).Transport(nil)) })
	b.Run("alone", func(b *testing.B) { fetch(b, (&breaker.Breaker{Name: "books"}).Transport(nothing)) })
	b.Run("refused", func(b *testing.B) { fetch(b, open.Transport(nothing)) })
}

// BenchmarkConn compares an exchange over the loopback with and without.
func BenchmarkConn(b *testing.B) {
	l := listen(b)
	tcpServer(b, l, echo)
	exchange := func(b *testing.B, conn net.Conn) {
		p := make([]byte, 64)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := conn.Write(p); err != nil {
				continue // refused
			}
			io.ReadFull(conn, p)
		}
	}
	b.Run("plain", func(b *testing.B) {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		exchange(b, conn)
	})
	b.Run("guarded", func(b *testing.B) { exchange(b, dialled(b, &breaker.Breaker{Name: "redis"}, l.Addr())) })
	b.Run("alone", func(b *testing.B) {
		dial := (&breaker.Breaker{Name: "redis"}).DialContext(func(context.Context, string, string) (net.Conn, error) { return mirror{}, nil })
		conn, _ := dial(b.Context(), "tcp", "x")
		exchange(b, conn)
	})
	b.Run("refused", func(b *testing.B) {
		br := &breaker.Breaker{Name: "redis"}
		conn := dialled(b, br, l.Addr())
		br.Open(0)
		exchange(b, conn)
	})
}

// A mirror answers at once.
type mirror struct{ net.Conn }

func (mirror) Write(p []byte) (int, error) { return len(p), nil }
func (mirror) Read(p []byte) (int, error)  { return len(p), nil }

func BenchmarkWrap(b *testing.B) {
	r := httptest.NewRequest("GET", "/", nil)
	serve := func(b *testing.B, h http.Handler) {
		w := &discard{header: make(http.Header)}
		b.ReportAllocs()
		for b.Loop() {
			clear(w.header)
			h.ServeHTTP(w, r)
		}
	}
	br := &breaker.Breaker{Name: "mysql"}
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	b.Run("through", func(b *testing.B) { serve(b, br.Wrap(nothing)) })
	open := &breaker.Breaker{Name: "mysql"}
	open.Open(0)
	b.Run("refused", func(b *testing.B) { serve(b, open.Wrap(nothing)) })
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
