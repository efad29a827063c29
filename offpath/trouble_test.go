package offpath_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/offpath"
)

// logged makes a buffer the default log for the test.
func logged(t *testing.T) *bytes.Buffer {
	var log bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	return &log
}

func explodes(any)   { panic(io.ErrUnexpectedEOF) }
func endsGoroutine() { runtime.Goexit() }

func TestAWorkerGoesOnAfterAPanicAndWhenItsGoroutineIsEnded(t *testing.T) {
	log := logged(t)
	synctest.Test(t, func(t *testing.T) {
		var done, told []string
		q := &offpath.Queue[string]{
			Do: func(_ context.Context, v string) {
				switch v {
				case "panic":
					explodes(v)
				case "goexit":
					endsGoroutine()
				}
				done = append(done, v)
			},
			OnPanic: func(v string, err *offpath.PanicError) {
				told = append(told, fmt.Sprintf("%s: %v, an end of file: %v", v, err, errors.Is(err, io.ErrUnexpectedEOF)))
				where := map[string]string{"panic": "offpath_test.explodes", "goexit": "offpath_test.endsGoroutine"}[v]
				if !strings.Contains(string(err.Stack), where) {
					t.Errorf("the stack of a %s does not show %s:\n%s", v, where, err.Stack)
				}
			},
		}
		for _, v := range []string{"a", "panic", "b", "goexit", "goexit", "c", "panic"} {
			q.Offer(v)
		}
		closed(t, q)
		if got := fmt.Sprint(done); got != "[a b c]" {
			t.Errorf("done were %s", got)
		}
		want := []string{"panic: offpath: the work panicked: unexpected EOF, an end of file: true",
			"goexit: offpath: the work has ended its goroutine, an end of file: false"}
		if got := fmt.Sprint(told); got != fmt.Sprint([]string{want[0], want[1], want[1], want[0]}) {
			t.Errorf("OnPanic was told %s", got)
		}
		wantStats(t, q, offpath.Stats{Offered: 7, Done: 3, Panicked: 4})
	})
	if log.Len() > 0 {
		t.Errorf("logged, beside what OnPanic was told: %s", log)
	}
}

func TestAHookThatPanicsOrEndsItsGoroutineCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		q := &offpath.Queue[int]{
			Do: func(_ context.Context, v int) {
				if v%2 == 0 {
					panic("oh")
				}
				runtime.Goexit()
			},
			OnPanic: func(v int, _ *offpath.PanicError) {
				told++
				if v < 2 {
					panic("hook")
				}
				runtime.Goexit()
			},
		}
		for v := range 4 {
			q.Offer(v)
		}
		closed(t, q)
		if told != 4 {
			t.Errorf("OnPanic was told %d times, want 4", told)
		}
		wantStats(t, q, offpath.Stats{Offered: 4, Panicked: 4})
	})
}

func TestPanicsAreLoggedOnceAMinuteWhenNobodyElseIsTold(t *testing.T) {
	log := logged(t)
	synctest.Test(t, func(t *testing.T) {
		var q offpath.Queue[offpath.Func]
		for range 10 {
			q.Offer(func(context.Context) { panic("oh") })
			time.Sleep(10 * time.Second)
		}
		closed(t, &q)
	})
	got := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(got) != 2 || !strings.Contains(got[0], `msg="offpath: the work panicked: oh" stack="goroutine `) ||
		!strings.Contains(got[0], "more=0") || !strings.Contains(got[1], "more=5") {
		t.Errorf("logged %q, want one record at once and one a minute later", got)
	}
}

func TestAWorkerDoesNotBearTheLabelsOfWhoOffered(t *testing.T) {
	labelled, outside := make(chan bool), make(chan struct{})
	q := &offpath.Queue[int]{Do: func(context.Context, int) {
		<-outside
		var b bytes.Buffer
		pprof.Lookup("goroutine").WriteTo(&b, 1)
		labelled <- strings.Contains(b.String(), "a-request-of-the-test")
	}}
	pprof.Do(t.Context(), pprof.Labels("request", "a-request-of-the-test"), func(context.Context) { q.Offer(1) })
	close(outside)
	if <-labelled {
		t.Error("a goroutine has the label of the one that offered")
	}
	closed(t, q)
}
