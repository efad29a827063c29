package backoff_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/internal/respond"
)

// takes is a handler that takes so long.
func takes(d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { time.Sleep(d) }
}

func TestMoreThanMayBeInFlightAreRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &backoff.Policy{MaxInFlight: 2, RetryAfter: 30 * time.Second}
		h := p.Wrap(takes(time.Minute))
		for range 2 {
			go visit(h, get())
		}
		synctest.Wait()
		start := time.Now()
		w := visit(h, get())
		is(t, "took", time.Since(start), 0)
		is(t, "status", w.Code, 503)
		is(t, "type", w.Header().Get("Content-Type"), "text/plain; charset=utf-8")
		fuzzed(t, w.Header(), "Retry-After", 30)
		if !strings.HasPrefix(w.Body.String(), "503 Service Unavailable: too many requests are in progress. Please try again in 3") {
			t.Errorf("%q", w.Body)
		}
		is(t, "stats", p.Stats(), backoff.Stats{Requests: 3, InFlight: 2, Full: 1})
		time.Sleep(time.Minute)
		synctest.Wait()
		is(t, "status afterwards", visit(h, get()).Code, 200)
		is(t, "stats", p.Stats(), backoff.Stats{Requests: 4, Full: 1})
	})
}

func TestARequestMayWaitForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &backoff.Policy{MaxInFlight: 1, Wait: 10 * time.Second, MaxWaiting: 3}
		h := p.Wrap(takes(4 * time.Second))
		start := time.Now()
		results := make(chan [3]int, 10) // who, when, status
		for i := range 6 {
			go func() {
				code := visit(h, get()).Code
				results <- [3]int{i, int(time.Since(start).Seconds()), code}
			}()
			synctest.Wait() // so that they come in order
		}
		is(t, "stats", p.Stats(), backoff.Stats{Requests: 6, InFlight: 1, Waiting: 3, Full: 2})
		for _, want := range [][3]int{
			{4, 0, 503}, {5, 0, 503}, // no room in the line
			{0, 4, 200}, {1, 8, 200},
			{3, 10, 503}, // it has waited for as long as it may
			{2, 12, 200},
		} {
			is(t, "who, when, status", <-results, want)
		}
		synctest.Wait()
		is(t, "stats", p.Stats(), backoff.Stats{Requests: 6, Full: 3})
	})
}

func TestAsManyMayWaitAsMayBeInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &backoff.Policy{MaxInFlight: 3, Wait: time.Second}
		h := p.Wrap(takes(time.Minute))
		for range 10 {
			go visit(h, get())
		}
		synctest.Wait()
		is(t, "stats", p.Stats(), backoff.Stats{Requests: 10, InFlight: 3, Waiting: 3, Full: 4})
		time.Sleep(time.Hour)
	})
}

func TestAClientThatLeavesGivesUpItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &backoff.Policy{MaxInFlight: 1, Wait: time.Minute, MaxWaiting: 1}
		h := p.Wrap(takes(10 * time.Second))
		go visit(h, get())
		synctest.Wait()
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan *httptest.ResponseRecorder, 1)
		go func() { left <- visit(h, get().WithContext(ctx)) }()
		synctest.Wait()
		is(t, "in line", p.Stats().Waiting, 1)
		leave()
		// It is answered in full, in case it has not left: a base context that
		// is cancelled without a cause looks the same.
		w := <-left
		is(t, "status", w.Code, 503)
		fuzzed(t, w.Header(), "Retry-After", 10)
		is(t, "has a body", w.Body.Len() > 0, true)
		is(t, "stats", p.Stats(), backoff.Stats{Requests: 2, InFlight: 1, ClientGone: 1})
		is(t, "the next one", visit(h, get()).Code, 200)
		time.Sleep(time.Hour)
	})
}

// A deadline that some middleware outside has set is not the client's doing.
func TestADeadlineThatEndsDuringTheWaitIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &backoff.Policy{MaxInFlight: 1, Wait: time.Minute}
		h := p.Wrap(takes(10 * time.Second))
		go visit(h, get())
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		is(t, "status", visit(h, get().WithContext(ctx)).Code, 503)
		is(t, "took", time.Since(start), time.Second)
		is(t, "stats", p.Stats(), backoff.Stats{Requests: 2, InFlight: 1, Full: 1})
		time.Sleep(time.Hour)
	})
}

func TestTheWaitIsNotTheHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &backoff.Policy{MaxInFlight: 1, Wait: time.Minute}
		h := boxedInside(p, 10*time.Second, takes(9*time.Second))
		go visit(h, get())
		synctest.Wait()
		start := time.Now()
		is(t, "status", visit(h, get()).Code, 200)
		is(t, "took", time.Since(start), 18*time.Second)
	})
}

func TestAStreamGivesItsPlaceBack(t *testing.T) {
	for name, begin := range map[string]http.HandlerFunc{
		"an event stream": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(200)
		},
		"one that begins by itself": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			io.WriteString(w, "data: 1\n\n")
		},
		"one that is declared": func(w http.ResponseWriter, _ *http.Request) {
			if err := respond.Stream(w); err != nil {
				t.Error(err)
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &backoff.Policy{MaxInFlight: 1}
			h := p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				is(t, "before", p.Stats().InFlight, 1)
				begin(w, r)
				is(t, "after", p.Stats().InFlight, 0)
				time.Sleep(time.Hour)
			}))
			for range 5 {
				go func() { is(t, name, visit(h, get()).Code, 200) }()
				synctest.Wait()
			}
			time.Sleep(2 * time.Hour)
			is(t, name, p.Stats(), backoff.Stats{Requests: 5})
		})
		synctest.Test(t, func(t *testing.T) {
			p := &backoff.Policy{MaxInFlight: 1}
			func() {
				defer func() { is(t, name+", the panic", recover(), any("of the handler's own")) }()
				visit(p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					begin(w, r)
					panic("of the handler's own")
				})), get())
			}()
			is(t, name+", after a panic", p.Stats(), backoff.Stats{Requests: 1})
		})
	}
}

// Two requests at a time, of which one gets in line just as the other ends: it
// must not be left waiting for a slot that is free.
func TestNobodyWaitsForASlotThatIsFree(t *testing.T) {
	p := &backoff.Policy{MaxInFlight: 1, Wait: patience}
	h := p.Wrap(answer(200, ""))
	turns, done := make(chan struct{}), make(chan int)
	go func() {
		for range turns {
			done <- visit(h, get()).Code
		}
	}()
	defer close(turns)
	for range 20_000 {
		turns <- struct{}{}
		first, second := visit(h, get()).Code, <-done
		if first != 200 || second != 200 {
			t.Fatalf("%d and %d: one has waited in vain", first, second)
		}
	}
}

// Two clients, and room for one in progress and one in line: nobody is refused,
// although each comes back at the moment when it gives its slot to the other.
func TestNobodyIsRefusedWhoHasRoomInLine(t *testing.T) {
	p := &backoff.Policy{MaxInFlight: 1, Wait: patience, MaxWaiting: 1}
	h := p.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			w, r := discard{http.Header{}}, get()
			for range 300_000 { // it took a hundred thousand to see one
				h.ServeHTTP(w, r)
			}
		})
	}
	clients.Wait()
	is(t, "refused", p.Stats().Full, 0)
}

// For the race detector, and for a slot that is lost or given twice: requests
// come, wait, leave and end at the same moments.
func TestNoSlotIsLostInAScramble(t *testing.T) {
	const most = 3
	p := &backoff.Policy{MaxInFlight: most, Wait: 200 * time.Microsecond, MaxWaiting: 5}
	var inside, peak, served atomic.Int64
	h := p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n := inside.Add(1); n > most {
			t.Errorf("%d are in progress", n)
		} else if n == most {
			peak.Store(n)
		}
		served.Add(1)
		time.Sleep(50 * time.Microsecond)
		inside.Add(-1)
	}))
	var workers sync.WaitGroup
	for i := range 16 {
		workers.Go(func() {
			for j := range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if (i+j)%3 == 0 {
					time.AfterFunc(100*time.Microsecond, cancel)
				}
				visit(h, get().WithContext(ctx))
				cancel()
			}
		})
	}
	workers.Wait()
	s := p.Stats()
	if s.InFlight != 0 || s.Waiting != 0 || uint64(served.Load())+s.Full+s.ClientGone != s.Requests || s.Requests != 16*200 {
		t.Errorf("%+v, %d served", s, served.Load())
	}
	if peak.Load() != most || s.Full == 0 {
		t.Errorf("no scramble: peak %d, %+v", peak.Load(), s)
	}
}
