package slack_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/alert/slack"
)

// limited is a Slack that takes no request before what it has asked for with a 429 is over.
type limited struct {
	t  *testing.T
	mu sync.Mutex
	// every is how many requests there are from one 429 to the next, which
	// asks for two seconds.
	every int

	until     time.Time
	calls     int
	delivered int
}

func (l *limited) limit(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if early := l.until.Sub(now); early > 0 {
		l.t.Errorf("request %d is %v too early", l.calls+1, early)
	}
	l.calls++
	if l.calls%l.every == 1 {
		l.until = now.Add(2 * time.Second)
		return true
	}
	l.delivered++
	return false
}

func TestOf500AlertsNoneComesSoonerThanToldAndNoneIsLostUnsaid(t *testing.T) {
	t.Parallel()
	h := listen(t)
	l := &limited{t: t, every: 20}
	h.answer = func(w http.ResponseWriter, _ *http.Request) {
		if l.limit(time.Now()) {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}
	failed := 0
	q := &alert.Queue{
		Sinks: []alert.Sink{h.sink()}, Size: 20, PerMinute: -1,
		OnError: func(_ string, a alert.Alert, _ error) { failed += a.Count },
	}
	for i := range 500 {
		q.Offer(alert.Alert{Title: fmt.Sprintf("slow: route %d", i%25)})
	}
	for q.Stats().Delivered < 20 { // the first of each, before Close cuts short what waits
		time.Sleep(10 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := q.Close(ctx); err != nil {
		t.Error(err)
	}
	s := q.Stats()
	if s.Offered != 500 || s.Delivered+s.Failed+s.Dropped != 500 || s.Waiting != 0 {
		t.Errorf("%+v", s.Tally)
	}
	if s.Folded < 300 || l.delivered > 60 {
		t.Errorf("%d messages for 500 alerts: %+v", l.delivered, s.Tally)
	}
	if s.Dropped == 0 || int64(failed) != s.Failed+s.Dropped {
		t.Errorf("told of %d that were not delivered: %+v", failed, s.Tally)
	}
	shown := 0
	for _, m := range h.got {
		n := 1
		fmt.Sscanf(m.Text[len("slow: route "):], "%d (×%d)", new(int), &n)
		shown += n
	}
	if int64(shown) != s.Delivered {
		t.Errorf("the messages stand for %d alerts, and %d are counted as delivered", shown, s.Delivered)
	}
}

func TestAlsoAQueueThatClosesIsNotSoonerThanTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limited{t: t, every: 1000}
		sink := &slack.Sink{URL: "https://h/x", Transport: transport(func(*http.Request) (*http.Response, error) {
			if l.limit(time.Now()) {
				return response(429, "2"), nil
			}
			return response(200, ""), nil
		})}
		q := &alert.Queue{Sinks: []alert.Sink{sink}, OnError: func(string, alert.Alert, error) {}}
		for i := range 10 {
			q.Offer(alert.Alert{Title: fmt.Sprint(i)})
		}
		synctest.Wait()
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if s := q.Stats(); s.Failed != 10 || l.calls != 1 {
			t.Errorf("%d requests, %+v", l.calls, s.Tally)
		}
	})
}

func TestAlsoWithoutAQueueItIsLeftAloneForAsLongAsItAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		answers := map[time.Duration]*http.Response{
			0: response(429, "10"), 10 * time.Second: response(503, begin.Add(15*time.Second).UTC().Format(http.TimeFormat)),
		}
		var mu sync.Mutex
		calls := map[time.Duration]int{}
		sink := &slack.Sink{URL: "https://h/x", Transport: transport(func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			at := time.Since(begin).Truncate(time.Second)
			calls[at]++
			if resp := answers[at]; resp != nil {
				return resp, nil
			}
			return response(200, ""), nil
		})}
		sink.Send(t.Context(), alert.Alert{})
		for range 20 {
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() {
					err := sink.Send(t.Context(), alert.Alert{})
					after, ok := later(err)
					if end := time.Since(begin) + after; err != nil && (!ok || end != 10*time.Second && end != 15*time.Second) {
						t.Errorf("%v: %v, to be tried after %v", time.Since(begin), err, after)
					}
				})
				synctest.Wait()
			}
			all.Wait()
			time.Sleep(time.Second)
		}
		for at, n := range calls {
			switch {
			case at == 0 || at == 10*time.Second:
				if n != 1 {
					t.Errorf("%d requests after %v, want one", n, at)
				}
			case at < 15*time.Second || n != 5:
				t.Errorf("%d requests after %v", n, at)
			}
		}
		if len(calls) != 2+5 {
			t.Errorf("requests %v", calls)
		}
	})
}

func TestAShorterTimeTakesNothingFromALongerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		both := make(chan struct{})
		sink := &slack.Sink{URL: "https://h/x"}
		sink.Transport = transport(func(*http.Request) (*http.Response, error) {
			calls++
			if calls == 1 {
				<-both // it is on its way while another is refused for longer
				return response(429, "1"), nil
			}
			return response(429, "60"), nil
		})
		go sink.Send(t.Context(), alert.Alert{})
		synctest.Wait()
		sink.Send(t.Context(), alert.Alert{})
		close(both)
		synctest.Wait()
		time.Sleep(59 * time.Second)
		if err := sink.Send(t.Context(), alert.Alert{}); err == nil || calls != 2 {
			t.Errorf("%d requests, the last says %v", calls, err)
		} else if after, _ := later(err); after != time.Second {
			t.Errorf("%v, to be tried after %v", err, after)
		}
	})
}
