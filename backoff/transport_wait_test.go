package backoff_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/backoff"
)

func TestARequestMayWaitForItsHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := scripted(says(503, "Retry-After", "30"), says(200))
		transport := &backoff.Transport{Base: base, Wait: time.Minute}
		ask(t, transport, site)
		if status, err := ask(t, transport, site); status != 200 || err != nil {
			t.Fatalf("%d, %v", status, err)
		}
		if at := base.at[1]; at < 30*time.Second || at > 37500*time.Millisecond {
			t.Errorf("sent after %v, want 30s and up to a quarter more", at)
		}
		if s := transport.Stats(); s.Waited != 1 || s.Refused != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestNobodyWaitsLongerThanWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			wait  time.Duration
			waits bool
		}{
			{29999 * time.Millisecond, false},
			{33750 * time.Millisecond, true}, // an eighth later: by then the host may be asked at the latest
		} {
			for range 100 {
				transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "30"), says(200)), Wait: c.wait}
				ask(t, transport, site)
				from := time.Now()
				_, err := ask(t, transport, site)
				took := time.Since(from)
				if c.waits && (err != nil || took < 30*time.Second || took > c.wait) {
					t.Fatalf("Wait %v: %v after %v, want it sent", c.wait, err, took)
				}
				if !c.waits && (err == nil || took != 0) {
					t.Fatalf("Wait %v: %v after %v, want it refused at once", c.wait, err, took)
				}
			}
		}
	})
}

func TestNobodyWaitsForWhatTheDeadlineForbids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "30")), Wait: time.Hour}
		ask(t, transport, site)
		ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", site, nil)
		from := time.Now()
		_, err := transport.RoundTrip(req)
		var refused *backoff.Error
		if !errors.As(err, &refused) || time.Since(from) != 0 {
			t.Errorf("%v after %v, want it refused at once", err, time.Since(from))
		}
	})
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	gaveUp := errors.New("gave up")
	synctest.Test(t, func(t *testing.T) {
		base := scripted(says(503, "Retry-After", "30"))
		transport := &backoff.Transport{Base: base, Wait: time.Minute}
		ask(t, transport, site)

		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(gaveUp) })
		body := &scriptBody{Reader: strings.NewReader("x")}
		req, _ := http.NewRequestWithContext(ctx, "POST", site, body)
		from := time.Now()
		_, err := transport.RoundTrip(req)
		if err != gaveUp || time.Since(from) != 5*time.Second || !body.closed() {
			t.Errorf("%v after %v, body closed: %v", err, time.Since(from), body.closed())
		}

		stop := make(chan struct{})
		time.AfterFunc(5*time.Second, func() { close(stop) })
		req, _ = http.NewRequest("GET", site, nil)
		req.Cancel = stop //lint:ignore SA1019 it is still to be honoured
		from = time.Now()
		if _, err := transport.RoundTrip(req); err != context.Canceled || time.Since(from) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(from))
		}
		if len(base.at) != 1 {
			t.Error("sent all the same")
		}
	})
}

func TestARefusedRequestsBodyIsClosed(t *testing.T) {
	transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "30"))}
	ask(t, transport, site)
	body := &scriptBody{Reader: strings.NewReader("x")}
	req, _ := http.NewRequest("POST", site, body)
	if _, err := transport.RoundTrip(req); err == nil || !body.closed() {
		t.Errorf("%v, body closed: %v", err, body.closed())
	}
}

func TestThoseWhoWaitDoNotComeAllAtOnce(t *testing.T) {
	const waiters = 1000
	synctest.Test(t, func(t *testing.T) {
		base := scripted(says(503, "Retry-After", "1000"), says(200))
		transport := &backoff.Transport{Base: base, Wait: time.Hour}
		ask(t, transport, site)
		before := runtime.NumGoroutine()
		var all sync.WaitGroup
		for range waiters {
			all.Go(func() {
				if _, err := ask(t, transport, site); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n := runtime.NumGoroutine(); n > before+waiters {
			t.Errorf("%d goroutines for %d waiters", n-before, waiters)
		}
		all.Wait()
		at := base.at[1:]
		slices.Sort(at)
		if at[0] < 1000*time.Second || at[waiters-1] > 1250*time.Second {
			t.Errorf("sent after %v to %v, want 1000s to 1250s", at[0], at[waiters-1])
		}
		busiest := 0 // in a second; the shortest window has 125 of them, so 8 on average
		for i := range at {
			n, _ := slices.BinarySearch(at[i:], at[i]+time.Second)
			busiest = max(busiest, n)
		}
		if busiest > 30 {
			t.Errorf("%d of %d came within one second", busiest, waiters)
		}
	})
}

func TestThoseWhoWaitHearThatTheHostAskedAgain(t *testing.T) {
	const waiters = 200
	synctest.Test(t, func(t *testing.T) {
		base := scripted(says(503, "Retry-After", "100"), says(503, "Retry-After", "1000"), says(200))
		transport := &backoff.Transport{Base: base, Wait: time.Hour}
		ask(t, transport, site)
		var all sync.WaitGroup
		for range waiters {
			all.Go(func() { ask(t, transport, site) })
		}
		all.Wait()
		slices.Sort(base.at)
		if first := base.at[1]; first < 100*time.Second || first > 125*time.Second {
			t.Errorf("the first came after %v", first)
		}
		if second := base.at[2]; second < 1100*time.Second {
			t.Errorf("the second came after %v, although the host had asked again", second)
		}
		if s := transport.Stats(); s.Waited != waiters {
			t.Errorf("%d waited, want %d", s.Waited, waiters)
		}
	})
}

func TestAHostThatKeepsAskingDoesNotHoldARequestForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "40")), Wait: time.Minute}
		ask(t, transport, site)
		first := make(chan struct{})
		go func() {
			defer close(first)
			time.Sleep(5 * time.Second)
			ask(t, transport, site)
		}()
		refusedOne := 0
		from := time.Now()
		var all sync.WaitGroup
		var mu sync.Mutex
		for range 50 {
			all.Go(func() {
				if _, err := ask(t, transport, site); err != nil {
					mu.Lock()
					defer mu.Unlock()
					refusedOne++
				}
			})
		}
		all.Wait()
		if took := time.Since(from); took > time.Minute {
			t.Errorf("a request was held for %v", took)
		}
		if refusedOne == 0 {
			t.Error("the host asked again and nobody was refused")
		}
		<-first
	})
}
