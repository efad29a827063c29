package slowlog_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/slowlog"
)

// ownLabels are the profiler labels of this goroutine, as a goroutine profile
// has them, which knows them by nothing but the stack.
//
//go:noinline
func ownLabels() string {
	var b bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&b, 1)
	for _, g := range strings.Split(b.String(), "\n\n") {
		if strings.Contains(g, "slowlog_test.ownLabels") {
			labels := regexp.MustCompile(`# labels: (.*)`).FindStringSubmatch(g)
			if labels == nil {
				return "none"
			}
			return regexp.MustCompile(`"[0-9a-f]{32}"`).ReplaceAllString(labels[1], `"ID"`)
		}
	}
	return "not found"
}

func TestTheUsersOwnProfilerLabelsAreKept(t *testing.T) {
	var inside, nested, child, after string
	w := quiet(t, &slowlog.Watch{})
	h := w.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		inside = ownLabels()
		pprof.Do(r.Context(), pprof.Labels("step", "search"), func(ctx context.Context) {
			nested = ownLabels()
			done := make(chan struct{})
			go func() { child = ownLabels(); close(done) }()
			<-done
		})
		after = ownLabels()
	}))
	pprof.Do(t.Context(), pprof.Labels("shop", "books"), func(ctx context.Context) {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
		equal(t, "restored after the request", ownLabels(), `{"shop":"books"}`)
	})
	equal(t, "in the handler", inside, `{"heeler":"ID", "shop":"books"}`)
	equal(t, "in a nested pprof.Do", nested, `{"heeler":"ID", "shop":"books", "step":"search"}`)
	equal(t, "in its child", child, `{"heeler":"ID", "shop":"books", "step":"search"}`)
	equal(t, "after it", after, `{"heeler":"ID", "shop":"books"}`)
	equal(t, "outside", ownLabels(), "none")
}

func TestLabelsAreRestoredAfterAPanic(t *testing.T) {
	h := quiet(t, &slowlog.Watch{}).Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a fault") }))
	func() {
		defer func() { recover() }()
		visit(h, "GET", "/")
	}()
	equal(t, "labels", ownLabels(), "none")
}

func TestAKeptAliveConnectionBearsNoLabelBetweenRequests(t *testing.T) {
	watch := quiet(t, &slowlog.Watch{})
	ids := make(map[string]bool)
	mux := http.NewServeMux()
	mux.Handle("/watched", watch.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ids[watch.InFlight()[0].ID] = true
		io.WriteString(w, ownLabels())
	})))
	mux.HandleFunc("/free", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, ownLabels()) })
	s := server(t, mux)
	for range 3 { // each pair on one connection, thus one goroutine
		equal(t, "watched", get(t, s, "/watched"), `{"heeler":"ID"}`)
		equal(t, "free", get(t, s, "/free"), "none")
	}
	equal(t, "different IDs", len(ids), 3)
}

func TestASlowRequestWithLabelsOfTheUsersIsReportedWithItsStack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		visit(w.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			pprof.Do(r.Context(), pprof.Labels("step", "search"), func(context.Context) { time.Sleep(2 * time.Second) })
		})), "GET", "/")
		r := the(t, w)
		equal(t, "first", r.Stacks[0].Name, "runs the handler")
		equal(t, "problem", r.Problem, "")
	})
}

func TestAReportSaysSoWhenTheHandlerHasTakenItsLabelOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		visit(w.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			go theChildOfTheDeepOne()
			pprof.Do(context.Background(), pprof.Labels("step", "search"), func(context.Context) { time.Sleep(2 * time.Second) })
		})), "GET", "/book")
		r := the(t, w)
		equal(t, "where", r.Where(), "somewhere unknown")
		equal(t, "title", r.Title(), "slow: GET /book after 1s, somewhere unknown")
		contains(t, r.Text(), "problem:    the handler's goroutine does not bear the request's profiler label")
		equal(t, "its child", mentions(r, "theChildOfTheDeepOne"), true)
	})
}

func TestDeepRecursionIsStillKnownAsTheHandler(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		visit(w.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			go theChildOfTheDeepOne()
			recurse(500)
		})), "GET", "/")
		r := the(t, w)
		equal(t, "where", r.Where(), "asleep in slowlog_test.recurse")
		equal(t, "second", r.Stacks[1].Name, "started by the request")
		equal(t, "problem", r.Problem, "")
	})
}

//go:noinline
func recurse(n int) {
	if n == 0 {
		time.Sleep(2 * time.Second)
		return
	}
	recurse(n - 1)
}

func theChildOfTheDeepOne() { time.Sleep(2 * time.Second) }
