package backoff_test

import (
	"bufio"
	"context"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
)

// deeds are what handlers do, each of which might lose a slot.
var deeds = []http.HandlerFunc{
	answer(200, "fine"),
	answer(500, "an error of its own"),
	afterRefusal(time.Minute, answer(500, "replaced")),
	func(w http.ResponseWriter, r *http.Request) { panic(notServed{time.Minute}) },
	func(w http.ResponseWriter, r *http.Request) { panic("something else") },
	func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
	func(w http.ResponseWriter, r *http.Request) { runtime.Goexit() },
	func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200); panic(notServed{}) },
	func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		time.Sleep(time.Millisecond)
	},
	func(w http.ResponseWriter, r *http.Request) {
		if h, ok := w.(http.Hijacker); ok {
			if conn, _, err := h.Hijack(); err == nil {
				conn.Close()
			}
		}
	},
	func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },             // until the client or the box has enough
	func(w http.ResponseWriter, r *http.Request) { time.Sleep(8 * time.Millisecond) }, // which the box does not allow
}

// Ten thousand requests that end in all ways, in random order, at once: on a
// writer of the test's own.
func TestNoSlotIsLostWhateverHandlersDo(t *testing.T) {
	const workers, each = 8, 1250
	for name, wrap := range map[string]func(*backoff.Policy, http.Handler) http.Handler{
		"alone": func(p *backoff.Policy, h http.Handler) http.Handler { return p.Wrap(h) },
		"between the two": func(p *backoff.Policy, h http.Handler) http.Handler {
			return boxedInside(p, 4*time.Millisecond, h)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &backoff.Policy{MaxInFlight: 4, Wait: time.Millisecond, MaxWaiting: 2, Soft: always(time.Second)}
			var served atomic.Uint64
			h := wrap(p, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				served.Add(1)
				deeds[rand.IntN(len(deeds))](w, r)
			}))
			var all sync.WaitGroup
			for range workers {
				all.Go(func() {
					for range each {
						ctx, leave := context.WithTimeout(t.Context(), time.Duration(rand.IntN(5000))*time.Microsecond)
						if rand.IntN(2) == 0 {
							ctx, leave = context.WithCancel(t.Context())
							time.AfterFunc(time.Duration(rand.IntN(5000))*time.Microsecond, leave)
						}
						endsSomehow(h, ctx)
						leave()
					}
				})
			}
			all.Wait()
			s := p.Stats()
			if s.InFlight != 0 || s.Waiting != 0 || s.Requests != workers*each || served.Load()+s.Full+s.ClientGone != s.Requests {
				t.Errorf("%+v, %d served", s, served.Load())
			}
			if s.Full == 0 || s.Failed == 0 || s.Softened == 0 {
				t.Errorf("something was not tried: %+v", s)
			}
			for range 4 { // all slots can be used
				is(t, "status", visit(p.Wrap(answer(201, "")), get()).Code, 201)
			}
		})
	}
}

// endsSomehow serves a request on a goroutine of its own and waits for its end.
func endsSomehow(h http.Handler, ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { recover() }()
		h.ServeHTTP(httptest.NewRecorder(), get().WithContext(ctx))
	}()
	<-ended
}

// The same over connections, with clients that hang up.
func TestNoSlotIsLostOverConnections(t *testing.T) {
	const workers, each = 8, 100
	overEachProtocol(t, func(t *testing.T, s *webserver) {
		s.Config.ErrorLog = log.New(io.Discard, "", 0) // the panics are reported there
		p := &backoff.Policy{MaxInFlight: 4, Wait: time.Millisecond}
		s.serve(boxedInside(p, 10*time.Millisecond, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			deeds[rand.IntN(len(deeds))](w, r)
		})))
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for range each {
					ctx, hangUp := context.WithTimeout(t.Context(), time.Duration(1+rand.IntN(30))*time.Millisecond)
					r, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
					if resp, err := s.Client().Do(r); err == nil {
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
					hangUp()
				}
			})
		}
		all.Wait()
		eventually(t, "nothing is in flight", func() bool { return p.Stats().InFlight == 0 && p.Stats().Waiting == 0 })
		for range 4 {
			is(t, "status", visit(p.Wrap(answer(201, "")), get()).Code, 201)
		}
	})
}

// A client that does not read holds its place, since the handler is at work.
func TestASlowClientHoldsOnePlace(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *webserver) {
		p := &backoff.Policy{MaxInFlight: 1}
		s.serve(p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/much" {
				io.Copy(w, io.LimitReader(endless{}, 64<<20))
			}
		})))
		slow := s.raw(t)
		io.WriteString(slow, "GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(slow), nil); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			resp, body, err := s.fetch(t, "GET", "/")
			if err != nil || resp.StatusCode != 503 {
				t.Fatalf("%v %q %v", resp, body, err)
			}
		}
		slow.Close()
		eventually(t, "its place is free", func() bool { return p.Stats().InFlight == 0 })
		resp, _, err := s.fetch(t, "GET", "/")
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("%v %v", resp, err)
		}
	})
}
