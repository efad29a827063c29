package alert_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/alert"
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

func TestAnIdleQueueOwnsNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		q := &alert.Queue{Sinks: []alert.Sink{r}}
		working := func() int { return len(goroutines("alert.(*Queue).work", 0)) }
		q.Offer(alert.Alert{Title: "slow"})
		synctest.Wait()
		if n := working(); n != 0 {
			t.Errorf("%d workers after the only alert was sent", n)
		}
		q.Offer(alert.Alert{Title: "slow"})
		synctest.Wait()
		if n := working(); n != 1 {
			t.Errorf("%d workers while a window holds an alert back, want 1", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := working(); n != 0 {
			t.Errorf("%d workers after the window", n)
		}
	})
}

func TestAStuckSinkStopsNoOtherAndNobodyWhoOffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stuck := &recorder{do: func(context.Context, alert.Alert) error { <-release; return nil }}
		failing := &recorder{do: func(context.Context, alert.Alert) error { return errors.New("no") }}
		panicking := &recorder{do: func(context.Context, alert.Alert) error { panic("oh") }}
		ending := &recorder{do: func(context.Context, alert.Alert) error { runtime.Goexit(); return nil }}
		good := &recorder{}
		var mu sync.Mutex
		var errs []string
		q := &alert.Queue{
			Sinks: []alert.Sink{stuck, failing, panicking, ending, good}, Size: 2, PerMinute: -1,
			OnError: func(sink string, a alert.Alert, err error) {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Sprintf("%s×%d: %v", a.Title, a.Count, err))
			},
		}
		start := time.Now()
		for i := range 5 {
			if !q.Offer(alert.Alert{Title: fmt.Sprint(i)}) {
				t.Errorf("alert %d was taken by no line", i)
			}
			synctest.Wait()
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("Offer waited %v", d)
		}
		good.want(t, "0×1", "1×1", "2×1", "3×1", "4×1")
		want := []alert.Tally{
			{Offered: 5, Dropped: 2, Waiting: 3},
			{Offered: 5, Failed: 5},
			{Offered: 5, Failed: 5},
			{Offered: 5, Failed: 5},
			{Offered: 5, Delivered: 5},
		}
		for i, s := range q.Stats().Sinks {
			if s.Tally != want[i] {
				t.Errorf("sink %d counts %+v, want %+v", i, s.Tally, want[i])
			}
		}
		close(release)
		closed(t, q)
		stuck.want(t, "0×1", "1×1", "2×1")
		mu.Lock()
		defer mu.Unlock()
		for _, want := range []string{"0×1: no", "alert: *alert_test.recorder panicked: oh",
			"alert: *alert_test.recorder has ended its goroutine", "3×2: alert: dropped, the sink's line is full"} {
			if all := strings.Join(errs, "\n"); !strings.Contains(all, want) {
				t.Errorf("OnError was not told %q, only\n%s", want, all)
			}
		}
	})
}

func TestAHookThatPanicsOrEndsItsGoroutineCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing := &recorder{do: func(context.Context, alert.Alert) error { return errors.New("no") }}
		n := 0
		q := &alert.Queue{Sinks: []alert.Sink{failing}, OnError: func(string, alert.Alert, error) {
			if n++; n%2 == 0 {
				runtime.Goexit()
			}
			panic("hook")
		}}
		for i := range 6 {
			q.Offer(alert.Alert{Title: fmt.Sprint(i)})
			synctest.Wait()
		}
		wantTally(t, q, alert.Tally{Offered: 6, Failed: 6})
		closed(t, q)
	})
}

func TestALaterErrorIsTriedAgainAndAnyOtherIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answers []error
		r := &recorder{do: func(context.Context, alert.Alert) (err error) {
			err, answers = answers[0], answers[1:]
			return err
		}}
		var failed []error
		q := &alert.Queue{Sinks: []alert.Sink{r}, Fold: -1, OnError: func(_ string, _ alert.Alert, err error) { failed = append(failed, err) }}
		busy := errors.New("busy")

		answers = []error{&alert.LaterError{Err: busy, After: 20 * time.Second}, nil, nil}
		start := time.Now()
		q.Offer(alert.Alert{Title: "a"})
		synctest.Wait()
		q.Offer(alert.Alert{Title: "b"})
		q.Offer(alert.Alert{Title: "a"})
		time.Sleep(time.Minute)
		synctest.Wait()
		r.want(t, "a×1", "a×2", "b×1")
		if d := r.when[1].Sub(start); d != 20*time.Second {
			t.Errorf("tried again after %v, want the 20s that were asked for", d)
		}
		wantTally(t, q, alert.Tally{Offered: 3, Folded: 1, Delivered: 3})

		answers = []error{&alert.LaterError{Err: busy}, &alert.LaterError{Err: busy}, &alert.LaterError{Err: busy}}
		start = time.Now()
		q.Offer(alert.Alert{Title: "c"})
		time.Sleep(time.Minute)
		synctest.Wait()
		r.want(t, "a×1", "a×2", "b×1", "c×1", "c×1", "c×1")
		if d := r.when[5].Sub(start); d != 6*time.Second {
			t.Errorf("the third try came after %v, want 1s + 5s", d)
		}
		if len(failed) != 1 || !errors.Is(failed[0], busy) {
			t.Errorf("OnError was told %v, want one %v", failed, busy)
		}

		answers = []error{busy}
		q.Offer(alert.Alert{Title: "d"})
		time.Sleep(time.Minute)
		synctest.Wait()
		wantTally(t, q, alert.Tally{Offered: 5, Folded: 1, Delivered: 3, Failed: 2})
	})
}

