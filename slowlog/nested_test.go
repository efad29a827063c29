package slowlog_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

func TestNestedWatchesShareAnIDAndReportByTheirOwnThresholds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		outer := quiet(t, &slowlog.Watch{After: 2 * time.Second})
		inner := quiet(t, &slowlog.Watch{After: time.Second, Again: 1})
		h := outer.Wrap(inner.Wrap(asleep(time.Minute)))
		go visit(h, "GET", "/")
		time.Sleep(1500 * time.Millisecond)
		equal(t, "reports of the outer one at 1.5 s", outer.Stats().Reports, 0)
		equal(t, "reports of the inner one at 1.5 s", inner.Stats().Reports, 1)
		time.Sleep(time.Minute)
		o, i := the(t, outer), inner.Recent()
		equal(t, "outer", o.Elapsed, 2*time.Second)
		equal(t, "inner, second", i[0].Elapsed, 2*time.Second)
		equal(t, "inner, first", i[1].Elapsed, time.Second)
		equal(t, "ID", i[0].ID, o.ID)
		for _, r := range []slowlog.Report{o, i[0], i[1]} {
			equal(t, "outcome", *r.End, slowlog.End{Duration: time.Minute, Status: 200, Outcome: slowlog.Answered})
			equal(t, "goroutines", len(r.Stacks), 1)
			equal(t, "name", r.Stacks[0].Name, "runs the handler")
		}
	})
}

func TestAWatchInsideItselfWatchesARequestOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, other := quiet(t, &slowlog.Watch{After: time.Second}), quiet(t, &slowlog.Watch{After: time.Hour})
		inside := w.Wrap(asleep(2 * time.Second))
		visit(w.Wrap(other.Wrap(timebox.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			inside.ServeHTTP(rw, r)
			w.Wrap(inside).ServeHTTP(rw, r)
		})))), "GET", "/")
		equal(t, "requests", w.Stats().Requests, 1)
		equal(t, "end", *the(t, w).End, slowlog.End{Duration: 4 * time.Second, Status: 200, Outcome: slowlog.Answered})
		visit(inside, "GET", "/")
		equal(t, "requests", w.Stats().Requests, 2)
	})
}

func TestABoxInsideNestedWatchesIsKnownToBoth(t *testing.T) {
	bubble(t, func(t *testing.T) {
		outer, inner := quiet(t, &slowlog.Watch{}), quiet(t, &slowlog.Watch{})
		h := outer.Wrap(inner.Wrap((&timebox.Box{Limit: 2 * time.Second}).Wrap(asleep(time.Minute))))
		visit(h, "GET", "/")
		for _, w := range []*slowlog.Watch{outer, inner} {
			r := the(t, w)
			equal(t, "deadline", r.Deadline, 2*time.Second)
			equal(t, "elapsed", r.Elapsed, 1600*time.Millisecond)
			equal(t, "outcome", r.End.Outcome, slowlog.Refused)
			equal(t, "status", r.End.Status, 503)
		}
	})
}

func TestAWatchBetweenBoxesIsFound(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{})
		h := (&timebox.Box{Limit: time.Minute}).Wrap(w.Wrap((&timebox.Box{Limit: 2 * time.Second}).Wrap(asleep(10 * time.Second))))
		visit(h, "GET", "/")
		r := the(t, w)
		equal(t, "deadline", r.Deadline, 2*time.Second)
		equal(t, "outcome", r.End.Outcome, slowlog.Refused)
	})
}

func TestOneWatchForSeveralHandlers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		mux := http.NewServeMux()
		mux.Handle("/slow", w.Wrap(http.HandlerFunc(theStranger)))
		mux.Handle("/slower", w.Wrap(asleep(3*time.Second)))
		var all sync.WaitGroup
		for _, path := range []string{"/slow", "/slower", "/missing"} {
			all.Go(func() { visit(mux, "GET", path) })
		}
		time.Sleep(1200 * time.Millisecond)
		equal(t, "in flight", w.Stats().InFlight, 2)
		all.Wait()
		equal(t, "requests", w.Stats().Requests, 2)
		equal(t, "sweeps", w.Stats().Sweeps, 1)
		reports := w.Recent()
		equal(t, "reports", len(reports), 2)
		for _, r := range reports {
			equal(t, "the stranger is in the report on "+r.URI, mentions(r, "theStranger"), r.URI == "/slow")
		}
	})
}

