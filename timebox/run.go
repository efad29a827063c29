package timebox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/stacks"
)

// Run runs f in a box of its own with the given limit; see [Box.Run]. A limit
// of zero or less is an error before f starts.
func Run(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	if limit <= 0 {
		return fmt.Errorf("timebox: Run with a limit of %v; it must be positive", limit)
	}
	return (&Box{Limit: limit}).run(ctx, f, f)
}

// Do is Run for a function with a result. After an error the result is the
// zero value.
func Do[T any](ctx context.Context, limit time.Duration, f func(context.Context) (T, error)) (T, error) {
	var result T
	if limit <= 0 {
		return result, fmt.Errorf("timebox: Do with a limit of %v; it must be positive", limit)
	}
	err := (&Box{Limit: limit}).run(ctx, func(ctx context.Context) (err error) {
		result, err = f(ctx)
		return err
	}, f)
	if err != nil {
		var zero T // f may be writing to result still
		return zero, err
	}
	return result, nil
}

// Run runs f in the box and returns what f does, or an [*Error] at the limit,
// whether f looks at its context or not. Its context ends at the limit with
// that error as its cause.
//
// At the limit f may take Grace to end by itself: if it then returns nil, or an
// error of its own, that stands; if what it returns comes from its context's
// end, the *Error is returned. Run also returns when ctx ends: with the
// *Error of the box around this one if that was exceeded, otherwise with the
// [context.Cause].
//
// f runs on a goroutine of its own, with the profiler labels of the caller. It
// cannot be killed: if it goes on after Run has returned it is listed in
// [Overruns] until it ends. It must not write to variables that the caller
// reads after an error; [Do] is the way to return a value.
//
// A panic in f is carried over as a [*Panic], and Goexit, so t.FailNow, is too.
// A panic after Run has returned is logged by [slog.Default] and counted.
//
// A spent Quota, and a fault that Validate finds, are errors before f starts.
func (b *Box) Run(ctx context.Context, f func(context.Context) error) error {
	if err := b.Validate(); err != nil {
		return err
	}
	return b.run(ctx, f, f)
}

// run runs f, which is called after the function named.
func (b *Box) run(ctx context.Context, f func(context.Context) error, named any) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	limit := b.enter() // before the start, lest a bit of the quota be left at the limit
	defer b.leave()
	blk := &block{box: b, name: b.Name, start: deadline.Now(), label: labelInside(ctx), done: make(chan struct{})}
	if blk.name == "" {
		blk.name = functionName(named)
	}
	cause := &Error{Name: blk.name, Limit: limit, Elapsed: limit, err: b.Err}
	if limit <= 0 {
		cause.Limit = b.Quota.total
		b.count.exceeded.Add(1)
		return cause
	}
	inside, cancel := within(ctx, deadline.At(blk.start+limit), cause)
	defer cancel()
	b.count.blocks.Add(1)
	defer b.count.blocksEnded.Add(1)
	go blk.run(inside, f)
	blk.wait(ctx, inside)
	if inside.Err() != nil {
		err := b.because(ctx, inside, cause, blk)
		if !blk.hasEnded() && blk.giveUp() {
			return err
		}
		blk.end.carryOn()
		if errors.Is(blk.end.err, context.DeadlineExceeded) || errors.Is(blk.end.err, context.Canceled) {
			return err
		}
	}
	blk.end.carryOn()
	return blk.end.err
}

// within is ctx until the given time. A deadline of ctx's own that is no later
// is the one that counts, unless it is a request's: that is taken off if the
// request turns into a stream.
func within(ctx context.Context, at time.Time, cause error) (context.Context, context.CancelFunc) {
	if outer, ok := ctx.Deadline(); !ok || at.Before(outer) {
		return context.WithDeadlineCause(ctx, at, cause)
	}
	if boxAround(ctx) == nil {
		return context.WithCancel(ctx)
	}
	inside, cancel := context.WithCancelCause(ctx)
	own := time.AfterFunc(time.Until(at), func() { cancel(cause) })
	return inside, func() { own.Stop(); cancel(nil) }
}

