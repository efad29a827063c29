package alert_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/alert"
)

func TestCloseCutsWindowsAndRatesShortAndSendsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		q := &alert.Queue{Sinks: []alert.Sink{r}, PerMinute: 1}
		q.Offer(alert.Alert{Title: "a"})
		synctest.Wait()
		q.Offer(alert.Alert{Title: "a"})
		q.Offer(alert.Alert{Title: "a"})
		q.Offer(alert.Alert{Title: "b"})
		start := time.Now()
		closed(t, q)
		if d := time.Since(start); d != 0 {
			t.Errorf("Close waited %v", d)
		}
		if got := fmt.Sprint(r.seen()); got != "[a×1 b×1 a×2]" {
			t.Errorf("the sink got %s", got)
		}
		if q.Offer(alert.Alert{Title: "c", Count: 3}) {
			t.Error("a closed queue took an alert")
		}
		wantTally(t, q, alert.Tally{Offered: 7, Folded: 1, Delivered: 4, Dropped: 3})
		closed(t, q)
	})
}

func TestCloseDoesNotTryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{do: func(context.Context, alert.Alert) error {
			return &alert.LaterError{Err: errors.New("busy"), After: time.Hour}
		}}
		q := &alert.Queue{Sinks: []alert.Sink{r}, OnError: func(string, alert.Alert, error) {}}
		q.Offer(alert.Alert{Title: "a"})
		synctest.Wait()
		start := time.Now()
		closed(t, q)
		if d := time.Since(start); d != 0 {
			t.Errorf("Close waited %v", d)
		}
		r.want(t, "a×1", "a×1")
		wantTally(t, q, alert.Tally{Offered: 1, Failed: 1})
	})
}

func TestCloseLeavesAtItsDeadlineASinkThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		deaf := &recorder{do: func(context.Context, alert.Alert) error { <-release; return nil }}
		q := &alert.Queue{Sinks: []alert.Sink{deaf}, PerMinute: -1}
		for i := range 4 {
			q.Offer(alert.Alert{Title: fmt.Sprint(i), Count: 2})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		later := make(chan error)
		go func() { later <- q.Close(context.Background()) }()
		err := q.Close(ctx)
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("Close came back after %v, want its deadline of 5s", d)
		}
		if err == nil || err.Error() != "alert: closed, alerts not sent: 8: context deadline exceeded" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close says %v", err)
		}
		synctest.Wait()
		select {
		case err := <-later:
			t.Errorf("the other closer did not wait for the sink: %v", err)
		default:
		}
		wantTally(t, q, alert.Tally{Offered: 8, Dropped: 6, Waiting: 2})
		close(release)
		if err := <-later; err == nil || !strings.Contains(err.Error(), "alerts not sent: 6") {
			t.Errorf("the other closer says %v", err)
		}
		wantTally(t, q, alert.Tally{Offered: 8, Dropped: 6, Delivered: 2})
	})
}

func TestCloseAtItsDeadlineCancelsWhatIsBeingSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{do: func(ctx context.Context, _ alert.Alert) error { <-ctx.Done(); return ctx.Err() }}
		q := &alert.Queue{Sinks: []alert.Sink{r}, Timeout: time.Hour, OnError: func(string, alert.Alert, error) {}}
		q.Offer(alert.Alert{Title: "a"})
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		if err := q.Close(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not sent: 1") {
			t.Errorf("Close says %v", err)
		}
		closed(t, q) // waits for the sink, which hears of it at once
		if d := time.Since(start); d != 0 {
			t.Errorf("the sink heard of it after %v", d)
		}
		wantTally(t, q, alert.Tally{Offered: 1, Failed: 1})
	})
}

func TestAnUnusedQueueClosesAtOnce(t *testing.T) {
	var q alert.Queue
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Close(ctx); err != nil {
		t.Error(err)
	}
}
