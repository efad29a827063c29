package breaker_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// A diary notes changes.
type diary struct {
	mu      sync.Mutex
	changes []breaker.Change
}

func (d *diary) note(c breaker.Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes = append(d.changes, c)
}

func (d *diary) all() []breaker.Change {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]breaker.Change(nil), d.changes...)
}

// words is a line for each change.
func (d *diary) words() (lines []string) {
	for _, c := range d.all() {
		line := fmt.Sprintf("%v to %v", c.From, c.To)
		if c.Reason != "" {
			line += ": " + c.Reason
		}
		lines = append(lines, line)
	}
	return lines
}

func wantWords(t *testing.T, d *diary, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := d.words(); strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("told\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestEveryChangeIsToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		b := &breaker.Breaker{Name: "mysql", OnChange: d.note, Window: time.Minute}
		b.Close() // nothing changes
		trip(t, b)
		left := b.RetryAfter()
		reopen(t, b)
		recovered(t, b)
		do(t, b, 20, takes(600*ms, nil))
		time.Sleep(b.RetryAfter())
		do(t, b, 1, takes(600*ms, nil))
		b.Open(0)
		b.Open(time.Hour)
		b.Close()
		b.Close()
		wantWords(t, &d,
			"closed to open: failures",
			"open to half-open",
			"half-open to open: probe failed",
			"open to half-open",
			"half-open to closed: probe succeeded",
			"closed to open: slow calls",
			"open to half-open",
			"half-open to open: probe slow",
			"open to open: by hand",
			"open to open: by hand",
			"open to closed: by hand",
		)
		first := d.all()[0]
		if first.Name != "mysql" || first.For != left || time.Since(first.At) > time.Hour || first.At.IsZero() {
			t.Errorf("%+v", first)
		}
		if byHand := d.all()[8]; byHand.For != 0 || d.all()[9].For != time.Hour {
			t.Errorf("%+v, %+v", byHand, d.all()[9])
		}
	})
}

func TestAHalfOpenTimeIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		b := &breaker.Breaker{OnChange: d.note, Probes: 8}
		halfOpen(t, b)
		wantWords(t, &d, "closed to open: by hand") // half-open is but a time until somebody calls
		var probes sync.WaitGroup
		for range 8 {
			probes.Go(func() { b.Do(t.Context(), succeeds) })
		}
		probes.Wait()
		wantWords(t, &d, "closed to open: by hand", "open to half-open", "half-open to closed: probe succeeded")
	})
}

func TestAHookMayCallTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		var b *breaker.Breaker
		b = &breaker.Breaker{OnChange: func(c breaker.Change) {
			d.note(c)
			b.Stats()
			b.State()
			b.RetryAfter()
			b.Do(context.Background(), succeeds)
			switch c.Reason {
			case "failures":
				b.Open(time.Hour)
			case "by hand":
				b.Close()
			}
		}}
		trip(t, b)
		wantWords(t, &d, "closed to open: failures", "open to open: by hand", "open to closed: by hand")
		wantState(t, b, breaker.Closed)
	})
}

func TestAHookMayBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		release := make(chan struct{})
		b := &breaker.Breaker{OnChange: func(c breaker.Change) { <-release; d.note(c) }}
		for range 100 {
			b.Open(0)
			synctest.Wait()
			b.Close()
		}
		do(t, b, 1, succeeds)
		close(release)
		synctest.Wait()
		changes := d.all()
		if len(changes) != 101 { // the one that blocks, and the last hundred that wait
			t.Fatalf("told %d, want 101", len(changes))
		}
		if first, last := changes[0], changes[100]; first.From != breaker.Closed || last.To != breaker.Closed {
			t.Errorf("told %+v first and %+v last", first, last)
		}
	})
}

func TestAHookMayPanicOrEndItsGoroutine(t *testing.T) {
	log := logged(t)
	synctest.Test(t, func(t *testing.T) {
		var d diary
		n := 0
		b := &breaker.Breaker{Name: "mysql", OnChange: func(c breaker.Change) {
			d.note(c)
			switch n++; n {
			case 1:
				panic("at the disco")
			case 2, 4:
				runtime.Goexit()
			}
		}}
		b.Open(0)
		b.Close()
		b.Open(0)
		synctest.Wait()
		b.Close()
		b.Open(0)
		wantWords(t, &d, "closed to open: by hand", "open to closed: by hand", "closed to open: by hand",
			"open to closed: by hand", "closed to open: by hand")
	})
	if !strings.Contains(log(), "panic in OnChange") || !strings.Contains(log(), "at the disco") || !strings.Contains(log(), "backend=mysql") {
		t.Errorf("logged %q", log())
	}
}

// logged collects what is logged during a test.
func logged(t *testing.T) func() string {
	var mu sync.Mutex
	var text strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return text.Write(p)
	}), nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return text.String()
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
