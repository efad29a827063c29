package slowlog_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/slowlog"
)

func TestAFastRequestIsNotReported(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &desk{}
		w := &slowlog.Watch{After: time.Second, Alert: queue(t, d)}
		visit(w.Wrap(asleep(900*time.Millisecond)), "GET", "/")
		time.Sleep(time.Minute)
		equal(t, "alerts", len(d.alerts()), 0)
		equal(t, "reports", len(w.Recent()), 0)
		equal(t, "stats", w.Stats(), slowlog.Stats{Requests: 1})
	})
}

func TestASlowRequestIsReportedOnceWhileItRuns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &desk{}
		w := &slowlog.Watch{After: time.Second, Alert: queue(t, d)}
		h := w.Wrap(asleep(time.Hour))
		go visit(h, "GET", "/book")
		time.Sleep(time.Second)
		synctest.Wait()
		r := the(t, w)
		equal(t, "elapsed", r.Elapsed, time.Second)
		equal(t, "capture", r.Capture, 1)
		equal(t, "end", r.End, nil)
		equal(t, "in flight", w.Stats().InFlight, 1)
		time.Sleep(time.Hour)
		synctest.Wait()
		r = the(t, w)
		equal(t, "end", *r.End, slowlog.End{Duration: time.Hour, Status: 200, Outcome: slowlog.Answered})
		equal(t, "alerts", len(d.alerts()), 1)
		s := w.Stats()
		s.SweepTime = 0
		equal(t, "stats", s, slowlog.Stats{Requests: 1, Slow: 1, Reports: 1, Sweeps: 1})
	})
}

// sleepsWithChildren is a handler whose own goroutine and two of its children
// are still there when it is reported, and a third that has ended.
func sleepsWithChildren(w http.ResponseWriter, r *http.Request) {
	var all sync.WaitGroup
	all.Add(3)
	for range 2 {
		go theChild(&all)
	}
	go theShortLivedChild(&all)
	time.Sleep(2 * time.Second)
	all.Wait()
}

func theChild(all *sync.WaitGroup) {
	defer all.Done()
	time.Sleep(2 * time.Second)
}

func theShortLivedChild(all *sync.WaitGroup) {
	defer all.Done()
	time.Sleep(time.Millisecond)
}

// theStranger is a handler that nobody asks about.
func theStranger(w http.ResponseWriter, r *http.Request) {
	done := make(chan struct{})
	go theStrangersChild(done)
	time.Sleep(1500 * time.Millisecond)
	close(done)
}

func theStrangersChild(done chan struct{}) { <-done }

func TestAReportHasTheRequestsOwnGoroutinesAndItsChildrenAndNoOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		busy := quiet(t, &slowlog.Watch{After: time.Hour})
		h, others := w.Wrap(http.HandlerFunc(sleepsWithChildren)), busy.Wrap(http.HandlerFunc(theStranger))
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() { visit(others, "GET", "/busy") })
		}
		visit(h, "GET", "/")
		all.Wait()

		r := the(t, w)
		if mentions(r, "Stranger") || mentions(r, "ShortLived") {
			t.Errorf("goroutines of others:\n%s", r.Text())
		}
		if len(r.Stacks) != 2 {
			t.Fatalf("%d stacks, want 2:\n%s", len(r.Stacks), r.Text())
		}
		own, children := r.Stacks[0], r.Stacks[1]
		if own.Name != "runs the handler" || own.State != "asleep" || own.Count != 1 || !slices.Contains(calls(own), "slowlog_test.sleepsWithChildren") {
			t.Errorf("the handler's own stack: %+v", own)
		}
		if children.Name != "started by the request" || children.Count != 2 || !slices.Contains(calls(children), "slowlog_test.theChild") {
			t.Errorf("the children's stack: %+v", children)
		}
		equal(t, "where", r.Where(), "asleep in slowlog_test.sleepsWithChildren")
	})
}

// outlives starts a goroutine that lives longer than its request.
func outlives(w http.ResponseWriter, r *http.Request) { go theOrphan() }

func theOrphan() { time.Sleep(time.Hour) }

func TestGoroutinesOfAnEndedRequestNeverAppear(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		ended, slow := w.Wrap(http.HandlerFunc(outlives)), w.Wrap(asleep(2*time.Second))
		visit(ended, "GET", "/")
		visit(slow, "GET", "/") // on the same goroutine, as with keep-alive
		r := the(t, w)
		if mentions(r, "theOrphan") || len(r.Stacks) != 1 {
			t.Errorf("want the handler's stack alone:\n%s", r.Text())
		}
		time.Sleep(time.Hour) // lets the orphan end
	})
}

func TestCapturesComeAtTwiceAndFourTimesTheThreshold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &desk{}
		w := &slowlog.Watch{After: time.Second, Again: 2, Alert: queue(t, d)}
		visit(w.Wrap(asleep(time.Hour)), "GET", "/")
		reports := w.Recent()
		slices.Reverse(reports)
		var at []time.Duration
		for i, r := range reports {
			at = append(at, r.Elapsed)
			equal(t, "capture", r.Capture, i+1)
			equal(t, "outcome", r.End.Outcome, slowlog.Answered)
		}
		if want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("captures at %v, want %v", at, want)
		}
		s := w.Stats()
		equal(t, "requests that were slow", s.Slow, 1)
		equal(t, "reports", s.Reports, 3)
		keys := map[string]bool{}
		for _, a := range d.alerts() {
			keys[a.Key] = true
		}
		equal(t, "alerts that are not folded into one", len(keys), 3)
	})
}

