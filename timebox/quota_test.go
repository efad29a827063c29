package timebox_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

// sleep is a block that heeds nothing.
func sleep(d time.Duration) func(context.Context) error {
	return func(context.Context) error {
		time.Sleep(d)
		return nil
	}
}

func remains(t *testing.T, q *timebox.Quota, want time.Duration) {
	t.Helper()
	if got := q.Remaining(); got != want {
		t.Errorf("%v remains, want %v", got, want)
	}
}

func TestAQuotaIsSharedAndRunsOnlyWithItsBlocks(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		q := timebox.NewQuota(3 * time.Second)
		one, other := &timebox.Box{Name: "one", Quota: q}, &timebox.Box{Name: "other", Quota: q}
		remains(t, q, 3*time.Second)
		if err := one.Run(t.Context(), sleep(2*time.Second)); err != nil {
			t.Error(err)
		}
		remains(t, q, time.Second)
		time.Sleep(time.Hour)
		remains(t, q, time.Second)

		start := time.Now()
		err := other.Run(t.Context(), hour)
		exceeded(t, err, "other")
		after(t, start, time.Second)
		remains(t, q, 0)
	})
}

func TestASpentQuotaIsAnErrorBeforeTheBlock(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		never := func(context.Context) error { t.Error("the block has run"); return nil }
		q := timebox.NewQuota(time.Second)
		b := &timebox.Box{Name: "spent", Limit: time.Minute, Quota: q}
		b.Run(t.Context(), hour)
		for range 2 {
			var over *timebox.Error
			if err := b.Run(t.Context(), never); !errors.As(err, &over) || over.Limit != time.Second || over.Elapsed != 0 {
				t.Errorf("%+v", err)
			}
			remains(t, q, 0)
		}
		if got := b.Stats(); got.Started != 1 || got.Exceeded != 3 {
			t.Errorf("%+v", got)
		}
		var zero timebox.Quota
		exceeded(t, (&timebox.Box{Name: "zero", Quota: &zero}).Run(t.Context(), never), "zero")
	})
}

func TestBlocksInsideOneAnotherAreChargedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		q := timebox.NewQuota(10 * time.Second)
		b := &timebox.Box{Quota: q}
		b.Run(t.Context(), func(ctx context.Context) error {
			time.Sleep(time.Second)
			b.Run(ctx, func(ctx context.Context) error {
				b.Run(ctx, sleep(2*time.Second))
				remains(t, q, 7*time.Second)
				return nil
			})
			time.Sleep(time.Second)
			return nil
		})
		remains(t, q, 6*time.Second)
	})
}

func TestBlocksSideBySideAreChargedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		q := timebox.NewQuota(10 * time.Second)
		b := &timebox.Box{Quota: q}
		var blocks sync.WaitGroup
		for i := range 5 { // from 0 to 3, 1 to 4, … 4 to 7
			blocks.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				b.Run(t.Context(), sleep(3*time.Second))
			})
		}
		blocks.Wait()
		remains(t, q, 3*time.Second)
	})
}

func TestWhatRemainsIsNeverNegative(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		q := timebox.NewQuota(time.Second)
		b := &timebox.Box{Quota: q, Grace: time.Minute}
		b.Run(t.Context(), func(context.Context) error {
			time.Sleep(30 * time.Second)
			remains(t, q, 0)
			return nil
		})
		remains(t, q, 0)
	})
}

func TestTheShorterOfQuotaAndLimitRules(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		q := timebox.NewQuota(3 * time.Second)
		b := &timebox.Box{Limit: 2 * time.Second, Quota: q}
		for _, want := range []time.Duration{2 * time.Second, time.Second} {
			start := time.Now()
			var over *timebox.Error
			if err := b.Run(t.Context(), hour); !errors.As(err, &over) || over.Limit != want {
				t.Errorf("%v, want a limit of %v", err, want)
			}
			after(t, start, want)
		}
	})
}

func TestAQuotaIsNotSpentByABlockThatPanicsOrExits(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		q := timebox.NewQuota(time.Minute)
		b := &timebox.Box{Quota: q}
		func() {
			defer func() { recover() }()
			b.Run(t.Context(), func(context.Context) error { panic("oops") })
		}()
		time.Sleep(time.Second)
		remains(t, q, time.Minute)
	})
}

// In real time, where the clock moves between two looks at it.
func TestAQuotaThatRanOutIsSpentToTheLastNanosecond(t *testing.T) {
	linger := func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	}
	for range 100 {
		q := timebox.NewQuota(time.Millisecond)
		(&timebox.Box{Quota: q}).Run(t.Context(), linger)
		remains(t, q, 0)

		q = timebox.NewQuota(time.Millisecond)
		h := (&timebox.Box{Quota: q}).Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { linger(r.Context()) }))
		h.ServeHTTP(nowhere{}, httptest.NewRequest("GET", "/", nil))
		remains(t, q, 0)
	}
}

func TestAQuotaMayBeUsedFromManyGoroutines(t *testing.T) {
	q := timebox.NewQuota(time.Hour)
	b := &timebox.Box{Quota: q}
	var blocks sync.WaitGroup
	for range 8 {
		blocks.Go(func() {
			for range 100 {
				b.Run(t.Context(), func(context.Context) error { q.Remaining(); return nil })
			}
		})
	}
	blocks.Wait()
	before := q.Remaining()
	time.Sleep(time.Millisecond)
	if q.Remaining() != before || before > time.Hour {
		t.Errorf("%v, then %v, and nobody uses it", before, q.Remaining())
	}
}
