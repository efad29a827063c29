package journal_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/offpath"
	"github.com/heeler-go/heeler/offpath/journal"
)

func TestAPauseGrowsToItsLimit(t *testing.T) {
	for failures, want := range []time.Duration{100, 200, 400, 800, 1600, 2000, 2000} {
		want *= time.Millisecond
		for range 100 {
			if d := journal.Pause(failures, 2*time.Second); d < want/2-1 || d > want {
				t.Errorf("after %d failures: %s, want %s to %s", failures, d, want/2, want)
			}
		}
	}
	if d := journal.Pause(1_000_000, time.Minute); d < 30*time.Second || d > time.Minute {
		t.Errorf("after a million failures: %s", d)
	}
}

func TestARecordComesAgainUntilItIsAcknowledged(t *testing.T) {
	refused := errors.New("refused")
	for name, fail := range map[string]func() error{
		"an error": func() error { return refused },
		"a panic":  func() error { panic(refused) },
		"Goexit":   func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun, times := time.Now(), 0
				var errs []*journal.HandleError
				f := &journal.Follower{Retry: 2 * time.Second}
				f.Handle = func(_ context.Context, r journal.Record) error {
					if times++; times <= 8 {
						return fail()
					}
					return nil
				}
				f.OnError = func(err error) {
					var e *journal.HandleError
					if !errors.As(err, &e) {
						t.Errorf("told %v", err)
					}
					errs = append(errs, e)
				}
				if !f.Deliver(t.Context(), journal.Record{Cursor: "s=1;i=7"}) || times != 9 || len(errs) != 8 {
					t.Fatalf("called %d times, told %d", times, len(errs))
				}
				if took := time.Since(begun); took < 4500*time.Millisecond || took > 9100*time.Millisecond { // 0.1, 0.2 … 1.6, 2, 2, 2, or half of it
					t.Errorf("took %s", took)
				}
				e := errs[7]
				if e.Times != 8 || e.Record.Cursor != "s=1;i=7" || e.Pause < time.Second || !strings.Contains(e.Error(), "s=1;i=7") {
					t.Errorf("%+v: %v", e, e)
				}
				var panicked *offpath.PanicError
				if errors.As(e, &panicked) == (name == "an error") || name != "Goexit" && !errors.Is(e, refused) {
					t.Errorf("%v", e)
				}
			})
		})
	}
}

func TestARecordIsNotAcknowledgedWhenTheTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		f := &journal.Follower{Handle: func(ctx context.Context, _ journal.Record) error { return errors.New("no") }, OnError: func(error) {}}
		begun := time.Now()
		if f.Deliver(ctx, journal.Record{}) || time.Since(begun) != time.Hour {
			t.Errorf("after %s", time.Since(begun))
		}
		f.Handle = func(context.Context, journal.Record) error { t.Error("called"); return nil }
		if f.Deliver(ctx, journal.Record{}) {
			t.Error("delivered")
		}
	})
}
