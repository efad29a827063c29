package timebox_test

import (
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/timebox"
)

// A soak takes 100,000 requests in all. Those over real connections cost most:
// go test -connected=100000 sends all of them that way.
const requests = 100_000

var connected = flag.Int("connected", 10_000, "how many requests of a soak go over real connections")

type kind struct {
	name   string
	slow   bool
	handle http.HandlerFunc
}

func (k kind) path() string { return "/" + strings.ReplaceAll(k.name, " ", "-") }

// kinds are the ways in which a request can end. Those with a limit of a few
// milliseconds are in a box of their own.
var kinds = []kind{
	{"answer", false, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }},
	{"nothing", false, func(http.ResponseWriter, *http.Request) {}},
	{"upload", false, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }},
	{"hints", false, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103); w.WriteHeader(404) }},
	{"flush", false, func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); io.WriteString(w, "hello") }},
	{"context", false, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Hour)
		defer cancel()
		context.AfterFunc(ctx, func() {})
		go func() { <-ctx.Done() }()
	}},
	{"block", false, func(w http.ResponseWriter, r *http.Request) {
		timebox.Run(r.Context(), time.Second, func(context.Context) error { return nil })
	}},
	{"panic", false, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	{"goexit", false, func(http.ResponseWriter, *http.Request) { runtime.Goexit() }},
	{"stream", false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
	}},
	{"hijack", false, func(w http.ResponseWriter, r *http.Request) {
		if h, ok := w.(http.Hijacker); ok {
			if conn, _, err := h.Hijack(); err == nil {
				conn.Close()
			}
		}
	}},
	{"lifted", true, func(w http.ResponseWriter, r *http.Request) {
		request.Lift(r.Context())
		time.Sleep(10 * time.Millisecond)
		io.WriteString(w, "hello")
	}},
	{"lifted at the limit", true, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(5 * time.Millisecond)
		request.Lift(r.Context())
		io.WriteString(w, "hello")
	}},
	{"heed", true, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
	{"overrun", true, func(w http.ResponseWriter, r *http.Request) { time.Sleep(30 * time.Millisecond) }},
	{"cut", true, func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); <-r.Context().Done() }},
	{"cut, buffered", true, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "half"); <-r.Context().Done() }},
	{"slow upload", true, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }},
	{"stuck write", true, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, zeros{}) }},
	{"late panic", true, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done(); panic(http.ErrAbortHandler) }},
	{"late goexit", true, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done(); runtime.Goexit() }},
	{"exceeded block", true, func(w http.ResponseWriter, r *http.Request) {
		timebox.Run(r.Context(), time.Millisecond, func(context.Context) error {
			time.Sleep(10 * time.Millisecond)
			return nil
		})
	}},
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// soakMux has all kinds, in boxes of their own and in boxes in boxes.
func soakMux() (*http.ServeMux, []*timebox.Box) {
	quick, slow, outer := new(timebox.Box), &timebox.Box{Limit: 5 * time.Millisecond}, &timebox.Box{Limit: time.Minute}
	mux := http.NewServeMux()
	for _, k := range kinds {
		box := quick
		if k.slow {
			box = slow
		}
		mux.Handle(k.path(), box.Wrap(k.handle))
		mux.Handle("/nested"+k.path(), outer.Wrap(box.Wrap(k.handle)))
	}
	return mux, []*timebox.Box{quick, slow, outer}
}

func TestNothingIsLeftAfterManyRequestsOfEveryKind(t *testing.T) {
	before := runtime.NumGoroutine()
	var all []*timebox.Box
	t.Run("over", func(t *testing.T) {
		for _, p := range protocols {
			mux, boxes := soakMux()
			all = append(all, boxes...)
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, p)
				s.start(nil, mux.ServeHTTP)
				soak(*connected/len(protocols), 8, s.exchange)
				s.Client().CloseIdleConnections()
			})
		}
	})
	mux, boxes := soakMux()
	all = append(all, boxes...)
	soak(requests-*connected, 64, func(k kind, path string, i int) { call(mux, path, i) })

	started := uint64(0)
	for i, box := range all {
		eventually(t, "the end of all requests", func() bool { return box.Stats().Running == 0 && box.Stats().Overrunning == 0 })
		if outer := i%3 == 2; !outer {
			started += box.Stats().Started
		}
	}
	if started < requests {
		t.Errorf("%d went into boxes, want %d and more", started, requests)
	}
	eventually(t, "the end of all overruns", func() bool { return len(timebox.Overruns()) == 0 })
	eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
}

// soak sends n requests by so many clients; most of them are ordinary.
func soak(n, clients int, send func(k kind, path string, i int)) {
	var sent atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for i := int(sent.Add(1)); i <= n; i = int(sent.Add(1)) {
				k := kinds[0]
				if i%20 == 0 {
					k = kinds[i/20%len(kinds)]
				}
				path := k.path()
				if i%3 == 0 {
					path = "/nested" + path
				}
				send(k, path, i)
			}
		})
	}
	all.Wait()
}

// call sends a request without a connection.
func call(h http.Handler, path string, i int) {
	r := httptest.NewRequest("GET", path, nil)
	r.ProtoMajor = 1 + i%2
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { recover() }() // as net/http does
		h.ServeHTTP(nowhere{}, r)
	}()
	<-done
}

// exchange sends a request over a connection, and takes what comes.
func (s *server) exchange(k kind, path string, i int) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var body io.Reader
	switch k.name {
	case "upload":
		body = strings.NewReader("an upload")
	case "slow upload":
		r, w := io.Pipe()
		defer w.Close()
		body = r
	case "overrun":
		if i%2 == 0 { // the client leaves
			ctx, cancel = context.WithTimeout(ctx, 2*time.Millisecond)
			defer cancel()
		}
	}
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+path, body)
	if err != nil {
		s.t.Error(err)
		return
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if k.name == "stuck write" {
		time.Sleep(10 * time.Millisecond) // reads nothing
		return
	}
	io.Copy(io.Discard, resp.Body)
}
