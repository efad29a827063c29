package capture_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/capture"
)

func TestWhatWouldWaitForItselfIsAnErrorAtOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r := start(t, capture.Options{})
	r.Do(func() {
		r.Do(func() {})
		if _, err := capture.Start(ctx, capture.Options{}); err == nil || !strings.Contains(err.Error(), "Stop it first") {
			t.Errorf("Start within Do says %v", err)
		}
		w := httptest.NewRecorder()
		capture.Trace(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/debug/pprof/trace?seconds=1e-3", nil))
		if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "Stop it first") {
			t.Errorf("Trace within Do answers %d, %s", w.Code, w.Body)
		}
		r.Stop()
		again, err := capture.Start(ctx, capture.Options{})
		if err != nil {
			t.Fatalf("after Stop: %v", err)
		}
		again.Do(func() {})
		read(t, again.Stop())
	})
	free(t)
}

func TestAnotherGoroutineMayWaitFromWithin(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error)
	r := start(t, capture.Options{})
	r.Do(func() {
		go func() {
			again, err := capture.Start(context.Background(), capture.Options{Waiting: func([]string) { close(began) }})
			if err == nil {
				again.Stop()
			}
			ended <- err
		}()
		<-began
	})
	r.Stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWhatAnEarlierFunctionThatRunsOnAllocatesIsAProblem(t *testing.T) {
	in, on, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	earlier := start(t, capture.Options{})
	go earlier.Do(func() {
		close(in)
		<-on
		allocate(500)
		close(done)
	})
	<-in
	earlier.Stop()
	r := start(t, capture.Options{Allocs: true})
	r.Do(func() {
		close(on)
		<-done
	})
	c := r.Stop()
	if len(c.Problems) != 1 || !strings.Contains(c.Problems[0], "recorded earlier has not ended") {
		t.Errorf("the problems are %q", c.Problems)
	}
	earlier.Do(func() { // is not recorded any more
		if objects, _ := allocated(recordAllocs(t, func() { allocate(3) }), "capture_test.allocate"); objects != 3 {
			t.Errorf("%d objects, want 3", objects)
		}
	})
}
