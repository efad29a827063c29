package alert_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/alert"
)

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

		answers = []error{&alert.LaterError{Err: busy, After: time.Hour}, nil}
		start = time.Now()
		q.Offer(alert.Alert{Title: "patient"})
		time.Sleep(time.Hour)
		synctest.Wait()
		if d := r.when[len(r.when)-1].Sub(start); d != 5*time.Minute {
			t.Errorf("asked to wait an hour, the queue tried again after %v, want 5m0s", d)
		}

		answers = []error{busy}
		q.Offer(alert.Alert{Title: "d"})
		time.Sleep(time.Minute)
		synctest.Wait()
		wantTally(t, q, alert.Tally{Offered: 6, Folded: 1, Delivered: 4, Failed: 2})
	})
}

func TestAHookThatEndsItsGoroutineCostsNoRetry(t *testing.T) {
	for _, c := range []struct {
		then func()
		want alert.Tally
		told string // beside what was too much
	}{
		{func() {}, alert.Tally{Offered: 3, Dropped: 1, Delivered: 2}, ""},
		{func() { panic("oh") }, alert.Tally{Offered: 3, Dropped: 1, Failed: 2},
			" a: alert: *alert_test.recorder panicked: oh b: alert: *alert_test.recorder panicked: oh"},
		{runtime.Goexit, alert.Tally{Offered: 3, Dropped: 1, Failed: 2},
			" a: alert: *alert_test.recorder has ended its goroutine b: alert: *alert_test.recorder has ended its goroutine"},
	} {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			r := &recorder{do: func(context.Context, alert.Alert) error {
				if tries++; tries == 1 {
					time.Sleep(time.Second)
					return &alert.LaterError{Err: errors.New("busy")}
				}
				c.then()
				return nil
			}}
			var told []string
			q := &alert.Queue{Sinks: []alert.Sink{r}, Size: 1, Fold: -1, OnError: func(_ string, a alert.Alert, err error) {
				told = append(told, fmt.Sprintf("%s: %v", a.Title, err))
				runtime.Goexit()
			}}
			q.Offer(alert.Alert{Title: "a"})
			synctest.Wait()
			q.Offer(alert.Alert{Title: "b"})
			q.Offer(alert.Alert{Title: "too much"}) // of which OnError is told when the sink wants a again
			time.Sleep(time.Minute)
			closed(t, q)
			r.want(t, "a×1", "a×1", "b×1")
			wantTally(t, q, c.want)
			if got := fmt.Sprint(told); got != "[too much: alert: dropped, the sink's line is full"+c.told+"]" {
				t.Errorf("OnError was told %s", got)
			}
		})
	}
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
		q := &alert.Queue{Sinks: []alert.Sink{r}, FileBytes: 25}
		file := func(size int) []alert.File { return []alert.File{{Name: "a.trace", Data: make([]byte, size)}} }
		q.Offer(alert.Alert{Title: "a", Text: "first", Files: file(10)})
		synctest.Wait()
		q.Offer(alert.Alert{Title: "a", Text: "second", Files: file(10)})
		q.Offer(alert.Alert{Title: "a", Text: "third"})
		time.Sleep(5 * time.Second)
		r.want(t, "a×1", "a×3")
		if r.got[1].Text != "first" {
			t.Errorf("the folded alert has the text of the %s", r.got[1].Text)
		}
		wantTally(t, q, alert.Tally{Offered: 3, Folded: 2, Delivered: 3})
		q.Offer(alert.Alert{Title: "b", Files: file(25)})
		synctest.Wait()
		if r.want(t, "a×1", "a×3", "b×1"); len(r.got[2].Files) != 1 {
			t.Error("the files of what was folded still count as waiting")
		}
	})
}

func TestWhatARetryHasTakenInIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		r.do = func(context.Context, alert.Alert) error {
			if len(r.got) == 1 {
				time.Sleep(time.Second)
				return &alert.LaterError{Err: errors.New("busy")}
			}
			return nil
		}
		q := &alert.Queue{Sinks: []alert.Sink{r}, Fold: time.Hour}
		var freed atomic.Bool
		q.Offer(alert.Alert{Title: "a"})
		synctest.Wait()
		second := &alert.Request{ID: "second"}
		runtime.AddCleanup(second, func(int) { freed.Store(true) }, 0)
		q.Offer(alert.Alert{Title: "a", Request: second})
		time.Sleep(10 * time.Second)
		r.want(t, "a×1", "a×2")
		for range 100 {
			runtime.GC()
			if freed.Load() {
				break
			}
		}
		if !freed.Load() {
			t.Error("the window that held it back, and has an hour to go, still refers to it")
		}
		closed(t, q)
	})
}

func TestWhatARetryHasTakenInIsCountedOnceWhenTheQueueGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		r := &recorder{}
		r.do = func(ctx context.Context, _ alert.Alert) error {
			if first {
				first = false
				time.Sleep(time.Second)
				return &alert.LaterError{Err: errors.New("busy")}
			}
			<-ctx.Done()
			return ctx.Err()
		}
		q := &alert.Queue{Sinks: []alert.Sink{r}, Fold: -1, OnError: func(string, alert.Alert, error) {}}
		q.Offer(alert.Alert{Title: "a"})
		synctest.Wait()
		q.Offer(alert.Alert{Title: "a"})
		q.Offer(alert.Alert{Title: "b"})
		time.Sleep(3 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := q.Close(ctx); err == nil || err.Error() != "alert: closed, alerts not sent: 3: context deadline exceeded" {
			t.Errorf("Close says %v", err)
		}
		synctest.Wait()
		r.want(t, "a×1", "a×2")
		wantTally(t, q, alert.Tally{Offered: 3, Folded: 1, Failed: 2, Dropped: 1})
	})
}
