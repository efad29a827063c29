package breaker_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// A bus is Peers in one process: whoever hears is told at once.
type bus struct {
	mu        sync.Mutex
	ears      map[string][]func(breaker.Notice)
	announced []breaker.Notice
}

func (b *bus) Announce(_ context.Context, n breaker.Notice) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.announced = append(b.announced, n)
	for _, hear := range b.ears[n.Name] {
		hear(n)
	}
	return nil
}

func (b *bus) Hear(name string, f func(breaker.Notice)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ears == nil {
		b.ears = make(map[string][]func(breaker.Notice))
	}
	b.ears[name] = append(b.ears[name], f)
}

func (b *bus) notices() []breaker.Notice {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]breaker.Notice(nil), b.announced...)
}

// replicas are n breakers of one backend, in as many replicas, that have made a
// call each, so long ago that it tells nothing.
func replicas(t *testing.T, peers breaker.Peers, n int) []*breaker.Breaker {
	t.Helper()
	list := make([]*breaker.Breaker, n)
	for i := range list {
		list[i] = &breaker.Breaker{Name: "mysql", Peers: peers}
		do(t, list[i], 1, succeeds)
	}
	synctest.Wait()
	time.Sleep(breaker.DefaultWindow)
	return list
}

func TestAReplicaRefusesWithoutAFailureOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared bus
		all := replicas(t, &shared, 3)
		elsewhere := &breaker.Breaker{Name: "redis", Peers: &shared}
		do(t, elsewhere, 1, succeeds)
		trip(t, all[0])
		synctest.Wait()
		if all[1].RetryAfter() == all[2].RetryAfter() {
			t.Error("both will probe at the same time")
		}
		for _, b := range all[1:] {
			refusal := wantRefusal(t, b)
			if d := all[0].RetryAfter(); refusal.RetryAfter < d*5/6 || refusal.RetryAfter > d*6/5 {
				t.Errorf("refuses for %v, want about %v", refusal.RetryAfter, d)
			}
			if st := b.Stats(); st.Failed != 0 || st.Trips != 1 || st.Calls != 1 {
				t.Errorf("%+v", st)
			}
		}
		wantState(t, elsewhere, breaker.Closed)
		if n := len(shared.notices()); n != 1 {
			t.Errorf("%d notices, want the one of whoever tripped", n)
		}
	})
}

func TestARecoveryLetsTheOthersProbeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared bus
		all := replicas(t, &shared, 2)
		trip(t, all[0])
		synctest.Wait()
		for range 4 {
			reopen(t, all[1])
			synctest.Wait()
		}
		time.Sleep(ms)
		recovered(t, all[0])
		synctest.Wait()
		wantState(t, all[1], breaker.HalfOpen)
		do(t, all[1], 1, succeeds)
		wantState(t, all[1], breaker.Closed)
		synctest.Wait()
		var told []breaker.State
		for _, n := range shared.notices() {
			told = append(told, n.State)
		}
		if want := []breaker.State{breaker.Open, breaker.Closed, breaker.Closed}; !slices.Equal(told, want) {
			t.Errorf("peers were told %v, want %v: a probe that fails is no news", told, want)
		}
	})
}

// In a bubble time stands still, and gobreaker's must pass.
func TestARecoveryAtTheInstantOfTheTripIsSoonSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared bus
		all := replicas(t, &shared, 1)
		trip(t, all[0])
		shared.Announce(t.Context(), breaker.Notice{Name: "mysql", From: "x", State: breaker.Closed})
		wantState(t, all[0], breaker.HalfOpen)
		if got := wantRefusal(t, all[0]).RetryAfter; got != ms {
			t.Errorf("to come back after %v", got)
		}
		time.Sleep(ms)
		do(t, all[0], 1, succeeds)
		wantState(t, all[0], breaker.Closed)
	})
}

func TestWhoeverOpensByHandTellsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared bus
		all := replicas(t, &shared, 2)
		all[0].Open(0)
		synctest.Wait()
		wantWithin(t, all[1].RetryAfter(), 30*s) // not for ever: nobody might be left to close it
		all[0].Close()
		synctest.Wait()
		wantState(t, all[1], breaker.HalfOpen)
	})
}

func TestAHandHereCountsForMoreThanPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, d := range []time.Duration{0, 10 * time.Minute} {
			var shared bus
			all := replicas(t, &shared, 2)
			all[1].Open(d)
			synctest.Wait()
			left := all[1].RetryAfter()
			all[0].Open(time.Hour)
			synctest.Wait()
			all[0].Close()
			synctest.Wait()
			if got := all[1].RetryAfter(); got != left {
				t.Errorf("%v left, want %v", got, left)
			}
		}
	})
}

func TestAPeersTripDoesNotShortenOurOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared bus
		all := replicas(t, &shared, 1)
		trip(t, all[0])
		reopen(t, all[0])
		left := all[0].RetryAfter()
		shared.Announce(t.Context(), breaker.Notice{Name: "mysql", From: "x", State: breaker.Open, For: time.Millisecond})
		if got := all[0].RetryAfter(); got != left {
			t.Errorf("%v left, want %v", got, left)
		}
	})
}

