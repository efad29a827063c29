package alert_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/leak"
)

// A recorder is a sink that remembers what it got and when, and then does as
// it is told.
type recorder struct {
	do func(ctx context.Context, a alert.Alert) error

	mu   sync.Mutex
	got  []alert.Alert
	when []time.Time
}

func (r *recorder) Send(ctx context.Context, a alert.Alert) error {
	r.mu.Lock()
	r.got = append(r.got, a)
	r.when = append(r.when, time.Now())
	r.mu.Unlock()
	if r.do == nil {
		return nil
	}
	return r.do(ctx, a)
}

// seen is what the sink got, as "title×count" each.
func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]string, len(r.got))
	for i, a := range r.got {
		out[i] = fmt.Sprintf("%s×%d", a.Title, a.Count)
	}
	return out
}

func (r *recorder) want(t *testing.T, want ...string) {
	t.Helper()
	if got := r.seen(); !slices.Equal(got, want) {
		t.Errorf("the sink got %q, want %q", got, want)
	}
}

func closed(t *testing.T, q *alert.Queue) {
	t.Helper()
	if err := q.Close(context.Background()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func wantTally(t *testing.T, q *alert.Queue, want alert.Tally) {
	t.Helper()
	if got := q.Stats().Tally; got != want {
		t.Errorf("the queue counts\n  %+v, want\n  %+v", got, want)
	}
}

func TestTheFirstGoesAtOnceAndAlikeOnesAsOneWhenTheWindowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		q := &alert.Queue{Sinks: []alert.Sink{r}, Fold: time.Minute}
		start := time.Now()
		for range 18 {
			q.Offer(alert.Alert{Title: "slow"})
			time.Sleep(time.Second)
		}
		r.want(t, "slow×1")
		wantTally(t, q, alert.Tally{Offered: 18, Folded: 16, Delivered: 1, Waiting: 17})
		time.Sleep(time.Minute)
		r.want(t, "slow×1", "slow×17")
		if at := r.when[1].Sub(start); at != time.Minute {
			t.Errorf("the folded alert went out after %v, want 1m0s", at)
		}
		wantTally(t, q, alert.Tally{Offered: 18, Folded: 16, Delivered: 18})

		q.Offer(alert.Alert{Title: "slow"}) // the second opened a window too
		synctest.Wait()
		r.want(t, "slow×1", "slow×17")
		time.Sleep(2 * time.Minute)
		q.Offer(alert.Alert{Title: "slow"})
		synctest.Wait()
		r.want(t, "slow×1", "slow×17", "slow×1", "slow×1")
	})
}

func TestTheKeyDecidesWhatIsAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		q := &alert.Queue{Sinks: []alert.Sink{r}}
		for _, a := range []alert.Alert{{Key: "a", Title: "one"}, {Key: "b", Title: "one"}, {Key: "a", Title: "two", Count: 5}, {Key: "one"}} {
			q.Offer(a)
			synctest.Wait()
		}
		q.Offer(alert.Alert{Title: "one"}) // no key: as if the title were it
		closed(t, q)
		r.want(t, "one×1", "one×1", "×1", "two×5", "one×1")
		if r.got[4].Key != "" {
			t.Errorf("the queue has made up a key: %q", r.got[4].Key)
		}
	})
}

func TestANegativeFoldHoldsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		q := &alert.Queue{Sinks: []alert.Sink{r}, Fold: -1}
		for range 3 {
			q.Offer(alert.Alert{Title: "slow"})
			synctest.Wait()
		}
		r.want(t, "slow×1", "slow×1", "slow×1")
	})
}

func TestAStormOfDifferentAlertsOpensABoundedNumberOfWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		q := &alert.Queue{Sinks: []alert.Sink{r}, Size: 1, PerMinute: -1}
		for _, title := range []string{"a", "b", "c", "d", "e", "e", "a", "a"} {
			q.Offer(alert.Alert{Title: title})
			synctest.Wait()
		}
		r.want(t, "a×1", "b×1", "c×1", "d×1", "e×1", "e×1") // e has no window, of which there are four for each place
		closed(t, q)
		r.want(t, "a×1", "b×1", "c×1", "d×1", "e×1", "e×1", "a×2")
	})
}

func TestWhatExceedsTheRateWaitsAndFolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		q := &alert.Queue{Sinks: []alert.Sink{r}, PerMinute: 6, Fold: -1}
		start := time.Now()
		for i := range 6 {
			q.Offer(alert.Alert{Title: fmt.Sprint(i)})
			synctest.Wait()
		}
		for range 4 {
			q.Offer(alert.Alert{Title: "late"})
		}
		q.Offer(alert.Alert{Title: "later"})
		r.want(t, "0×1", "1×1", "2×1", "3×1", "4×1", "5×1")
		time.Sleep(20*time.Second + time.Millisecond)
		r.want(t, "0×1", "1×1", "2×1", "3×1", "4×1", "5×1", "late×4", "later×1")
		for i, want := range []time.Duration{10 * time.Second, 20 * time.Second} {
			if at := r.when[6+i].Sub(start); at.Round(time.Millisecond) != want {
				t.Errorf("alert %d went out after %v, want %v", 6+i, at, want)
			}
		}
	})
}

func TestOnlyAnAlertThatIsBeingSentHasAGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{do: func(context.Context, alert.Alert) error { time.Sleep(time.Second); return nil }}
		q := &alert.Queue{Sinks: []alert.Sink{r}}
		workers := func() int { synctest.Wait(); return len(leak.Goroutines("alert.(*Queue).send", 0)) }
		q.Offer(alert.Alert{Title: "slow"})
		if n := workers(); n != 1 {
			t.Errorf("%d workers while an alert is being sent, want 1", n)
		}
		q.Offer(alert.Alert{Title: "slow"})
		time.Sleep(time.Second)
		if n := workers(); n != 0 {
			t.Errorf("%d workers while a window holds an alert back", n)
		}
		time.Sleep(59 * time.Second)
		if n := workers(); n != 1 {
			t.Errorf("%d workers at the end of the window, want 1", n)
		}
		time.Sleep(time.Second)
		if n := workers(); n != 0 {
			t.Errorf("%d workers after the window", n)
		}
		r.want(t, "slow×1", "slow×1")
	})
}

func TestWhatWindowsHaveHeldBackGoesOutAsItBecomesDue(t *testing.T) {
	for _, cut := range []bool{false, true} { // by Close
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{}
			q := &alert.Queue{Sinks: []alert.Sink{r}}
			start := time.Now()
			offer := func(titles ...string) {
				for _, title := range titles {
					q.Offer(alert.Alert{Title: title})
				}
				synctest.Wait()
			}
			offer("a", "b")
			time.Sleep(10 * time.Second)
			offer("c")
			offer("c")
			time.Sleep(10 * time.Second)
			offer("b", "a", "b")
			first := []string{"a×1", "b×1", "c×1"}
			r.want(t, first...)
			if cut {
				closed(t, q)
			} else {
				time.Sleep(time.Minute)
				synctest.Wait()
				for i, want := range []time.Duration{60, 60, 70} {
					if at := r.when[3+i].Sub(start); at != want*time.Second {
						t.Errorf("the alert number %d went out after %v, want %v", 3+i, at, want*time.Second)
					}
				}
			}
			r.want(t, append(first, "b×2", "a×1", "c×1")...)
		})
	}
}

func TestAQueueServesASynctestBubbleAndTheRealWorldInTurn(t *testing.T) {
	// Channels and timers must not leave a bubble: what the bubble's worker
	// waits for is its own, and nothing of it remains.
	tries := 0
	r := &recorder{do: func(ctx context.Context, a alert.Alert) error {
		<-time.After(time.Microsecond)
		if tries++; tries == 1 {
			return &alert.LaterError{Err: errors.New("busy")}
		}
		return ctx.Err()
	}}
	q := &alert.Queue{Sinks: []alert.Sink{r}, PerMinute: -1}
	bubble := func() {
		synctest.Test(t, func(t *testing.T) {
			for range 3 { // the second and third are folded, and wait
				q.Offer(alert.Alert{Title: "bubble"})
				time.Sleep(2 * time.Second)
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		})
	}
	real := func() {
		done := q.Stats().Delivered + 1
		q.Offer(alert.Alert{Title: fmt.Sprint("real ", done)})
		for q.Stats().Delivered < done {
			time.Sleep(time.Millisecond)
		}
	}
	bubble()
	real()
	bubble()
	real()
	closed(t, q)
	r.want(t, "bubble×1", "bubble×1", "bubble×2", "real 4×1", "bubble×1", "bubble×2", "real 8×1")
}
