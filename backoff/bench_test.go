package backoff_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// discard is a ResponseWriter that allocates nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

func BenchmarkWrap(b *testing.B) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	limited := &backoff.Policy{MaxInFlight: 500, Wait: time.Second}
	down := new(backoff.Policy)
	down.Down("for the benchmark", 0)
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range []struct {
		name string
		h    http.Handler
	}{
		{"bare", hello},
		{"backoff", backoff.Wrap(hello)},
		{"backoff, limited", limited.Wrap(hello)},
		{"backoff, down", down.Wrap(hello)},
		{"slowlog+timebox", slowlog.Wrap(timebox.Wrap(hello))},
		{"slowlog+backoff+timebox", slowlog.Wrap(limited.Wrap(timebox.Wrap(hello)))},
		{"http.TimeoutHandler", http.TimeoutHandler(hello, 10*time.Second, "")},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			w := discard{http.Header{}}
			for b.Loop() {
				clear(w.header)
				c.h.ServeHTTP(w, r)
			}
		})
	}
}