func TestAHandlerInsideTwoWatchesMayChangeItsRequest(t *testing.T) {
	// For the race detector: middleware such as chi's RealIP writes to it.
	shown := []string{"User-Agent", "Accept"}
	outer, inner := quiet(t, &slowlog.Watch{After: 2 * time.Millisecond, Again: 3, Header: shown}), quiet(t, &slowlog.Watch{After: time.Millisecond, Again: 3, Header: shown})
	rested(t)
	h := outer.Wrap(timebox.Wrap(inner.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		reported := func() bool { return outer.Stats().Reports > 0 && inner.Stats().Reports > 0 }
		for start := time.Now(); time.Since(start) < 5*time.Millisecond || !reported() && time.Since(start) < 5*time.Second; time.Sleep(100 * time.Microsecond) {
			r.RemoteAddr, r.Host, r.Method, r.RequestURI, r.Proto = "192.0.2.1", "elsewhere", "PUT", "/changed", "none"
			r.URL.Path, r.URL.RawQuery = "/changed", "q=changed"
			r.Header.Set("User-Agent", "changed")
			r.Header.Del("Accept")
			rw.Header().Set("X-Time", time.Now().String())
			r.Pattern = "changed"
		}
	}))))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				r := httptest.NewRequest("GET", "/book?q=1", nil)
				r.Header.Set("Accept", "*/*")
				h.ServeHTTP(httptest.NewRecorder(), r)
				inner.InFlight()
				outer.InFlight()
			}
		})
	}
	all.Wait()
	for _, r := range slices.Concat(outer.Recent(), inner.Recent()) {
		if r.Method != "GET" || r.URI != "/book?q=1" || r.Host != "example.com" || r.Proto != "HTTP/1.1" || r.Header["Accept"] != "*/*" {
			t.Fatalf("the report does not have the request as it came:\n%s", r.Text())
		}
	}
	if outer.Stats().Reports == 0 || inner.Stats().Reports == 0 {
		t.Error("nothing was reported")
	}
}

func TestGoroutinesOfABlockInTheRequestAreItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		visit(w.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			timebox.Run(r.Context(), time.Minute, theBlock)
		})), "GET", "/")
		r := the(t, w)
		equal(t, "stacks", len(r.Stacks), 3)
		equal(t, "first", r.Stacks[0].Name, "runs the handler")
		for _, s := range r.Stacks[1:] {
			equal(t, "others", s.Name, "started by the request")
		}
		if !mentions(r, "theBlock") || !mentions(r, "theChildOfTheBlock") {
			t.Errorf("the block is not there:\n%s", r.Text())
		}
	})
}

func theBlock(context.Context) error {
	go theChildOfTheBlock()
	time.Sleep(2 * time.Second)
	return nil
}

func theChildOfTheBlock() { time.Sleep(2 * time.Second) }

func TestAWatchServesBubblesAndTheRealWorldAtOnce(t *testing.T) {
	rested(t)
	shared := quiet(t, &slowlog.Watch{After: 50 * time.Millisecond})
	h := shared.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) }))
	real := func(path string) { // a request that ends when it has been reported
		body, end := io.Pipe()
		defer end.Close()
		go h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", path, body))
		for i := 0; i < 4000 && reportsOn(shared, path) == 0; i++ {
			time.Sleep(5 * time.Millisecond)
		}
	}
	real("/before")
	var all sync.WaitGroup
	all.Go(func() { real("/meanwhile") })
	synctest.Test(t, func(t *testing.T) {
		visit(shared.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			for reportsOn(shared, "/meanwhile") == 0 { // no time passes in here
				runtime.Gosched()
			}
			equal(t, "reports from the bubble before its time has come", reportsOn(shared, "/bubble"), 0)
			time.Sleep(time.Hour)
		})), "GET", "/bubble")
	})
	all.Wait()
	real("/after")
	for _, r := range shared.Recent() {
		if r.Elapsed < 45*time.Millisecond || r.Elapsed > time.Minute {
			t.Errorf("%s: reported after %v", r.URI, r.Elapsed)
		}
	}
	equal(t, "reports", shared.Stats().Reports, 4)
}

func TestARequestInABubbleThatIsDueDuringARealSweepIsReported(t *testing.T) {
	rested(t)
	shared := quiet(t, &slowlog.Watch{After: 20 * time.Millisecond})
	sweeping, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h := shared.Wrap(meddlingMux{
		HandlerFunc: func(http.ResponseWriter, *http.Request) { <-release },
		meddle:      func() { once.Do(func() { close(sweeping) }); <-release },
	})
	var all sync.WaitGroup
	all.Go(func() { visit(h, "GET", "/real") })
	<-sweeping
	time.AfterFunc(50*time.Millisecond, func() { close(release) })
	synctest.Test(t, func(t *testing.T) { visit(shared.Wrap(asleep(time.Hour)), "GET", "/bubble") })
	all.Wait()
	equal(t, "reports from the bubble", reportsOn(shared, "/bubble"), 1)
}
