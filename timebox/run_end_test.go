package timebox_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

// recovered runs f and gives what it panics with.
func recovered(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func TestAPanicInABlockIsCarriedOverWithItsStack(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		value := recovered(func() {
			timebox.Run(t.Context(), time.Second, func(context.Context) error {
				fallOver(io.ErrNoProgress)
				return nil
			})
		})
		p, ok := value.(*timebox.Panic)
		if !ok || p.Value != io.ErrNoProgress {
			t.Fatalf("recovered %#v, want a *timebox.Panic", value)
		}
		if !strings.Contains(string(p.Stack), "timebox_test.fallOver") {
			t.Errorf("the stack lacks the function that panicked:\n%s", p.Stack)
		}
		if text := p.Error(); !strings.Contains(text, io.ErrNoProgress.Error()) || !strings.Contains(text, "timebox_test.fallOver") {
			t.Errorf("the text lacks the value or the stack: %s", text)
		}
		if !errors.Is(p, io.ErrNoProgress) {
			t.Error("the panic is not the error that it was made with")
		}
	})
}

func TestAPanicThroughSeveralBoxesIsWrappedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		value := recovered(func() {
			timebox.Run(t.Context(), time.Second, func(ctx context.Context) error {
				return timebox.Run(ctx, time.Second, func(context.Context) error {
					fallOver("deep down")
					return nil
				})
			})
		})
		if p, ok := value.(*timebox.Panic); !ok || p.Value != "deep down" || strings.Count(p.Error(), "goroutine that panicked") != 1 {
			t.Errorf("recovered %v", value)
		}
	})
}

func TestAnyValueMayBePanickedWith(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		value := recovered(func() {
			timebox.Run(t.Context(), time.Second, func(context.Context) error { panic([]int{1}) }) // cannot be compared
		})
		if p, ok := value.(*timebox.Panic); !ok || p.Unwrap() != nil {
			t.Errorf("recovered %v", value)
		}
		value = recovered(func() {
			timebox.Run(t.Context(), time.Second, func(context.Context) error { panic(nil) })
		})
		var null *runtime.PanicNilError
		if p, ok := value.(*timebox.Panic); !ok || !errors.As(p, &null) {
			t.Errorf("recovered %v", value)
		}
		value = recovered(func() { timebox.Run(t.Context(), time.Second, nil) })
		if p, ok := value.(*timebox.Panic); !ok || !strings.Contains(p.Error(), "nil pointer") {
			t.Errorf("recovered %v", value)
		}
	})
}

func TestErrAbortHandlerIsCarriedOverAsItIs(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		value := recovered(func() {
			timebox.Run(t.Context(), time.Second, func(context.Context) error { panic(http.ErrAbortHandler) })
		})
		if value != http.ErrAbortHandler {
			t.Errorf("recovered %#v, want http.ErrAbortHandler itself, which net/http compares", value)
		}
	})
}

func TestAPanicWithinTheGraceIsCarriedOver(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		value := recovered(func() {
			(&timebox.Box{Limit: time.Second, Grace: time.Minute}).Run(t.Context(), func(ctx context.Context) error {
				<-ctx.Done()
				panic("while cleaning up")
			})
		})
		if p, ok := value.(*timebox.Panic); !ok || p.Value != "while cleaning up" {
			t.Errorf("recovered %#v", value)
		}
	})
}

func TestGoexitInABlockEndsTheCallerToo(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		ended := make(chan bool)
		go func() { // as a test that calls FailNow
			returned := false
			defer func() { ended <- returned || recover() != nil }()
			timebox.Run(t.Context(), time.Second, func(context.Context) error {
				runtime.Goexit()
				return nil
			})
			returned = true
		}()
		if <-ended {
			t.Error("the caller goes on")
		}
	})
}

// logged catches what goes to the default slog.Logger.
func logged(t *testing.T) *syncBuffer {
	t.Helper()
	log := new(syncBuffer)
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return log
}

func TestAPanicAfterTheBlockWasGivenUpIsLoggedAndCounted(t *testing.T) {
	log := logged(t)
	inBubble(t, func(t *testing.T) {
		b := box("unattended", time.Second)
		exceeded(t, b.Run(t.Context(), func(context.Context) error {
			time.Sleep(time.Minute)
			fallOver("nobody waits")
			return nil
		}), "unattended")
		time.Sleep(time.Hour)
		if got, want := b.Stats(), (timebox.Stats{Started: 1, Exceeded: 1, Panicked: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
	for _, want := range []string{"unattended", "nobody waits", "timebox_test.fallOver"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log.String())
		}
	}
}

func TestErrAbortHandlerAfterTheBlockWasGivenUpStaysSilent(t *testing.T) {
	log := logged(t)
	inBubble(t, func(t *testing.T) {
		b := box("unattended", time.Second)
		b.Run(t.Context(), func(context.Context) error {
			time.Sleep(time.Minute)
			panic(http.ErrAbortHandler)
		})
		time.Sleep(time.Hour)
		if got := b.Stats(); got.Panicked != 0 || got.Overrunning != 0 {
			t.Errorf("%+v", got)
		}
	})
	if log.String() != "" {
		t.Errorf("logged: %s", log.String())
	}
}

func TestGoexitAfterTheBlockWasGivenUpEndsItsOverrun(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := box("unattended", time.Second)
		b.Run(t.Context(), func(context.Context) error {
			time.Sleep(time.Minute)
			runtime.Goexit()
			return nil
		})
		time.Sleep(time.Hour)
		if got, want := b.Stats(), (timebox.Stats{Started: 1, Exceeded: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestOverrunsListBlocksByAgeUntilTheyEnd(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		for i, name := range []string{"first", "second", "third"} {
			box(name, time.Second).Run(t.Context(), sleep(time.Duration(10*(i+1))*time.Second))
		}
		for i, o := range timebox.Overruns() {
			want := timebox.Overrun{
				Name:  []string{"first", "second", "third"}[i],
				Since: start.Add(time.Duration(i) * time.Second),
				For:   time.Duration(3-i) * time.Second,
			}
			if o.Name != want.Name || !o.Since.Equal(want.Since) || o.For != want.For {
				t.Errorf("%+v, want %+v", o, want)
			}
		}
		for _, want := range []int{3, 2, 1, 0} {
			if got := len(timebox.Overruns()); got != want {
				t.Errorf("%d on the list, want %d", got, want)
			}
			time.Sleep(10*time.Second + 500*time.Millisecond)
		}
	})
}