func TestARetriedAlertTakesInWhatAWindowHasHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		r := &recorder{}
		r.do = func(context.Context, alert.Alert) error {
			if first {
				first = false
				time.Sleep(time.Second)
				return &alert.LaterError{Err: errors.New("busy")}
			}
			return nil
		}
		q := &alert.Queue{Sinks: []alert.Sink{r}}
		q.Offer(alert.Alert{Title: "a", Text: "first"})
		synctest.Wait()
		q.Offer(alert.Alert{Title: "a", Text: "second"})
		q.Offer(alert.Alert{Title: "a", Text: "third"})
		time.Sleep(5 * time.Second)
		r.want(t, "a×1", "a×3")
		if r.got[1].Text != "first" {
			t.Errorf("the folded alert has the text of the %s", r.got[1].Text)
		}
		wantTally(t, q, alert.Tally{Offered: 3, Folded: 2, Delivered: 3})
	})
}

func TestEachSendHasATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{do: func(ctx context.Context, _ alert.Alert) error { <-ctx.Done(); return ctx.Err() }}
		q := &alert.Queue{Sinks: []alert.Sink{r}, Timeout: 3 * time.Second}
		q.Offer(alert.Alert{Title: "a"})
		time.Sleep(3*time.Second + 1)
		synctest.Wait()
		wantTally(t, q, alert.Tally{Offered: 1, Failed: 1})
	})
}

func TestFilesThatWaitAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := &recorder{do: func(context.Context, alert.Alert) error { <-release; return nil }}
		q := &alert.Queue{Sinks: []alert.Sink{r}, FileBytes: 25, PerMinute: -1}
		file := func() []alert.File { return []alert.File{{Name: "a.trace", Data: make([]byte, 10)}} }
		for i := range 4 {
			q.Offer(alert.Alert{Title: fmt.Sprint(i), Text: "report", Files: file()})
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		q.Offer(alert.Alert{Title: "after", Files: file()})
		closed(t, q)
		var with []string
		for _, a := range r.got {
			if len(a.Files) > 0 {
				with = append(with, a.Title)
			} else if !strings.Contains(a.Text, "report\n\n(1 attached files of 10 bytes") {
				t.Errorf("the text of %s does not say that files are missing: %q", a.Title, a.Text)
			}
		}
		if want := []string{"0", "1", "after"}; !slices.Equal(with, want) {
			t.Errorf("files went with %q, want %q", with, want)
		}
	})
}

func TestTheZeroQueueLogs(t *testing.T) {
	records := logged(t)
	var q alert.Queue
	if err := q.Validate(); err != nil {
		t.Error(err)
	}
	if !q.Offer(alert.Alert{Title: "slow"}) {
		t.Error("the zero Queue took nothing")
	}
	closed(t, &q)
	if got := records.String(); !strings.Contains(got, "level=WARN msg=slow") {
		t.Errorf("logged %q", got)
	}
}

func TestFailuresAreLoggedOnceAMinuteWhenNobodyElseIsTold(t *testing.T) {
	records := logged(t)
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{do: func(context.Context, alert.Alert) error { return errors.New("no way") }}
		q := &alert.Queue{Sinks: []alert.Sink{r}, Fold: -1}
		for range 10 {
			q.Offer(alert.Alert{Title: "slow"})
			time.Sleep(10 * time.Second)
		}
	})
	got := strings.Split(strings.TrimSpace(records.String()), "\n")
	if len(got) != 2 || !strings.Contains(got[0], `title=slow error="no way" more=0`) || !strings.Contains(got[1], "more=5") {
		t.Errorf("logged %q, want one record at once and one a minute later", got)
	}
}

func TestValidateNamesTheFieldAndAsksTheSinks(t *testing.T) {
	for want, q := range map[string]*alert.Queue{
		"alert: Queue.Size is -1; it must be positive, or 0 for 256":                           {Size: -1},
		"alert: Queue.Timeout is -1s; it must be positive, or 0 for 30s":                       {Timeout: -time.Second},
		"alert: Queue.Sinks[1] is nil; a Sink is needed":                                       {Sinks: []alert.Sink{alert.Log{}, nil}},
		"alert: Queue.Sinks[0]: alert: Dir.Path is empty; a directory is needed":               {Sinks: []alert.Sink{alert.Dir{}}},
		`alert: Queue.Sinks[0]: alert: Dir.Prefix is "../x"; only a-z, 0-9 and - are accepted`: {Sinks: []alert.Sink{&alert.Dir{Path: "x", Prefix: "../x"}}},
	} {
		if err := q.Validate(); err == nil || err.Error() != want {
			t.Errorf("Validate says\n  %v, want\n  %v", err, want)
		}
	}
}
