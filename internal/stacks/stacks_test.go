package stacks_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/stacks"
)

var ids atomic.Int64

// newID is a label value that no other test has.
func newID() string { return fmt.Sprint("request-", ids.Add(1)) }

// labelled runs f in a goroutine that bears a label.
func labelled(id string, f func()) {
	go pprof.Do(context.Background(), pprof.Labels(stacks.Label, id), func(context.Context) { f() })
}

// waitFor waits until something is true of other goroutines, which only polling can tell.
func waitFor(t *testing.T, what func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !what(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("waited for 20 seconds in vain")
		}
	}
}

func sweep(t *testing.T) stacks.Snapshot {
	t.Helper()
	snap, err := stacks.Sweep()
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func handleSlow(stop chan struct{}) {
	go child(stop)
	go child(stop)
	<-stop
}

func child(stop chan struct{}) { <-stop }

func handleOther(stop chan struct{}) {
	go child(stop)
	<-stop
}

func TestARequestsOwnGoroutineAndItsChildrenAmong200Others(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	others := map[string]bool{}
	for range 200 {
		id := newID()
		others[id] = true
		labelled(id, func() { handleOther(stop) })
	}
	mine := newID()
	labelled(mine, func() { handleSlow(stop) })

	var snap stacks.Snapshot
	waitFor(t, func() bool {
		snap = sweep(t)
		n := 0
		for id := range snap {
			if others[id] {
				n++
			}
		}
		return n == 200 && total(snap[mine]) == 3
	})
	for _, g := range snap[mine] {
		text := fmt.Sprint(g.Frames)
		switch {
		case strings.Contains(text, "handleOther"):
			t.Errorf("another request's goroutine: %+v", g)
		case g.Count == 2 && !strings.HasSuffix(g.Frames[0].Func, "stacks_test.child"):
			t.Errorf("two alike that are not the children: %+v", g)
		case g.Count == 1 && !strings.Contains(text, "handleSlow"):
			t.Errorf("one that is not the request's own: %+v", g)
		}
		if g.State != "receiving from a channel" || g.Pool != "" {
			t.Errorf("state %q, pool %q", g.State, g.Pool)
		}
	}
}

func total(gs []stacks.Goroutine) int {
	n := 0
	for _, g := range gs {
		n += g.Count
	}
	return n
}

func TestFramesBeginWhereTheCodeWaitsAndEndWhereTheGoroutineBegan(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	id := newID()
	labelled(id, func() { inlined(stop) })
	var frames []stacks.Frame
	waitFor(t, func() bool {
		if gs := sweep(t)[id]; len(gs) == 1 {
			frames = gs[0].Frames
		}
		return len(frames) > 1
	})
	if first := frames[0]; !strings.HasSuffix(first.Func, "stacks_test.inlined") || first.Line == 0 ||
		!strings.HasSuffix(first.File, "internal/stacks/stacks_test.go") {
		t.Errorf("the first frame is %+v, want the inlined call that waits", first)
	}
	if last := frames[len(frames)-1]; last.Func != "runtime/pprof.Do" {
		t.Errorf("the last frame is %+v, want the function of the goroutine", last)
	}
}

func inlined(stop chan struct{}) { <-stop } // small enough that the compiler inlines it

func TestAnEndedRequestHasNoGoroutinesButThoseItLeftBehind(t *testing.T) {
	id, stop, ended := newID(), make(chan struct{}), make(chan struct{})
	defer close(stop)
	labelled(id, func() { go child(stop); close(ended) })
	<-ended
	waitFor(t, func() bool {
		gs := sweep(t)[id]
		return len(gs) == 1 && strings.HasSuffix(gs[0].Frames[0].Func, "stacks_test.child")
	})
	gone := newID()
	var all sync.WaitGroup
	all.Go(func() { pprof.Do(t.Context(), pprof.Labels(stacks.Label, gone), func(context.Context) {}) })
	all.Wait()
	if gs := sweep(t)[gone]; len(gs) != 0 {
		t.Errorf("%+v still bear the label", gs)
	}
}

func TestAThousandLabelsAreInOneSnapshot(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	own := map[string]bool{}
	for range 1000 {
		id := newID()
		own[id] = true
		labelled(id, func() { <-stop })
	}
	waitFor(t, func() bool {
		n := 0
		for id, gs := range sweep(t) {
			if own[id] && total(gs) == 1 {
				n++
			}
		}
		return n == 1000
	})
}

func TestGoroutinesWithOtherLabelsAreLeftOut(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	id := newID()
	started := make(chan struct{})
	go pprof.Do(t.Context(), pprof.Labels("tenant", id), func(context.Context) { close(started); <-stop })
	<-started
	if gs := sweep(t)[id]; len(gs) != 0 {
		t.Errorf("%+v bear another label", gs)
	}
	both := newID()
	labels := pprof.Labels("a", "x", stacks.Label, both, "tenant", id)
	go pprof.Do(t.Context(), labels, func(context.Context) { <-stop })
	waitFor(t, func() bool { return total(sweep(t)[both]) == 1 })
}

func Example() {
	stop := make(chan struct{})
	defer close(stop)
	ready := make(chan struct{})
	go pprof.Do(context.Background(), pprof.Labels(stacks.Label, "request-0"), func(context.Context) {
		close(ready)
		<-stop
	})
	<-ready
	snap, err := stacks.Sweep()
	fmt.Println(len(snap["request-0"]), err)
	// Output: 1 <nil>
}
