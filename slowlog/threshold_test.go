package slowlog_test

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

const never = math.MaxInt64 * time.Nanosecond

func TestARequestCountsAsSlowAt(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration
		// The deadlines: a timebox's inside, the context's, the server's, and
		// that of a timebox outside. Zero is none.
		box, context, server, outside time.Duration
		want, deadline                time.Duration // want zero: never
	}{
		{name: "five seconds without a deadline", want: 5 * time.Second},
		{name: "four fifths of the timebox's", box: 2 * time.Second, want: 1600 * time.Millisecond, deadline: 2 * time.Second},
		{name: "four fifths of a long timebox's", box: time.Hour, want: 48 * time.Minute, deadline: time.Hour},
		{name: "four fifths of the context's", context: time.Second, want: 800 * time.Millisecond, deadline: time.Second},
		{name: "four fifths of the server's", server: time.Second, want: 800 * time.Millisecond, deadline: time.Second},
		{name: "four fifths of that of a timebox outside", outside: time.Second, want: 800 * time.Millisecond, deadline: time.Second},
		{name: "the timebox's when it is first", box: 10 * time.Second, context: 20 * time.Second, server: 30 * time.Second, want: 8 * time.Second, deadline: 10 * time.Second},
		{name: "the context's when it is first", box: 20 * time.Second, context: 10 * time.Second, server: 30 * time.Second, want: 8 * time.Second, deadline: 10 * time.Second},
		{name: "the server's when it is first", box: 20 * time.Second, context: 30 * time.Second, server: 10 * time.Second, want: 8 * time.Second, deadline: 10 * time.Second},
		{name: "After, whatever the deadline", after: 3 * time.Second, box: 20 * time.Second, want: 3 * time.Second, deadline: 20 * time.Second},
		{name: "After, with the first deadline named", after: 3 * time.Second, box: 20 * time.Second, context: 10 * time.Second, want: 3 * time.Second, deadline: 10 * time.Second},
		{name: "After, with the first deadline named, the box's", after: 3 * time.Second, box: 10 * time.Second, server: 20 * time.Second, want: 3 * time.Second, deadline: 10 * time.Second},
		{name: "a nanosecond", after: 1, want: 1},
		{name: "four fifths of forty years", context: 40 * year, want: 32 * year, deadline: 40 * year},
		{name: "five seconds when the deadline is out of sight", context: 250 * year, want: 5 * time.Second},
		{name: "five seconds when the deadline is for ever", context: never, want: 5 * time.Second},
		{name: "five seconds when the server's is for ever", server: never, want: 5 * time.Second},
		{name: "at once when the deadline has passed", context: -time.Second, want: 1, deadline: 1},
		{name: "no time when After is for ever", after: never},
		{name: "no time when After is nearly for ever", after: never - time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := quiet(t, &slowlog.Watch{After: c.after})
				life := 2 * c.want
				if c.want == 0 {
					life = year
				}
				h := asleep(life)
				if c.box > 0 {
					h = (&timebox.Box{Limit: c.box}).Wrap(h)
				}
				h = w.Wrap(h)
				if c.outside > 0 {
					h = (&timebox.Box{Limit: c.outside}).Wrap(h)
				}
				ctx := context.Background()
				if c.context != 0 {
					var cancel func()
					ctx, cancel = context.WithTimeout(ctx, c.context)
					defer cancel()
				}
				if c.server > 0 {
					ctx = context.WithValue(ctx, http.ServerContextKey, &http.Server{WriteTimeout: c.server})
				}
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
				if c.want == 0 {
					equal(t, "reports", len(w.Recent()), 0)
					return
				}
				r := the(t, w)
				equal(t, "slow after", r.Elapsed, c.want)
				equal(t, "deadline", r.Deadline, c.deadline)
			})
		})
	}
}

const year = 365 * 24 * time.Hour

