package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/alert"
	heeler "github.com/heeler-go/heeler/cmd/heeler"
	"github.com/heeler-go/heeler/offpath/journal"
)

// record is an entry as the journal gives it back: pairs of names and values.
func record(pairs ...string) journal.Record {
	r := journal.Record{Cursor: "s=1;i=2", Time: time.Now(), Fields: map[string][]string{}}
	for i := 0; i < len(pairs); i += 2 {
		r.Fields[pairs[i]] = append(r.Fields[pairs[i]], pairs[i+1])
	}
	return r
}

func TestAPlaceThatIsAwayIsAskedLaterAndLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		var away atomic.Bool
		away.Store(true)
		p := heeler.NewPoster(func(context.Context, journal.Record) error {
			at = append(at, time.Now())
			if away.Load() {
				return &alert.LaterError{Err: errors.New("away")}
			}
			return nil
		}, 0, io.Discard)
		done := make(chan error)
		go func() { done <- p.Handle(t.Context(), record("MESSAGE", "x")) }()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		away.Store(false)
		if err := <-done; err != nil || p.Posted() != 1 || p.GivenUp() != 0 {
			t.Errorf("in the end: %v, %d posted, %d given up", err, p.Posted(), p.GivenUp())
		}
		if len(at) < 24*12 || len(at) > 24*24+20 {
			t.Errorf("%d attempts in a day", len(at))
		}
		seen := map[time.Duration]bool{}
		for i, most := 1, time.Second; i < len(at); i, most = i+1, min(2*most, 5*time.Minute) {
			gap := at[i].Sub(at[i-1])
			if gap < most/2 || gap > most {
				t.Errorf("the wait after attempt %d is %v, want %v to %v", i, gap, most/2, most)
			}
			seen[gap] = true
		}
		if len(seen) < len(at)*9/10 {
			t.Errorf("only %d waits of %d are different: all who fail together come back together", len(seen), len(at))
		}
	})
}

func TestNeverSoonerThanThePlaceSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const asked = 7 * time.Minute
		var at []time.Time
		p := heeler.NewPoster(func(context.Context, journal.Record) error {
			at = append(at, time.Now())
			if len(at) < 10 {
				return fmt.Errorf("slack: %w", &alert.LaterError{Err: errors.New("429"), After: asked})
			}
			return nil
		}, 0, io.Discard)
		if err := p.Handle(t.Context(), record()); err != nil {
			t.Fatal(err)
		}
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < asked {
				t.Errorf("attempt %d comes after %v", i+1, gap)
			}
		}
	})
}

func TestSlackGetsNoMoreThanOneMessageASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		p := heeler.NewPoster(func(context.Context, journal.Record) error {
			at = append(at, time.Now())
			return nil
		}, time.Second, io.Discard)
		begin := time.Now()
		for range 20 {
			p.Handle(t.Context(), record())
		}
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < time.Second {
				t.Errorf("entry %d comes after %v", i+1, gap)
			}
		}
		if took := time.Since(begin); took != 19*time.Second {
			t.Errorf("20 entries take %v, want 19s: the first waits for nothing", took)
		}
	})
}