func TestARequestThatEndsWhenItIsDueIsReportedBeforeItsEndOrNotAtAll(t *testing.T) {
	rested(t)
	// In real time: the end and the sweep are to meet.
	const workers, rounds = 8, 40
	w := quiet(t, &slowlog.Watch{After: 2 * time.Millisecond, Keep: 10_000})
	h := w.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond + rand.N(time.Millisecond<<rand.N(8))) // up to 0.1 s, for a busy machine
	}))
	start := time.Now()
	var all sync.WaitGroup
	var reported sync.Map // by path, when the request had just ended
	for worker := range workers {
		all.Go(func() {
			for round := 0; round < rounds || w.Stats().Reports == 0 && time.Since(start) < time.Minute; round++ {
				path := fmt.Sprintf("/%d/%d", worker, round)
				visit(h, "GET", path)
				reported.Store(path, reportsOn(w, path))
			}
		})
	}
	all.Wait()
	if w.Stats().Reports == 0 {
		t.Error("no request was slow: the race was not run")
	}
	time.Sleep(20 * time.Millisecond)
	reported.Range(func(path, n any) bool {
		if now := reportsOn(w, path.(string)); now != n {
			t.Errorf("%s: %d reports when it had ended, %d later", path, n, now)
		}
		return true
	})
	for _, r := range w.Recent() {
		if r.End == nil || r.End.Duration < r.Elapsed {
			t.Errorf("%s: taken after %v, ended %+v", r.URI, r.Elapsed, r.End)
		}
	}
	equal(t, "in flight", w.Stats().InFlight, 0)
	equal(t, "alerts offered", w.Alert.Stats().Offered, w.Stats().Reports)
}

func reportsOn(w *slowlog.Watch, uri string) (n int) {
	for _, r := range w.Recent() {
		if r.URI == uri {
			n++
		}
	}
	return n
}

// failing is a sink that cannot do its work in one of several ways.
type failing func() error

func (f failing) Send(context.Context, alert.Alert) error { return f() }

func TestAFailingSinkKeepsAReportFromNoOther(t *testing.T) {
	for name, fault := range map[string]failing{
		"an error": func() error { return errors.New("disk full") },
		"a panic":  func() error { panic("sink") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				first, last := &desk{}, &desk{}
				q := queue(t, first, fault, last)
				q.OnError = func(string, alert.Alert, error) {}
				w := &slowlog.Watch{After: time.Second, Alert: q}
				visit(w.Wrap(asleep(2*time.Second)), "GET", "/")
				equal(t, "alerts before it", len(first.alerts()), 1)
				equal(t, "alerts after it", len(last.alerts()), 1)
				equal(t, "failed", q.Stats().Failed, 1)
			})
		})
	}
}

func TestAThousandRequestsSlowAtOnceCostOneSweep(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &desk{}
		w := &slowlog.Watch{After: time.Second, Alert: queue(t, d), Keep: 1000}
		h := w.Wrap(asleep(2 * time.Second))
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 50 * time.Microsecond) // within 5 % of the threshold
				visit(h, "GET", "/")
			})
		}
		all.Wait()
		equal(t, "sweeps", w.Stats().Sweeps, 1)
		equal(t, "reports", w.Stats().Reports, 1000)
		equal(t, "alerts", w.Alert.Stats().Offered, 1000)
		reports := w.Recent()
		if !slices.IsSortedFunc(reports, func(a, b slowlog.Report) int { return b.Start.Compare(a.Start) }) {
			t.Error("the oldest request was not reported first")
		}
		for _, r := range reports {
			if len(r.Stacks) != 1 || r.Stacks[0].Count != 1 || r.Elapsed < 950*time.Millisecond || r.Elapsed > time.Second {
				t.Fatalf("not a report on one request near its threshold:\n%s", r.Text())
			}
		}
	})
}

// stuck is a sink that never returns until it is let go.
type stuck chan struct{}

func (s stuck) Send(context.Context, alert.Alert) error { <-s; return nil }

func TestAFullQueueWithAStuckSinkDelaysNoRequest(t *testing.T) {
	rested(t)
	sink := make(stuck)
	q := &alert.Queue{Sinks: []alert.Sink{sink}, Size: 1, Fold: -1, PerMinute: -1, OnError: func(string, alert.Alert, error) {}}
	w := &slowlog.Watch{After: 10 * time.Millisecond, Alert: q}
	mux := http.NewServeMux()
	for i := range 100 { // routes that are not alike
		mux.HandleFunc(fmt.Sprint("/", i), func(_ http.ResponseWriter, r *http.Request) {
			for q.Stats().Dropped == 0 { // one is being sent, one waits, and there is no room for others
				time.Sleep(time.Millisecond)
			}
		})
	}
	h := w.Wrap(mux)
	served := make(chan struct{})
	go func() {
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() { visit(h, "GET", fmt.Sprint("/", i)) })
		}
		all.Wait()
		close(served)
	}()
	select {
	case <-served:
	case <-time.After(time.Minute):
		t.Error("the requests wait for the sink")
	}
	close(sink)
	if err := q.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if reports := w.Stats().Reports; q.Stats().Offered != reports {
		t.Errorf("%d reports, %d offered", reports, q.Stats().Offered)
	}
}
