package slowlog_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

func TestInFlightListsTheOldestFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: 10 * time.Second})
		h := w.Wrap(shopMux())
		for i := range 3 {
			go visit(h, "GET", "/book/"+strings.Repeat("x", i+1))
			time.Sleep(100 * time.Millisecond)
		}
		list := w.InFlight()
		equal(t, "in flight", len(list), 3)
		for i, r := range list {
			equal(t, "elapsed", r.Elapsed, time.Duration(3-i)*100*time.Millisecond)
			equal(t, "URI", r.URI, "/book/"+strings.Repeat("x", i+1))
			equal(t, "route", r.Route, "GET /book/{id}")
			equal(t, "start", time.Since(r.Start), r.Elapsed)
		}
		time.Sleep(10 * time.Second)
		equal(t, "in flight at the end", len(w.InFlight()), 0)
	})
}

func TestARequestThatEndsWhileTheListIsMadeIsNotInIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Hour})
		release, ended := make(chan struct{}), make(chan struct{})
		first := w.Wrap(meddlingMux{
			HandlerFunc: asleep(time.Minute).ServeHTTP,
			meddle:      func() { close(release); <-ended }, // the list has come to the first
		})
		go visit(first, "GET", "/first")
		time.Sleep(time.Second)
		go func() {
			visit(w.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })), "GET", "/second")
			close(ended)
		}()
		time.Sleep(time.Second)
		list := w.InFlight()
		if len(list) != 1 || list[0].URI != "/first" {
			t.Errorf("in flight: %+v", list)
		}
		time.Sleep(time.Minute)
	})
}

// everyKind ends a request in the way that its path says.
func everyKind(watch *slowlog.Watch, w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/hello":
		io.WriteString(w, "hello")
	case "/missing":
		http.NotFound(w, r)
	case "/panic":
		panic("a fault")
	case "/goexit":
		runtime.Goexit()
	case "/child":
		go time.Sleep(time.Millisecond)
	case "/stream":
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
	case "/block":
		timebox.Run(r.Context(), time.Minute, func(context.Context) error { return nil })
	case "/slow":
		start := time.Now()
		for time.Since(start) < 3*time.Millisecond || watch.Stats().Reports == 0 && time.Since(start) < 10*time.Second {
			time.Sleep(time.Millisecond)
		}
	case "/refused":
		<-r.Context().Done()
	}
}

func TestAHundredThousandRequestsOfEveryKindLeaveNothing(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n /= 10
	}
	rested(t)
	runtime.GC()
	goroutines := runtime.NumGoroutine()
	w := quiet(t, &slowlog.Watch{After: 2 * time.Millisecond})
	box := &timebox.Box{Limit: 20 * time.Millisecond}
	h := w.Wrap(box.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { everyKind(w, rw, r) })))
	common := []string{"/hello", "/missing", "/panic", "/goexit", "/child", "/stream"}
	rare := []string{"/block", "/slow", "/refused"} // which take their time
	const workers = 50
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := worker; i < n; i += workers {
				path := common[i%len(common)]
				if i%100 < workers && i%1000 < 100 {
					path = rare[i%len(rare)]
				}
				one(h, path)
			}
		})
	}
	var watching sync.WaitGroup
	stop := make(chan struct{})
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				w.InFlight()
				w.Recent()
				if s := w.Stats(); s.InFlight < 0 || s.InFlight > workers {
					t.Errorf("in flight: %d", s.InFlight)
				}
			}
		}
	})
	all.Wait()
	close(stop)
	watching.Wait()
	s := w.Stats()
	equal(t, "in flight", s.InFlight, 0)
	equal(t, "listed", len(w.InFlight()), 0)
	equal(t, "requests", s.Requests, uint64(n))
	if s.Reports == 0 {
		t.Error("no request was slow")
	}
	for range 200 {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d at first", runtime.NumGoroutine(), goroutines)
}

// one serves a request on a goroutine that it may end.
func one(h http.Handler, path string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { recover() }()
		visit(h, "GET", path)
	}()
	<-done
}

func TestTheEndOfARequestIsSeenAtOnceUnderLoad(t *testing.T) {
	// On a real server, with handlers that change all they are given while
	// sweeps read, for the race detector.
	rested(t)
	w := quiet(t, &slowlog.Watch{After: 3 * time.Millisecond, Again: 2})
	s := server(t, w.Wrap(timebox.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		for range 5 {
			r.Header.Set("Accept", "changed")
			r.Header["User-Agent"][0] = "changed"
			r.URL.Path, r.URL.RawQuery, r.Host, r.RemoteAddr = "/changed", "changed", "changed", "changed"
			rw.Header().Add("X-Step", "changed")
			time.Sleep(time.Millisecond)
		}
		io.Copy(rw, r.Body)
		rw.Header().Set("X-Late", "changed")
	}))))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				resp, err := s.Client().Post(s.URL+"/books?q=1", "text/plain", strings.NewReader("hello"))
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				for _, r := range w.InFlight() {
					if r.URI != "/books?q=1" || r.Header["User-Agent"] == "changed" {
						t.Errorf("not as it came: %+v", r)
					}
				}
			}
		})
	}
	all.Wait()
	s.Close()
	equal(t, "in flight", w.Stats().InFlight, 0)
	for _, r := range w.Recent() {
		if r.URI != "/books?q=1" || r.End == nil {
			t.Fatalf("%s, end %v", r.URI, r.End)
		}
	}
}

// overdrawn spends the budget of sweeps until the next one has to wait so long.
func overdrawn(t *testing.T, wait time.Duration) {
	rested(t)
	for stacks.Wait() < wait {
		if _, err := stacks.Sweep(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSweepsWaitWhenTheirBudgetIsSpent(t *testing.T) {
	overdrawn(t, 20*time.Second)
	defer rested(t)
	w := quiet(t, &slowlog.Watch{After: time.Millisecond})
	h := w.Wrap(asleep(10 * time.Millisecond))
	var took []time.Duration
	for range 20 {
		start := time.Now()
		visit(h, "GET", "/")
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	s := w.Stats()
	equal(t, "sweeps", s.Sweeps, 0)
	equal(t, "reports", s.Reports, 0)
	if s.Postponed == 0 {
		t.Error("no sweep was postponed")
	}
	if median := took[len(took)/2]; median > time.Second {
		t.Errorf("a request of 10 ms took %v", median)
	}
}

func TestARequestThatWaitsForASweepIsReportedWhenOneIsAllowed(t *testing.T) {
	overdrawn(t, 100*time.Millisecond)
	defer rested(t)
	w := quiet(t, &slowlog.Watch{After: time.Millisecond})
	visit(w.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		for start := time.Now(); w.Stats().Reports == 0 && time.Since(start) < time.Minute; {
			time.Sleep(time.Millisecond)
		}
	})), "GET", "/")
	s := w.Stats()
	equal(t, "reports", s.Reports, 1)
	if s.Postponed == 0 {
		t.Error("the sweep was not postponed")
	}
}