func TestWhatWillNeverDoIsTriedAFewTimesAndThenToldOf(t *testing.T) {
	for name, post := range map[string]func() error{
		"400 Bad Request: invalid_payload": func() error { return errors.New("400 Bad Request: invalid_payload") },
		"panic: nil map":                   func() error { panic("nil map") },
	} {
		synctest.Test(t, func(t *testing.T) {
			var log strings.Builder
			calls := 0
			p := heeler.NewPoster(func(context.Context, journal.Record) error {
				calls++
				return post()
			}, 0, &log)
			r := record("MESSAGE", "order 7 failed\npassword=hunter2", "_SYSTEMD_UNIT", "shop.service", "_HOSTNAME", "web3", "_PID", "17")
			if err := p.Handle(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if calls != 5 || p.Posted() != 0 || p.GivenUp() != 1 {
				t.Errorf("%s: %d attempts, %d posted, %d given up", name, calls, p.Posted(), p.GivenUp())
			}
			last := log.String()[strings.LastIndex(strings.TrimSpace(log.String()), "\n")+1:]
			for _, want := range []string{
				"level=ERROR", "given up", name, "attempts=5", `cursor="s=1;i=2"`, "unit=shop.service", "host=web3", "pid=17", `message="order 7 failed\npassword=[redacted]"`,
			} {
				if !strings.Contains(last, want) {
					t.Errorf("%s is not in\n%s", want, last)
				}
			}
			if strings.Contains(log.String(), "hunter2") {
				t.Errorf("a secret is in\n%s", log.String())
			}
		})
	}
}

func TestAnEntryThatIsNotPostedYetWhenItEndsIsNotDone(t *testing.T) {
	for name, result := range map[string]error{
		"away":  &alert.LaterError{Err: errors.New("away"), After: time.Hour},
		"final": errors.New("no"),
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("a signal")
			p := heeler.NewPoster(func(context.Context, journal.Record) error {
				time.AfterFunc(100*time.Millisecond, func() { cancel(why) })
				return result
			}, 0, io.Discard)
			begin := time.Now()
			if err := p.Handle(ctx, record()); !errors.Is(err, why) || p.GivenUp() != 0 {
				t.Errorf("%s: it ends with %v, %d given up", name, err, p.GivenUp())
			}
			if took := time.Since(begin); took != 100*time.Millisecond {
				t.Errorf("%s: it took %v", name, took)
			}
			// The next one is not begun.
			if err := p.Handle(ctx, record()); !errors.Is(err, why) {
				t.Errorf("%s: after that, %v", name, err)
			}
		})
	}
}

func TestWhatWasCutShortIsNotGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		p := heeler.NewPoster(func(context.Context, journal.Record) error {
			if calls++; calls == 5 { // the last try, which comes to nothing because of the end
				cancel()
			}
			return errors.New("no")
		}, 0, io.Discard)
		if err := p.Handle(ctx, record()); !errors.Is(err, context.Canceled) || p.GivenUp() != 0 {
			t.Errorf("it ends with %v, %d given up", err, p.GivenUp())
		}
	})
}

func TestWhatIsBeingPostedWhenItEndsHasALittleTime(t *testing.T) {
	for takes, posted := range map[time.Duration]int{4 * time.Second: 1, time.Hour: 0} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			p := heeler.NewPoster(func(ctx context.Context, _ journal.Record) error {
				cancel()
				select {
				case <-time.After(takes):
					return nil
				case <-ctx.Done():
					return &alert.LaterError{Err: ctx.Err()}
				}
			}, 0, io.Discard)
			begin := time.Now()
			err := p.Handle(ctx, record())
			if (err == nil) != (posted == 1) || p.Posted() != posted {
				t.Errorf("%v: it ends with %v, %d posted", takes, err, p.Posted())
			}
			if took := time.Since(begin); took != min(takes, 5*time.Second) {
				t.Errorf("%v: it took %v", takes, took)
			}
		})
	}
}

func TestAnAttemptHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		p := heeler.NewPoster(func(ctx context.Context, _ journal.Record) error {
			if calls++; calls == 2 {
				return nil
			}
			<-ctx.Done()
			return &alert.LaterError{Err: ctx.Err()}
		}, 0, io.Discard)
		begin := time.Now()
		if err := p.Handle(t.Context(), record()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestWhatItSaysItselfIsNotPosted(t *testing.T) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Skip("no /proc")
	}
	here := strings.ReplaceAll(strings.TrimSpace(string(boot)), "-", "")
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(here) {
		t.Fatalf("this boot is %q", here)
	}
	p := heeler.NewPoster(func(context.Context, journal.Record) error { return nil }, 0, io.Discard)
	pid := strconv.Itoa(os.Getpid())
	before := record("_PID", pid, "_BOOT_ID", here)
	before.Time = time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		r      journal.Record
		posted int
	}{
		"its own":                        {record("_PID", pid, "_BOOT_ID", here), 0},
		"somebody else's":                {record("_PID", "1", "_BOOT_ID", here), 1},
		"with the same number before":    {before, 1},
		"with the same number elsewhere": {record("_PID", pid, "_BOOT_ID", strings.Repeat("0", 32)), 1},
	} {
		begin := p.Posted()
		if err := p.Handle(t.Context(), c.r); err != nil || p.Posted()-begin != c.posted {
			t.Errorf("an entry %s: %v, %d posted", name, err, p.Posted()-begin)
		}
	}
}
