package profile_test

import (
	"context"
	"net/http"
	"runtime"
	"runtime/trace"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// watch calls f again and again until the function that it returns is called.
func watch(f func()) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			default:
				f()
				runtime.Gosched()
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

func TestAGoroutineThatIsLeftMayStillAnswer(t *testing.T) {
	var stop func()
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stop = watch(func() {
			w.WriteHeader(http.StatusTeapot)
			w.Write([]byte("late"))
			w.(http.Hijacker).Hijack()
		})
	}))
	res := s.result(s.get("alice", "/?__profile__=response"))
	stop()
	if res.State != result.Done {
		t.Errorf("%s %q", res.State, res.Problems)
	}
}

func TestAHandlerThatEndsAtTheLimitIsCountedOnceOrNot(t *testing.T) {
	const limit = 3 * time.Millisecond
	prof := &profile.Profiler{Allow: byHeader, MaxRun: limit}
	s := newSite(t, "HTTP/1", prof, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(limit) }))
	var least int64
	stop := watch(func() { least = min(least, prof.Stats().Overrun) })
	for range 30 {
		s.get("alice", "/?__profile__=inline")
	}
	stop()
	if end := prof.Stats().Overrun; least < 0 || end != 0 {
		t.Errorf("%d handlers went on at some time, %d at the end", least, end)
	}
}

func TestWithoutATraceTheCallsAreFitToBeShown(t *testing.T) {
	db := &breaker.Breaker{Name: "mysql\x1b[31m\n"}
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		db.Do(r.Context(), func(context.Context) error { return nil })
	}))
	for range 20 {
		// Somebody stops the tracer before the handler is reached: counting allocations gives the time for it.
		stop := watch(func() {
			if trace.IsEnabled() {
				trace.Stop()
			}
		})
		res := s.result(s.get("alice", "/?__profile__=alloc"))
		stop()
		if res.State != result.Failed {
			continue
		}
		if len(res.Backends) != 1 || strings.ContainsAny(res.Backends[0].Name, "\x1b\n") {
			t.Errorf("%q", res.Backends)
		}
		return
	}
	t.Error("the tracer could not be stopped in time")
}
