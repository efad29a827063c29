package slowlog_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// inPlace lifts the deadline of the requests for /lifted, as a profile does that
// answers with the application's own response.
func inPlace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/lifted" {
			next.ServeHTTP(w, r)
			return
		}
		request.Lift(r.Context())
		request.Serve(next, w, r, &request.Record{Context: r.Context(), Outer: request.From(r.Context()), Lift: true})
	})
}

// detached has a goroutine of its own serve a copy of the request, as a profile
// does that answers at once with the address of its result. What the run wrote
// is sent to results.
func detached(next http.Handler, results chan<- *httptest.ResponseRecorder) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		run := r.Clone(&request.Record{Context: context.WithoutCancel(r.Context()), Lift: true})
		go func() {
			result := httptest.NewRecorder()
			defer func() { results <- result }()
			next.ServeHTTP(result, run)
		}()
		w.WriteHeader(http.StatusSeeOther)
	})
}

func TestALiftedRequestIsNotReportedAndItsNeighboursAre(t *testing.T) {
	for name, watch := range map[string]*slowlog.Watch{
		"by its deadline": {},
		"by itself":       {After: time.Second},
		"again":           {After: time.Second, Again: 10},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := quiet(t, watch)
				inside := quiet(t, &slowlog.Watch{After: time.Second})
				box := &timebox.Box{Limit: 2 * time.Second}
				h := inPlace(inside.Wrap(box.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					request.From(r.Context()).SetDeadline(deadline.Now() + time.Second) // in vain
					time.Sleep(time.Hour)
				}))))
				go func() {
					server := &http.Server{WriteTimeout: 3 * time.Second}
					ctx := context.WithValue(t.Context(), http.ServerContextKey, server)
					w.Wrap(box.Wrap(h)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/lifted", nil))
				}()
				time.Sleep(time.Minute)
				for which, w := range map[string]*slowlog.Watch{"outside": w, "inside": inside} {
					list := w.InFlight()
					if len(list) != 1 || list[0].Deadline != 0 || list[0].Elapsed != time.Minute {
						t.Errorf("%s: in flight are %+v, want the request without a deadline", which, list)
					}
				}
				time.Sleep(2 * time.Hour)
				for _, w := range []*slowlog.Watch{w, inside} {
					got := w.Stats()
					equal(t, "reports", got.Reports, 0)
					equal(t, "slow", got.Slow, 0)
					equal(t, "sweeps", got.Sweeps, 0)
					equal(t, "requests", got.Requests, 1)
					equal(t, "in flight", got.InFlight, 0)
				}
				visit(w.Wrap(box.Wrap(inPlace(asleep(time.Minute)))), "GET", "/")
				equal(t, "neighbours that were slow", w.Stats().Slow, 1)
			})
		})
	}
}

func TestARequestThatIsLiftedWhenItHasBeenReportedIsNotReportedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second, Again: 5})
		visit(w.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			time.Sleep(1500 * time.Millisecond)
			request.Lift(r.Context())
			time.Sleep(time.Hour)
		})), "GET", "/")
		r := the(t, w)
		equal(t, "elapsed", r.Elapsed, time.Second)
		equal(t, "outcome", r.End.Outcome, slowlog.Answered)
	})
}

func TestARequestThatIsLiftedWhileItsReportIsMadeIsNotReported(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second, Again: 5})
		contexts := make(chan context.Context, 1)
		var meddled atomic.Int32
		visit(w.Wrap(meddlingMux{
			HandlerFunc: func(_ http.ResponseWriter, r *http.Request) {
				contexts <- r.Context()
				time.Sleep(time.Hour)
			},
			meddle: func() { meddled.Add(1); request.Lift(<-contexts) }, // the report asks for the route
		}), "GET", "/")
		equal(t, "reports begun", meddled.Load(), 1)
		equal(t, "reports", w.Stats().Reports, 0)
		equal(t, "kept", len(w.Recent()), 0)
	})
}

// All guards there are stand around the profile and inside of it.
func TestARunThatOutlivesItsRequestIsNoneOfItsGuards(t *testing.T) {
	bubble(t, func(t *testing.T) {
		outside, inside := quiet(t, &slowlog.Watch{After: time.Second}), quiet(t, &slowlog.Watch{After: time.Second})
		shed := &backoff.Policy{MaxInFlight: 1}
		limit := &timebox.Box{Limit: 2 * time.Second}
		mysql := &breaker.Breaker{Name: "mysql", Timeout: 10 * time.Minute}
		redis := &breaker.Breaker{Name: "redis", Timeout: time.Minute}
		var outer, inner *request.Record
		handle := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			inner = request.From(ctx)
			time.Sleep(time.Minute)
			if err := mysql.Do(ctx, func(ctx context.Context) error { time.Sleep(5 * time.Minute); return ctx.Err() }); err != nil {
				t.Errorf("a call within its time: %v", err)
			}
			if err := redis.Do(ctx, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }); err == nil {
				t.Error("a call had more than its time")
			}
			if err := timebox.Run(ctx, time.Hour, func(ctx context.Context) error { time.Sleep(time.Minute); return ctx.Err() }); err != nil {
				t.Errorf("a block: %v", err)
			}
			http.Error(w, "no redis", http.StatusInternalServerError)
		})
		results := make(chan *httptest.ResponseRecorder, 1)
		profiled := detached(inside.Wrap(mysql.Wrap(backoff.Wrap(limit.Wrap(handle)))), results)
		h := outside.Wrap(shed.Wrap(limit.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			outer = request.From(r.Context())
			profiled.ServeHTTP(w, r)
		}))))
		equal(t, "the answer", visit(h, "GET", "/").Code, http.StatusSeeOther)
		time.Sleep(time.Minute)
		equal(t, "in flight outside", outside.Stats().InFlight, 0)
		equal(t, "in flight inside", len(inside.InFlight()), 1)
		other := shed.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
		equal(t, "the answer to the next", visit(other, "GET", "/").Code, http.StatusOK)

		result := <-results
		equal(t, "the run's answer, which its own policy gave", result.Code, http.StatusServiceUnavailable)
		equal(t, "the request's calls", len(outer.Backends()), 0)
		equal(t, "the run's backends", len(inner.Backends()), 2)
		if outer.Lifted() || !inner.Lifted() {
			t.Errorf("lifted: the request %v, the run %v", outer.Lifted(), inner.Lifted())
		}
		for _, w := range []*slowlog.Watch{outside, inside} {
			equal(t, "reports", w.Stats().Reports, 0)
			equal(t, "in flight at the end", w.Stats().InFlight, 0)
		}
		equal(t, "boxes", limit.Stats(), timebox.Stats{Started: 1})
		equal(t, "in flight in the policy outside", shed.Stats().InFlight, 0)
	})
}