// because is why the block's context ended: a box around this one, if that has
// been exceeded by now, or else this one, as an Error with the block's stack;
// or whatever else ended it.
func (b *Box) because(ctx, inside context.Context, own *Error, blk *block) error {
	cause := context.Cause(inside)
	if cause == error(own) {
		b.count.exceeded.Add(1)
	}
	var box *Error
	if !errors.As(context.Cause(ctx), &box) && !errors.As(cause, &box) {
		return cause
	}
	e := *box
	if box == own {
		e.Elapsed = deadline.Now() - blk.start
	}
	if !blk.hasEnded() {
		e.Stack = blk.stack(e.Limit)
	}
	return &e
}

// A block is code that runs in a box on a goroutine of its own.
type block struct {
	box   *Box
	name  string
	start time.Duration
	label string        // by which its goroutines are found
	done  chan struct{} // closed when it has ended

	end ending // read after done

	mu      sync.Mutex
	overrun *overrun // since Run has returned without it
}

// run is the goroutine of a block.
func (blk *block) run(ctx context.Context, f func(context.Context) error) {
	defer func() {
		if !blk.end.returned {
			blk.end.caught(recover())
		}
		blk.finish()
	}()
	ctx = pprof.WithLabels(ctx, pprof.Labels(stacks.Label, blk.label))
	pprof.SetGoroutineLabels(ctx)
	blk.end.err = f(ctx)
	blk.end.returned = true
}

// wait waits until the block ends, or its context does and the grace is over.
// It does not wait longer than ctx, which is outside the box.
func (blk *block) wait(ctx, inside context.Context) {
	select {
	case <-blk.done:
		return
	case <-inside.Done():
	}
	if blk.box.Grace <= 0 {
		return
	}
	outside := ctx.Done()
	if ctx.Err() != nil {
		outside = nil // that is the end which the grace is for
	}
	grace := time.NewTimer(blk.box.Grace)
	defer grace.Stop()
	select {
	case <-blk.done:
	case <-grace.C:
	case <-outside:
	}
}

func (blk *block) hasEnded() bool {
	select {
	case <-blk.done:
		return true
	default:
		return false
	}
}

// giveUp puts the block among the overruns, unless it has ended.
func (blk *block) giveUp() bool {
	blk.mu.Lock()
	defer blk.mu.Unlock()
	if blk.hasEnded() {
		return false
	}
	blk.overrun = newOverrun(blk.name, blk.start, &blk.box.count.overrunning)
	return true
}

// finish is called when the block has ended, however it did.
func (blk *block) finish() {
	blk.mu.Lock()
	close(blk.done)
	o := blk.overrun
	blk.mu.Unlock()
	if o == nil {
		return
	}
	o.end()
	if blk.end.panic != nil && blk.end.panic != http.ErrAbortHandler {
		blk.box.count.panicked.Add(1)
		slog.Error("timebox: panic after the limit", "box", o.name, "panic", blk.end.panic, "stack", string(blk.end.stack))
	}
}

// stack is where the block's own goroutine is, if it can be had cheaply. The
// block must be running.
func (blk *block) stack(limit time.Duration) []runtime.Frame {
	snapshot, ok := stacks.Within(min(limit/10, 250*time.Millisecond))
	if !ok {
		return nil
	}
	for _, g := range snapshot[blk.label] {
		if n := len(g.Frames); n > 0 && g.Frames[n-1].Func == blockFrame {
			frames := make([]runtime.Frame, n-1)
			for i, f := range g.Frames[:n-1] {
				frames[i] = runtime.Frame{Function: f.Func, File: f.File, Line: f.Line}
			}
			return frames
		}
	}
	return nil
}

// blockFrame is the outermost call of a block's own goroutine; those that it
// starts have another.
const blockFrame = "github.com/heeler-go/heeler/timebox.(*block).run"

var blocks atomic.Uint64 // numbers the blocks of the process, for their labels

// labelInside is a label under the one of ctx, so that a report on the request
// finds the block, and the block itself.
func labelInside(ctx context.Context) string {
	outer, _ := pprof.Label(ctx, stacks.Label)
	return outer + "/" + strconv.FormatUint(blocks.Add(1), 10)
}

func functionName(f any) string {
	return runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
}
