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
				if errors.Is(err, alert.ErrDropped) && a.Files != nil {
					t.Error("a dropped alert has kept its files")
				}
			},
		}
		start := time.Now()
		for i := range 5 {
			if !q.Offer(alert.Alert{Title: fmt.Sprint(i), Files: []alert.File{{Data: make([]byte, 10)}}}) {
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
		if n := strings.Count(strings.Join(errs, "\n"), "dropped"); n != 1 {
			t.Errorf("OnError was told %d times of the same two dropped alerts", n)
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