func TestTimesOutOfSightAreNotReckonedWith(t *testing.T) {
	bubble(t, func(t *testing.T) { // doubled three times it would overflow
		w := quiet(t, &slowlog.Watch{After: 40 * year, Again: 10})
		visit(w.Wrap(asleep(250*year)), "GET", "/")
		equal(t, "slow after", the(t, w).Elapsed, 40*year)
	})
	bubble(t, func(t *testing.T) { // and this one cannot even be expressed
		w := quiet(t, &slowlog.Watch{})
		ctx, cancel := context.WithDeadline(t.Context(), time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC))
		defer cancel()
		w.Wrap(asleep(time.Minute)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
		equal(t, "slow after", the(t, w).Elapsed, slowlog.DefaultAfter)
	})
	for _, w := range []*slowlog.Watch{{After: never}, {After: never - time.Hour, Again: 10}} { // in real time
		quiet(t, w)
		visit(w.Wrap(asleep(30*time.Millisecond)), "GET", "/")
		equal(t, "reports", w.Stats().Reports, 0)
		equal(t, "sweeps", w.Stats().Sweeps, 0)
	}
}

func TestALaterDeadlineDoesNotPutTheReportOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{})
		inner := (&timebox.Box{Limit: 4 * time.Second}).Wrap(asleep(time.Minute))
		visit(w.Wrap((&timebox.Box{Limit: 2 * time.Second}).Wrap(inner)), "GET", "/")
		equal(t, "slow after", the(t, w).Elapsed, 1600*time.Millisecond)
	})
}

func TestABoxFarInsideSetsTheDeadlineFromWhereItBegins(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{})
		box := (&timebox.Box{Limit: 2 * time.Second}).Wrap(asleep(time.Minute))
		visit(w.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second) // 3 s are the deadline now, 2.4 the threshold
			box.ServeHTTP(rw, r)
		})), "GET", "/")
		r := the(t, w)
		equal(t, "slow after", r.Elapsed, 2400*time.Millisecond)
		equal(t, "deadline", r.Deadline, 3*time.Second)
	})
}

// A mux that lets in whoever asks for its pattern first has time for anything.
type meddlingMux struct {
	http.HandlerFunc
	meddle func()
}

func (m meddlingMux) Handler(*http.Request) (http.Handler, string) { m.meddle(); return m, "/" }

func TestADeadlineSetAfterTheReportBringsNoOtherReport(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second} {
		for again := range 3 {
			bubble(t, func(t *testing.T) {
				w := quiet(t, &slowlog.Watch{After: after, Again: again})
				box := (&timebox.Box{Limit: time.Second}).Wrap(asleep(time.Hour))
				visit(w.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					time.Sleep(slowlog.DefaultAfter)
					synctest.Wait()
					box.ServeHTTP(rw, r)
				})), "GET", "/")
				equal(t, "reports", w.Stats().Reports, int64(1+again))
			})
		}
	}
}

func TestADeadlineSetWhileAReportIsMadeBringsNoOtherReport(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{})
		asked, boxed := make(chan struct{}), make(chan struct{})
		box := (&timebox.Box{Limit: time.Second}).Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(boxed)
			time.Sleep(time.Minute)
		}))
		var once sync.Once
		mux := meddlingMux{
			HandlerFunc: func(rw http.ResponseWriter, r *http.Request) { <-asked; box.ServeHTTP(rw, r) },
			meddle:      func() { once.Do(func() { close(asked); <-boxed }) },
		}
		visit(w.Wrap(mux), "GET", "/")
		equal(t, "slow after", the(t, w).Elapsed, slowlog.DefaultAfter)
	})
}

func TestTheReportComesBeforeTheDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{})
		h := w.Wrap((&timebox.Box{Limit: time.Second}).Wrap(asleep(time.Minute)))
		rec := httptest.NewRecorder()
		go h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
		time.Sleep(time.Second - 1)
		synctest.Wait()
		r := the(t, w)
		equal(t, "status", r.Status, 0)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		equal(t, "status", rec.Code, 503)
		time.Sleep(time.Minute)
	})
}

func TestSkipLeavesARequestAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second, Skip: func(r *http.Request) bool { return r.URL.Path == "/export" }})
		h := w.Wrap(asleep(time.Minute))
		visit(h, "GET", "/export")
		equal(t, "stats", w.Stats(), slowlog.Stats{})
		visit(h, "GET", "/")
		equal(t, "reports", w.Stats().Reports, 1)
	})
}

func TestKeep(t *testing.T) {
	for _, c := range []struct {
		name                string
		keep, requests, has int
	}{
		{"zero keeps a hundred", 0, 110, slowlog.DefaultKeep},
		{"negative keeps none", -1, 3, 0},
		{"one keeps the latest", 1, 3, 1},
		{"what is less than full", 10, 3, 3},
		{"exactly full", 3, 3, 3},
		{"once around and a bit", 3, 5, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := quiet(t, &slowlog.Watch{After: time.Second, Keep: c.keep})
				h := w.Wrap(asleep(2 * time.Second))
				equal(t, "before the first", len(w.Recent()), 0)
				for i := range c.requests {
					visit(h, "GET", "/"+strings.Repeat("x", i+1))
				}
				reports := w.Recent()
				equal(t, "kept", len(reports), c.has)
				for i, r := range reports {
					equal(t, "number of the newest but "+string(rune('0'+i%10)), len(r.URI)-1, c.requests-i)
					equal(t, "outcome", r.End.Outcome, slowlog.Answered)
				}
				equal(t, "made", w.Stats().Reports, int64(c.requests))
			})
		})
	}
}

func TestValidateNamesTheFieldAndWhatIsAccepted(t *testing.T) {
	for _, c := range []struct {
		watch *slowlog.Watch
		want  string
	}{
		{&slowlog.Watch{}, ""},
		{&slowlog.Watch{After: 1, Again: 10, Keep: -5}, ""},
		{&slowlog.Watch{After: -time.Second}, "slowlog: Watch.After is -1s; it must be positive, or zero for 80 % of the deadline"},
		{&slowlog.Watch{Again: -1}, "slowlog: Watch.Again is -1; it must be from 0 to 10"},
		{&slowlog.Watch{Again: 11}, "slowlog: Watch.Again is 11; it must be from 0 to 10"},
		{&slowlog.Watch{Alert: &alert.Queue{Size: -1}}, "slowlog: Watch.Alert: alert: Queue.Size is -1; it must be positive, or 0 for 256"},
		{&slowlog.Watch{After: -1, Again: -1}, "slowlog: Watch.After is -1ns; it must be positive, or zero for 80 % of the deadline\nslowlog: Watch.Again is -1; it must be from 0 to 10"},
	} {
		got := ""
		if err := c.watch.Validate(); err != nil {
			got = err.Error()
		}
		equal(t, "Validate", got, c.want)
		if c.want == "" {
			continue
		}
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || err.Error() != c.want {
					t.Errorf("Wrap panicked with %v, want %q", err, c.want)
				}
			}()
			c.watch.Wrap(http.NotFoundHandler())
		}()
	}
}

func TestWrapOfNilPanics(t *testing.T) {
	for name, wrap := range map[string]func(http.Handler) http.Handler{"Wrap": slowlog.Wrap, "Watch.Wrap": new(slowlog.Watch).Wrap} {
		func() {
			defer func() {
				if got := recover(); got != "slowlog: Watch.Wrap of a nil http.Handler" {
					t.Errorf("%s: panic %v", name, got)
				}
			}()
			wrap(nil)
		}()
	}
}

func TestAWatchThatWrapsNothingYetHasNothingToTell(t *testing.T) {
	w := new(slowlog.Watch)
	equal(t, "stats", w.Stats(), slowlog.Stats{})
	equal(t, "reports", len(w.Recent()), 0)
	equal(t, "in flight", len(w.InFlight()), 0)
	equal(t, "Close", w.Close(), nil)
}
