package timebox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

func TestWhatABlockReturnsWithinItsGraceStands(t *testing.T) {
	for name, c := range map[string]struct {
		returns func(ctx context.Context) error
		want    error
	}{
		"success":                    {func(context.Context) error { return nil }, nil},
		"an error of its own":        {func(context.Context) error { return io.EOF }, io.EOF},
		"its context's error":        {func(ctx context.Context) error { return ctx.Err() }, timebox.ErrExceeded},
		"its context's error, told":  {func(ctx context.Context) error { return fmt.Errorf("query: %w", ctx.Err()) }, timebox.ErrExceeded},
		"its context's cause":        {context.Cause, timebox.ErrExceeded},
		"what came of a cancelation": {func(context.Context) error { return context.Canceled }, timebox.ErrExceeded},
	} {
		t.Run(name, bubbled(func(t *testing.T) {
			start := time.Now()
			box := &timebox.Box{Limit: time.Second, Grace: time.Minute}
			err := box.Run(t.Context(), func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second)
				return c.returns(ctx)
			})
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("%v, want %v", err, c.want)
			}
			after(t, start, 2*time.Second)
			if got, want := box.Stats(), (timebox.Stats{Started: 1, Exceeded: 1}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}))
	}
}

func TestABlockThatOutlastsItsGraceIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		box := &timebox.Box{Limit: time.Second, Grace: time.Minute}
		var over *timebox.Error
		if err := box.Run(t.Context(), hour); !errors.As(err, &over) || over.Elapsed != time.Second+time.Minute {
			t.Errorf("%+v", err)
		}
		after(t, start, time.Second+time.Minute)
	})
}

func TestACallersContextEndsTheGrace(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		err := (&timebox.Box{Limit: time.Second, Grace: time.Minute}).Run(ctx, hour)
		if !errors.Is(err, timebox.ErrExceeded) {
			t.Errorf("%v, want %v, which came first", err, timebox.ErrExceeded)
		}
		after(t, start, 2*time.Second)
	})
}

func TestTheGraceIsForABlockWhoseCallerHasLeftToo(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := (&timebox.Box{Limit: time.Minute, Grace: 10 * time.Second}).Run(ctx, func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(2 * time.Second) // roll back
			return io.ErrUnexpectedEOF
		})
		if err != io.ErrUnexpectedEOF {
			t.Errorf("%v, want %v", err, io.ErrUnexpectedEOF)
		}
		after(t, start, 3*time.Second)
	})
}