// Half-open, a peer's trip means that its probe has failed.
func TestAPeersTripEndsAHalfOpenTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared bus
		var d diary
		b := &breaker.Breaker{Name: "mysql", Peers: &shared, OnChange: d.note}
		halfOpen(t, b)
		synctest.Wait()
		var probe sync.WaitGroup
		probe.Go(func() { b.Do(context.Background(), takes(100*ms, nil)) })
		synctest.Wait()
		shared.Announce(t.Context(), breaker.Notice{Name: "mysql", From: "x", State: breaker.Open, For: s})
		wantState(t, b, breaker.Open)
		probe.Wait()
		wantState(t, b, breaker.Open)
		wantWords(t, &d, "closed to open: by hand", "open to half-open", "half-open to open: peer")
	})
}

func TestHostileNoticesAreBounded(t *testing.T) {
	for name, c := range map[string]struct {
		n    breaker.Notice
		want time.Duration // 0 means closed
	}{
		"too long":        {breaker.Notice{Name: "mysql", State: breaker.Open, For: math.MaxInt64}, 30 * s},
		"negative":        {breaker.Notice{Name: "mysql", State: breaker.Open, For: math.MinInt64}, 30 * s},
		"for ever":        {breaker.Notice{Name: "mysql", State: breaker.Open}, 30 * s},
		"short":           {breaker.Notice{Name: "mysql", State: breaker.Open, For: 1}, 1},
		"another backend": {breaker.Notice{Name: "redis", State: breaker.Open, For: s}, 0},
		"no name":         {breaker.Notice{State: breaker.Open, For: s}, 0},
		"half-open":       {breaker.Notice{Name: "mysql", State: breaker.HalfOpen, For: s}, 0},
		"unknown state":   {breaker.Notice{Name: "mysql", State: 99, For: s}, 0},
		"closed already":  {breaker.Notice{Name: "mysql", State: breaker.Closed, For: s}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var shared bus
			b := replicas(t, &shared, 1)[0]
			shared.ears["mysql"][0](c.n)
			if got := b.RetryAfter(); got < c.want || got > c.want+c.want/5 {
				t.Errorf("%s: refuses for %v, want %v", name, got, c.want)
			}
			if c.want == 0 {
				wantState(t, b, breaker.Closed)
			}
			synctest.Wait()
			if n := len(shared.notices()); n != 0 {
				t.Errorf("%s: it was passed on", name)
			}
		})
	}
}

func TestItsOwnNoticeIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared bus
		b := replicas(t, &shared, 1)[0]
		b.Open(s)
		synctest.Wait()
		own := shared.notices()[0]
		b.Close()
		shared.Announce(t.Context(), own) // as from a store that delivers late
		wantState(t, b, breaker.Closed)
		if own.From == "" || own.Name != "mysql" || own.State != breaker.Open || own.For != s {
			t.Errorf("%+v", own)
		}
		own.From = "another"
		shared.Announce(t.Context(), own)
		wantState(t, b, breaker.Open)
	})
}

// badPeers do whatever goes wrong.
type badPeers struct {
	announce func(context.Context) error
	hear     func()
}

func (p badPeers) Announce(ctx context.Context, _ breaker.Notice) error { return p.announce(ctx) }
func (p badPeers) Hear(string, func(breaker.Notice))                    { p.hear() }

func TestBadPeersHoldUpNobody(t *testing.T) {
	logged := logged(t)
	for name, p := range map[string]badPeers{
		"panic": {func(context.Context) error { panic("announce") }, func() { panic("hear") }},
		"fail":  {func(context.Context) error { return errors.New("the store is down") }, func() {}},
		"hang":  {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, func() { time.Sleep(time.Hour) }},
		"stuck": {func(context.Context) error { time.Sleep(time.Hour); return nil }, func() { time.Sleep(time.Hour) }},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var d diary
			b := &breaker.Breaker{Name: "mysql", Peers: p, OnChange: d.note}
			do(t, b, 1, succeeds)
			trip(t, b)
			b.Close()
			trip(t, b)
			wantRefusal(t, b)
			wantWords(t, &d, "closed to open: failures", "open to closed: by hand", "closed to open: failures")
			if took := time.Since(began); took != 0 {
				t.Errorf("%s: calls were held up for %v", name, took)
			}
			time.Sleep(10 * time.Hour) // until all of them have ended
		})
	}
	for _, want := range []string{"panic in Peers", "peers were not told", "the store is down"} {
		if !strings.Contains(logged(), want) {
			t.Errorf("nothing says %q", want)
		}
	}
}

// Replicas that trip, probe and recover in any order agree in the end.
func TestReplicasAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared bus
		all := replicas(t, &shared, 5)
		down := true
		call := func(context.Context) error {
			if down {
				return errDown
			}
			return nil
		}
		ran := 0
		for tick := range 600 { // of 100 ms; a minute
			if tick == 300 {
				down = false
			}
			for _, b := range all {
				if !errors.Is(b.Do(t.Context(), call), breaker.ErrOpen) && down {
					ran++
				}
			}
			synctest.Wait()
			time.Sleep(100 * ms)
		}
		for i, b := range all {
			if b.State() != breaker.Closed {
				t.Errorf("replica %d is %v", i, b.State())
			}
		}
		if ran > 5+5*8 { // one trips; then each probes at 1, 2, 4, 8, 16 s
			t.Errorf("%d calls reached the backend while it was down", ran)
		}
	})
}
