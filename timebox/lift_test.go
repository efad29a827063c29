package timebox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/timebox"
)

// inPlace lifts the deadline of the requests that ask for it, as a profile does
// that answers with the application's own response.
func inPlace(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/lifted" {
			next.ServeHTTP(w, r)
			return
		}
		ctx := r.Context()
		request.Lift(ctx)
		rec := &request.Record{Context: ctx, Outer: request.From(ctx), Lift: true}
		request.Serve(next, w, r, rec)
	}
}

// detached has a goroutine of its own serve a copy of the request, as a profile
// does that answers at once with the address of its result. What the run wrote
// is sent to results.
func detached(next http.Handler, results chan<- *httptest.ResponseRecorder) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rec := &request.Record{Context: context.WithoutCancel(r.Context()), Lift: true}
		run := r.Clone(rec)
		go func() {
			result := httptest.NewRecorder()
			defer func() { results <- result }()
			next.ServeHTTP(result, run)
		}()
		w.Header().Set("Location", "/result")
		w.WriteHeader(http.StatusSeeOther)
	}
}

// unbounded complains of a context that has ended, or will.
func unbounded(t *testing.T, ctx context.Context) {
	t.Helper()
	if at, ok := ctx.Deadline(); ok {
		t.Errorf("there is a deadline in %v", time.Until(at))
	}
	if ctx.Err() != nil || context.Cause(ctx) != nil {
		t.Errorf("the context has ended: %v, because of %v", ctx.Err(), context.Cause(ctx))
	}
}

func TestALiftedRequestTakesAsLongAsItNeedsAndItsNeighboursDoNot(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		outer, middle, inner := &timebox.Box{Limit: later}, &timebox.Box{Limit: later - soon}, &timebox.Box{Limit: soon}
		running := make(chan struct{})
		s.start(outer, middle.Wrap(inPlace(inner.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/lifted" {
				s.hang()
				return
			}
			unbounded(t, r.Context())
			close(running)
			time.Sleep(2 * later)
			unbounded(t, r.Context())
			io.WriteString(w, "whole")
		})))).ServeHTTP)
		answers := make(chan string, 1)
		go func() {
			_, text, err := s.get("/lifted")
			if err != nil {
				t.Error(err)
			}
			answers <- text
		}()
		receive(t, "the handler", running)
		if got := outer.Stats(); got.Running != 0 {
			t.Errorf("%d in the outer box, want none", got.Running)
		}
		if resp, _ := s.mustGet("/"); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a neighbour got %d, want 503", resp.StatusCode)
		}
		if text := receive(t, "the answer", answers); text != "whole" {
			t.Errorf("the answer is %q", text)
		}
		if got := inner.Stats(); got.Started != 1 || got.Exceeded != 1 {
			t.Errorf("the inner box: %+v, want the neighbour only", got)
		}
		for _, box := range []*timebox.Box{outer, middle} {
			if got := box.Stats(); got.Started != 2 || got.Exceeded != 0 {
				t.Errorf("a box outside: %+v, want none exceeded of two", got)
			}
		}
	})
}

func TestABlockInALiftedRequestHasItsOwnLimitOnly(t *testing.T) {
	for name, profile := range map[string]func(http.Handler) http.Handler{
		"in place": func(next http.Handler) http.Handler { return inPlace(next) },
		"detached": func(next http.Handler) http.Handler { return detached(next, make(chan *httptest.ResponseRecorder, 1)) },
	} {
		inBubble(t, func(t *testing.T) {
			done := make(chan struct{})
			box := &timebox.Box{Limit: time.Minute}
			go box.Wrap(profile(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				defer close(done)
				start := time.Now()
				err := timebox.Run(r.Context(), 30*time.Minute, func(ctx context.Context) error {
					if at, ok := ctx.Deadline(); !ok || !at.Equal(start.Add(30*time.Minute)) {
						t.Errorf("%s: the block's deadline is %v, %v", name, at, ok)
					}
					time.Sleep(20 * time.Minute)
					return ctx.Err()
				})
				if err != nil {
					t.Errorf("%s: within its limit: %v", name, err)
				}
				err = (&timebox.Box{Name: "block", Limit: 30 * time.Minute}).Run(r.Context(), hour)
				exceeded(t, err, "block")
				after(t, start, 50*time.Minute)
			}))).ServeHTTP(nowhere{}, httptest.NewRequest("GET", "/lifted", nil))
			<-done
			time.Sleep(time.Hour) // the block that was given up ends
			if got := box.Stats(); got.Exceeded != 0 {
				t.Errorf("%s: %+v", name, got)
			}
		})
	}
}

