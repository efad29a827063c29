package timebox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

// A client that leaves just at the limit: the context has one end, for all who
// ask, and its cause fits.
func TestAContextThatEndsInTwoWaysAtOnceHasOneEnd(t *testing.T) {
	for range 500 {
		ctx, leave := context.WithCancel(t.Context())
		h := (&timebox.Box{Limit: time.Millisecond, Grace: patience}).Wrap(http.HandlerFunc(
			func(_ http.ResponseWriter, r *http.Request) {
				var askers sync.WaitGroup
				ends := make([]error, 4)
				for i := range ends {
					askers.Go(func() {
						for ends[i] == nil {
							ends[i] = r.Context().Err()
						}
					})
				}
				askers.Wait()
				var over *timebox.Error
				exceeded := errors.As(context.Cause(r.Context()), &over)
				for _, end := range append(ends, r.Context().Err()) {
					if end != ends[0] || exceeded != (end == context.DeadlineExceeded) {
						t.Errorf("ends %v, cause %v", ends, context.Cause(r.Context()))
					}
				}
			}))
		time.AfterFunc(time.Millisecond, leave)
		h.ServeHTTP(nowhere{}, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
		leave()
	}
}

// A box is often a global variable, and tests are often in bubbles.
func TestABoxMayBeSharedByRealTimeAndBubbles(t *testing.T) {
	b := &timebox.Box{Limit: soon}
	wait := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		start := time.Now()
		<-r.Context().Done()
		if took := time.Since(start); took < soon || context.Cause(r.Context()) == context.Canceled {
			t.Errorf("the limit came after %v, with %v", took, context.Cause(r.Context()))
		}
	})
	h := b.Wrap(wait)
	serve := func() {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil)); w.Code != 503 {
			t.Errorf("%d, want 503", w.Code)
		}
	}
	block := func() {
		if err := b.Run(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		}); !errors.Is(err, timebox.ErrExceeded) && err != nil {
			t.Error(err)
		}
	}
	for range 3 {
		serve()
		block()
		synctest.Test(t, func(*testing.T) {
			start := time.Now()
			serve()
			block()
			if took := time.Since(start); took != 2*soon {
				t.Errorf("in a bubble both took %v, want %v", took, 2*soon)
			}
		})
	}
}

func TestRealTimeDoesNotEndARequestInABubble(t *testing.T) {
	b := &timebox.Box{Limit: soon}
	var realTime, inBubble atomic.Bool
	hang := b.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		for !inBubble.Load() {
			time.Sleep(time.Millisecond)
		}
	}))
	compute := b.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for !realTime.Load() { // the bubble's time stands still
		}
		if err := r.Context().Err(); err != nil {
			t.Errorf("no time has passed in the bubble, yet its request ended with %v", err)
		}
		io.WriteString(w, "in time")
	}))
	var both sync.WaitGroup
	both.Go(func() {
		time.AfterFunc(3*soon, func() { realTime.Store(true) })
		hang.ServeHTTP(nowhere{}, httptest.NewRequest("GET", "/", nil))
	})
	synctest.Test(t, func(t *testing.T) {
		w := httptest.NewRecorder()
		if compute.ServeHTTP(w, httptest.NewRequest("GET", "/", nil)); w.Code != 200 {
			t.Errorf("%d, want 200", w.Code)
		}
	})
	inBubble.Store(true)
	both.Wait()
}

func TestOfTwoBoxesAlikeTheOuterRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where both begin at the same moment
		var cause error
		outer, inner := box("outer", time.Second), box("inner", time.Second)
		h := outer.Wrap(inner.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			cause = context.Cause(r.Context())
		})))
		h.ServeHTTP(nowhere{}, httptest.NewRequest("GET", "/", nil))
		exceeded(t, cause, "outer")
	})
}

func TestAPanicUnderARecorderGoesOn(t *testing.T) {
	h := timebox.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fallOver("as ever") }))
	if got := recovered(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) }); got != "as ever" {
		t.Errorf("recovered %v", got)
	}
}

func TestARequestMadeByHandNeedsNothingThatAServerAdds(t *testing.T) {
	for _, r := range []*http.Request{
		httptest.NewRequest("GET", "/path?query", nil),
		{Method: "GET", ProtoMajor: 1, Header: http.Header{}, URL: httptest.NewRequest("GET", "/path", nil).URL},
		{Method: "GET", ProtoMajor: 2, Header: http.Header{}, URL: httptest.NewRequest("GET", "/path", nil).URL},
	} {
		w := httptest.NewRecorder()
		var cause error
		h := (&timebox.Box{Limit: soon}).Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			cause = context.Cause(r.Context())
		}))
		h.ServeHTTP(w, r)
		if w.Code != 503 || r.ProtoMajor == 1 && cause.Error() != "timebox: over the limit of 50ms (GET /path)" {
			t.Errorf("%d %v", w.Code, cause)
		}
	}
}
