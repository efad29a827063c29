package timebox_test

import (
	"bytes"
	"context"
	"errors"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/timebox"
)

// lingerHere is to be found on stacks.
func lingerHere(end <-chan struct{}) { <-end }

// stackOf gives the functions of an exceeded block's stack. It tries for a
// while, because a stack is left out when it would cost too much, and waits
// for the budget of all that was taken before.
func stackOf(t *testing.T, ctx context.Context, f func(ctx context.Context, end <-chan struct{})) (functions []string) {
	t.Helper()
	end := make(chan struct{})
	defer close(end)
	eventually(t, "a stack", func() bool {
		time.Sleep(stacks.Wait())
		err := timebox.Run(ctx, time.Second, func(ctx context.Context) error {
			f(ctx, end)
			return nil
		})
		var over *timebox.Error
		if !errors.As(err, &over) {
			t.Fatal(err)
		}
		for _, frame := range over.Stack {
			functions = append(functions, frame.Function)
			if frame.File == "" || frame.Line == 0 {
				t.Errorf("%+v lacks its place", frame)
			}
		}
		return len(functions) > 0
	})
	return functions
}

func TestTheErrorShowsWhereTheBlockWas(t *testing.T) {
	start := func(ctx context.Context, end <-chan struct{}) {
		go lingerElsewhere(end) // whose stack is not the block's
		lingerHere(end)
	}
	for name, f := range map[string]func(ctx context.Context, end <-chan struct{}){
		"as it is": start,
		"under labels of its own": func(ctx context.Context, end <-chan struct{}) {
			pprof.Do(ctx, pprof.Labels("tenant", "acme"), func(ctx context.Context) { start(ctx, end) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := stackOf(t, t.Context(), f)
			text := strings.Join(got, "\n")
			if !strings.Contains(text, "timebox_test.lingerHere") || strings.Contains(text, "lingerElsewhere") {
				t.Errorf("the stack is not the block's:\n%s", text)
			}
			if strings.Contains(text, "timebox.(*block)") {
				t.Errorf("the box's own frame is of no use to anybody:\n%s", text)
			}
			here := slices.IndexFunc(got, func(f string) bool { return strings.HasSuffix(f, "lingerHere") })
			caller := slices.IndexFunc(got, func(f string) bool { return strings.Contains(f, "stackOf") })
			if caller < here {
				t.Errorf("the innermost call does not come first:\n%s", text)
			}
		})
	}
}

func lingerElsewhere(end <-chan struct{}) { <-end }

func TestABlockBearsTheLabelsOfItsCaller(t *testing.T) {
	labels := pprof.Labels("tenant", "acme", stacks.Label, "request")
	pprof.Do(t.Context(), labels, func(ctx context.Context) {
		timebox.Run(ctx, patience, func(ctx context.Context) error {
			if got, _ := pprof.Label(ctx, "tenant"); got != "acme" {
				t.Errorf("the context's label is %q", got)
			}
			snapshot, err := stacks.Sweep()
			if err != nil {
				t.Fatal(err)
			}
			var under []string
			for label, goroutines := range snapshot {
				if strings.HasPrefix(label, "request/") && strings.Contains(goroutines[0].Frames[len(goroutines[0].Frames)-1].Func, "timebox.(*block)") {
					under = append(under, label)
				}
			}
			if len(under) != 1 {
				t.Errorf("the block's labels are %q, want one under its request's", under)
			}
			profile := new(bytes.Buffer)
			pprof.Lookup("goroutine").WriteTo(profile, 1)
			if !strings.Contains(profile.String(), `"tenant":"acme"`) {
				t.Error("the block's goroutine has lost its caller's label")
			}
			return nil
		})
	})
}

func TestABlockInABlockBearsALabelUnderIts(t *testing.T) {
	var outer, inner string
	timebox.Run(t.Context(), patience, func(ctx context.Context) error {
		outer, _ = pprof.Label(ctx, stacks.Label)
		return timebox.Run(ctx, patience, func(ctx context.Context) error {
			inner, _ = pprof.Label(ctx, stacks.Label)
			return nil
		})
	})
	if outer == "" || !strings.HasPrefix(inner, outer+"/") {
		t.Errorf("labels %q and %q", outer, inner)
	}
}