func TestARunThatOutlivesItsRequestIsInNoBox(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		outer, inner := &timebox.Box{Limit: later}, &timebox.Box{Limit: soon, Quota: timebox.NewQuota(soon)}
		answered := make(chan struct{})
		results := make(chan *httptest.ResponseRecorder, 1)
		s.start(outer, detached(inner.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-answered // and the request's own context has ended
			eventually(t, "the end of the request", func() bool { return outer.Stats().Running == 0 })
			unbounded(t, r.Context())
			time.Sleep(2 * later)
			unbounded(t, r.Context())
			io.WriteString(w, "whole")
		})), results))
		s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if resp, _ := s.mustGet("/lifted"); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("%d, want 303", resp.StatusCode)
		}
		s.Client().CloseIdleConnections()
		close(answered)
		if result := receive(t, "the result", results); result.Code != http.StatusOK || result.Body.String() != "whole" {
			t.Errorf("the run wrote %d %q", result.Code, result.Body)
		}
		if got, want := outer.Stats(), (timebox.Stats{Started: 1}); got != want {
			t.Errorf("the outer box: %+v, want %+v", got, want)
		}
		if got := inner.Stats(); got != (timebox.Stats{}) {
			t.Errorf("the inner box: %+v, want nothing", got)
		}
	})
}

// The profile may have been waiting for its turn until then.
func TestARunThatBeginsAfterTheLimitIsInNoBox(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: soon, Grace: soon}
		results := make(chan *httptest.ResponseRecorder, 1)
		h := detached(box.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			eventually(t, "the answer of the box outside", func() bool { return box.Stats().Answered == 1 })
			unbounded(t, r.Context())
			if err := timebox.Run(r.Context(), patience, func(ctx context.Context) error { return ctx.Err() }); err != nil {
				t.Errorf("a block inside: %v", err)
			}
			io.WriteString(w, "whole")
		})), results)
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			time.Sleep(2 * soon)
			h(w, r)
		})
		if resp, _ := s.mustGet("/lifted"); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%d, want 503", resp.StatusCode)
		}
		if result := receive(t, "the result", results); result.Body.String() != "whole" {
			t.Errorf("the run wrote %q", result.Body)
		}
		want := timebox.Stats{Started: 1, Exceeded: 1, Answered: 1} // of the request, and none of the run
		eventually(t, "the end", func() bool { return box.Stats() == want })
	})
}

func TestALiftedRequestGivesItsPartOfAQuotaBack(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		quota := timebox.NewQuota(time.Hour)
		box := &timebox.Box{Quota: quota}
		box.Wrap(inPlace(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			time.Sleep(2 * time.Hour)
			remains(t, quota, time.Hour)
		}))).ServeHTTP(nowhere{}, httptest.NewRequest("GET", "/lifted", nil))
		time.Sleep(time.Hour)
		remains(t, quota, time.Hour)
	})
}

func TestASpentQuotaDoesNotRefuseALiftedRequest(t *testing.T) {
	box := &timebox.Box{Quota: new(timebox.Quota)}
	served := false
	h := inPlace(box.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served = true })))
	h.ServeHTTP(nowhere{}, httptest.NewRequest("GET", "/lifted", nil))
	if got := box.Stats(); !served || got != (timebox.Stats{}) {
		t.Errorf("served: %v, %+v", served, got)
	}
}

// Neither at the limit nor in the grace after it is there anything to lift.
func TestALimitThatWasReachedIsNotLifted(t *testing.T) {
	for _, grace := range []time.Duration{0, later} {
		t.Run("grace "+grace.String(), func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, s *server) {
				box := &timebox.Box{Limit: soon, Grace: grace}
				s.start(box, func(w http.ResponseWriter, r *http.Request) {
					ctx := r.Context()
					<-ctx.Done()
					request.Lift(ctx)
					if at, ok := ctx.Deadline(); !ok || time.Until(at) > 0 {
						t.Errorf("the deadline that was reached is %v, %v", at, ok)
					}
					if !errors.Is(context.Cause(ctx), timebox.ErrExceeded) {
						t.Errorf("the cause is %v", context.Cause(ctx))
					}
					s.hang()
				})
				if resp, _ := s.mustGet("/"); resp.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("%d, want 503", resp.StatusCode)
				}
				if got := box.Stats(); got.Exceeded != 1 || got.Answered != 1 {
					t.Errorf("%+v, want 1 exceeded and answered", got)
				}
			})
		})
	}
}
