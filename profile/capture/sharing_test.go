package capture_test

import (
	"context"
	"io"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/capture"
)

func TestARecordingWaitsForATraceAndIsToldHowLong(t *testing.T) {
	url := serve(t, 0)
	var all sync.WaitGroup
	first := start(t, capture.Options{For: "the first"})
	all.Go(func() { readAll(t, get(t, url+"/trace?seconds=1.9").body) })
	// Recordings that join the line behind the trace see it there.
	told := make(chan []string, 100)
	for {
		ctx, cancel := context.WithCancel(context.Background())
		var before []string
		capture.Start(ctx, capture.Options{Waiting: func(b []string) { before = b; cancel() }})
		if len(before) == 2 {
			if before[0] != "the first" || before[1] != "/trace for 1.9s" {
				t.Errorf("before: %q", before)
			}
			break
		}
		time.Sleep(time.Millisecond)
	}
	all.Go(func() {
		r, err := capture.Start(context.Background(), capture.Options{Waiting: func(b []string) { told <- b }})
		if err != nil {
			t.Error(err)
			return
		}
		r.Do(func() {})
		read(t, r.Stop())
	})
	first.Stop()
	all.Wait()
	close(told)
	var left []string
	for before := range told {
		if form := regexp.MustCompile(`^/trace, [0-2] s left$`); len(before) == 1 && form.MatchString(before[0]) {
			left = append(left, before[0])
		}
	}
	// The first is told when the trace begins, the others as time passes.
	if len(left) < 2 || left[0] != "/trace, 2 s left" || !slices.IsSortedFunc(left, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("the recording was told %q", left)
	}
}

func TestAProfileTakesTheProfilerOverFromARecordingAndGivesItBack(t *testing.T) {
	url := serve(t, 0)
	r := start(t, capture.Options{})
	r.Do(func() {
		spin(300 * time.Millisecond)
		got := make(chan answer, 1)
		go func() { got <- get(t, url+"/profile?seconds=1") }()
		var a answer
		for a.status == 0 {
			select {
			case a = <-got:
			default:
				spin(time.Millisecond)
			}
		}
		p, err := profile.ParseData(a.body)
		if err != nil {
			t.Fatalf("%v: %q", err, a.body)
		}
		if n := counted(p); n < few {
			t.Errorf("the profile of 1 s has %d samples", n)
		}
		spin(300 * time.Millisecond)
	})
	x := read(t, r.Stop())
	var before, meanwhile, after int
	last := x.Runs[0].To
	for _, s := range x.Samples {
		switch {
		case s.At < 300*time.Millisecond:
			before++
		case s.At > last-300*time.Millisecond:
			after++
		default:
			meanwhile++
		}
	}
	if before < few || meanwhile < few || after < few {
		t.Errorf("%d samples before, %d meanwhile, %d after; want about 30, 100, 30", before, meanwhile, after)
	}
	free(t)
}

func TestARecordingUsesTheProfilesSamples(t *testing.T) {
	url := serve(t, 0)
	var all sync.WaitGroup
	all.Go(func() {
		if p, err := profile.ParseData(get(t, url+"/profile?seconds=1").body); err != nil || counted(p) < few {
			t.Errorf("%v: %v", err, p)
		}
	})
	for pprof.StartCPUProfile(io.Discard) == nil { // until the handler has it
		pprof.StopCPUProfile()
		time.Sleep(20 * time.Millisecond)
	}
	r := start(t, capture.Options{})
	r.Do(func() { spin(300 * time.Millisecond) })
	if n := spun(read(t, r.Stop())); n < few {
		t.Errorf("%d samples, want about 30", n)
	}
	all.Wait()
	free(t)
}

func TestASecondProfileAtTheSameTimeIsRefused(t *testing.T) {
	url := serve(t, 0)
	r := start(t, capture.Options{})
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			a := get(t, url+"/profile?seconds=1")
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
		})
	}
	all.Wait()
	if statuses[200] != 1 || statuses[500] != 2 {
		t.Errorf("answers by status: %v", statuses)
	}
	if c := r.Stop(); len(c.Problems) > 0 {
		t.Errorf("the recording has problems: %q", c.Problems)
	}
	free(t)
}
