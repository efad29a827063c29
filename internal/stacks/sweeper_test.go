package stacks_test

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/internal/stacks"
)

func TestCallersAtTheSameTimeShareASweep(t *testing.T) {
	var taken atomic.Int32
	first, release := make(chan struct{}), make(chan struct{})
	s := stacks.NewSweeper(func() ([]byte, error) {
		if taken.Add(1) == 1 {
			close(first)
			<-release
		}
		return stacks.Profile()
	}, runtime.NumGoroutine, time.Now)

	var all sync.WaitGroup
	ask := func() {
		if _, err := s.Sweep(); err != nil {
			t.Error(err)
		}
	}
	all.Go(ask)
	<-first
	const late = 1000
	for range late {
		all.Go(ask)
	}
	for s.Askers() < late+1 {
		runtime.Gosched()
	}
	close(release)
	all.Wait()
	if n := taken.Load(); n != 2 {
		t.Errorf("%d profiles for a sweep and 1,000 callers during it, want 2", n)
	}
	if s.Kept() {
		t.Error("the snapshot is kept though nobody is to have it")
	}
	ask()
	if n := taken.Load(); n != 3 {
		t.Errorf("%d profiles, want a third for a caller who came later", n)
	}
}

func TestASnapshotHoldsWhatWasTrueAfterTheCallBegan(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				id := newID()
				labelled(id, func() { <-stop })
				waitFor(t, func() bool { // the goroutine may not yet bear its label
					snap, err := stacks.Sweep()
					return err == nil && len(snap[id]) == 1
				})
			}
		})
	}
	all.Wait()
}

func TestWithinTakesNothingOnceTheBudgetIsSpent(t *testing.T) {
	at := now
	taken := 0
	s := stacks.NewSweeper(func() ([]byte, error) {
		taken++
		at = at.Add(300 * time.Millisecond)
		return stacks.Profile()
	}, func() int { return 1 }, func() time.Time { return at })
	if _, ok := s.Within(time.Second); !ok {
		t.Fatal("the first sweep was refused")
	}
	if _, ok := s.Within(time.Hour); ok || taken != 1 {
		t.Errorf("answered %v with %d profiles taken, want false and 1", ok, taken)
	}
	at = at.Add(s.Wait())
	if _, ok := s.Within(time.Hour); !ok {
		t.Error("refused after the wait")
	}
}

func TestWithinTakesNothingThatWouldTakeTooLong(t *testing.T) {
	taken := 0
	s := stacks.NewSweeper(func() ([]byte, error) {
		taken++
		return stacks.Profile()
	}, func() int { return 100_000 }, func() time.Time { return now })
	if _, ok := s.Within(100 * time.Millisecond); ok || taken != 0 {
		t.Errorf("answered %v with %d profiles taken, want false and 0: 100,000 goroutines take above a second", ok, taken)
	}
	if _, ok := s.Within(time.Minute); !ok || taken != 1 {
		t.Errorf("answered %v with %d profiles taken, want true and 1", ok, taken)
	}
}

func TestWithinReckonsWithTheSweepUnderWay(t *testing.T) {
	first, release := make(chan struct{}), make(chan struct{})
	s := stacks.NewSweeper(func() ([]byte, error) {
		close(first)
		<-release
		return stacks.Profile()
	}, func() int { return 1000 }, func() time.Time { return now })
	var all sync.WaitGroup
	all.Go(func() { s.Sweep() })
	<-first
	if _, ok := s.Within(20 * time.Millisecond); ok {
		t.Error("waited for the sweep under way and took another: 34 ms expected, 20 ms allowed")
	}
	close(release)
	all.Wait()
}

func TestAFailingProfileIsAnErrorForAll(t *testing.T) {
	broken := errors.New("broken")
	s := stacks.NewSweeper(func() ([]byte, error) { return nil, broken }, runtime.NumGoroutine, time.Now)
	if _, err := s.Sweep(); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, ok := s.Within(time.Minute); ok {
		t.Error("Within answered true")
	}
}

func TestSweepsInAndOutOfBubblesShareOneBudget(t *testing.T) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					stacks.Sweep()
					stacks.Wait()
				}
			}
		})
	}
	for range 10 {
		synctest.Test(t, func(t *testing.T) {
			id := newID()
			done := make(chan struct{})
			labelled(id, func() { time.Sleep(time.Hour); close(done) })
			synctest.Wait()
			var inside sync.WaitGroup
			for range 4 {
				inside.Go(func() {
					snap, err := stacks.Sweep()
					if gs := snap[id]; err != nil || len(gs) != 1 || gs[0].State != "asleep" {
						t.Errorf("got %+v, %v; want one goroutine asleep", gs, err)
					}
				})
			}
			inside.Wait()
			time.Sleep(stacks.Wait())
			if wait := stacks.Wait(); wait > time.Minute {
				t.Errorf("still %v to wait after the wait", wait)
			}
			<-done
		})
	}
	close(stop)
	all.Wait()
	if wait := stacks.Wait(); wait > 10*time.Minute {
		t.Errorf("wait %v out of the bubbles", wait)
	}
}
