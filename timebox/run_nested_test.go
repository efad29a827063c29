package timebox_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

// exceeded checks which box an error names.
func exceeded(t *testing.T, err error, name string) {
	t.Helper()
	var over *timebox.Error
	if !errors.As(err, &over) || over.Name != name {
		t.Errorf("%v, want the %s box to be exceeded", err, name)
	}
}

// box is one that is called by its name.
func box(name string, limit time.Duration) *timebox.Box {
	return &timebox.Box{Name: name, Limit: limit}
}

// These are the rules of interruptingcow for boxes in boxes.

func TestAShorterInnerBoxIsExceededAndTheOuterGoesOnWithWhatIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		err := box("outer", 3*time.Second).Run(t.Context(), func(ctx context.Context) error {
			exceeded(t, box("inner", time.Second).Run(ctx, hour), "inner")
			after(t, start, time.Second)
			if ctx.Err() != nil {
				t.Error("the outer context has ended with the inner")
			}
			return hour(ctx)
		})
		exceeded(t, err, "outer")
		after(t, start, 3*time.Second)
	})
}

func TestAnInnerBoxThatEndsInTimeChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		err := box("outer", 3*time.Second).Run(t.Context(), func(ctx context.Context) error {
			for range 2 {
				if err := box("inner", 2*time.Second).Run(ctx, func(context.Context) error {
					time.Sleep(time.Second)
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
			return hour(ctx)
		})
		exceeded(t, err, "outer")
		after(t, start, 3*time.Second)
	})
}

func TestALongerOrEqualInnerBoxLeavesItToTheOuter(t *testing.T) {
	for name, limit := range map[string]time.Duration{"longer": time.Minute, "equal": 3 * time.Second} {
		t.Run(name, bubbled(func(t *testing.T) {
			for range 20 { // two timers for one moment would fire in any order
				start := time.Now()
				inner := make(chan error, 1)
				err := box("outer", 3*time.Second).Run(t.Context(), func(ctx context.Context) error {
					err := box("inner", limit).Run(ctx, hour)
					inner <- err
					return err
				})
				exceeded(t, err, "outer")
				exceeded(t, <-inner, "outer")
				after(t, start, 3*time.Second)
			}
		}))
	}
}

func TestALimitThatIsLongerThanWhatIsLeftIsNone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		inner := make(chan error, 1)
		box("outer", 3*time.Second).Run(t.Context(), func(ctx context.Context) error {
			time.Sleep(2 * time.Second)
			inner <- box("inner", 2*time.Second).Run(ctx, hour) // is shorter than outer's, but not than its rest
			return nil
		})
		exceeded(t, <-inner, "outer")
		after(t, start, 3*time.Second)
	})
}

func TestWhenBothHaveRunOutTheOuterIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		inner := make(chan error, 1)
		innerBox := &timebox.Box{Name: "inner", Limit: time.Second, Grace: time.Minute}
		err := box("outer", 3*time.Second).Run(t.Context(), func(ctx context.Context) error {
			err := innerBox.Run(ctx, hour) // is in its grace when the outer ends
			inner <- err
			return err
		})
		exceeded(t, err, "outer")
		exceeded(t, <-inner, "outer")
		after(t, start, 3*time.Second)
		if got, want := innerBox.Stats(), (timebox.Stats{Started: 1, Exceeded: 1, Overrunning: 1}); got != want {
			t.Errorf("inner: %+v, want %+v", got, want)
		}
	})
}

func TestTheOutermostOfThreeIsReported(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		innermost := make(chan error, 1)
		err := box("outer", time.Second).Run(t.Context(), func(ctx context.Context) error {
			return box("middle", 2*time.Second).Run(ctx, func(ctx context.Context) error {
				err := box("inner", 3*time.Second).Run(ctx, hour)
				innermost <- err
				return err
			})
		})
		exceeded(t, err, "outer")
		exceeded(t, <-innermost, "outer")
	})
}

// The original forgot what was left when a function called itself.
func TestARecursionDoesNotRenewTheLimit(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		b := box("recursion", 3*time.Second)
		var again func(ctx context.Context) error
		again = func(ctx context.Context) error {
			time.Sleep(time.Second)
			return b.Run(ctx, again)
		}
		exceeded(t, b.Run(t.Context(), again), "recursion")
		after(t, start, 3*time.Second)
	})
}

func TestEachCallHasAFreshLimit(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		b := box("again", 3*time.Second)
		for range 5 {
			if err := b.Run(t.Context(), func(context.Context) error {
				time.Sleep(2 * time.Second)
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
	})
}
