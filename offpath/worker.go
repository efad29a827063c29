package offpath

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"runtime/pprof"
	"time"
)

// A PanicError says that the work on a value came to no end of its own: Do has panicked or called
// [runtime.Goexit].
type PanicError struct {
	Value any    // what it panicked with; nil if it ended its goroutine
	Stack []byte // where
}

func (e *PanicError) Error() string {
	if e.Value == nil {
		return "offpath: the work has ended its goroutine"
	}
	return fmt.Sprintf("offpath: the work panicked: %v", e.Value)
}

// Unwrap returns the Value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// quietFor is how long panics are not logged after one was.
const quietFor = time.Minute

// work does what waits and ends when nothing does.
func (q *Queue[T]) work() {
	// Its labels are those of whoever offered a value when there was no worker: a profile, or slowlog,
	// would take it for a part of that request.
	pprof.SetGoroutineLabels(context.Background())
	over := false
	defer func() {
		if !over { // Do has called runtime.Goexit: another takes the place
			go q.work()
		}
	}()
	for q.step() {
	}
	over = true
}

// step does the work on one value. It returns false when none waits: then the worker is none any more.
func (q *Queue[T]) step() bool {
	q.mu.Lock()
	if q.waiting.n == 0 {
		q.crew--
		q.settle()
		q.mu.Unlock()
		return false
	}
	ctx, end := context.WithCancelCause(context.Background())
	if q.running == nil {
		q.running = make(map[context.Context]context.CancelCauseFunc)
	}
	q.running[ctx] = end
	v := q.waiting.pop()
	q.full.Store(false)
	q.mu.Unlock()
	q.do(ctx, v)
	return true
}

// do works on v. Whatever Do does, v is accounted for, and what Go has taken for its context begins.
func (q *Queue[T]) do(ctx context.Context, v T) {
	returned := false
	defer func() { q.finish(ctx, returned) }()
	defer func() {
		if !returned {
			q.report(v, &PanicError{Value: recover(), Stack: debug.Stack()})
		}
	}()
	if q.Do != nil {
		q.Do(ctx, v)
	} else {
		any(v).(Func)(ctx) // by Validate
	}
	returned = true
}

func (q *Queue[T]) finish(ctx context.Context, returned bool) {
	q.mu.Lock()
	end := q.running[ctx]
	delete(q.running, ctx)
	if returned {
		q.done++
	} else {
		q.failed++
	}
	q.mu.Unlock()
	end(nil)
}

// report tells of a panic, at no risk to the worker.
func (q *Queue[T]) report(v T, err *PanicError) {
	defer func() { _ = recover() }()
	if q.OnPanic != nil {
		q.OnPanic(v, err)
		return
	}
	if more, ok := q.quiet.Ask(time.Now(), quietFor); ok {
		slog.LogAttrs(context.Background(), slog.LevelError, err.Error(),
			slog.String("stack", string(err.Stack)), slog.Int("more", more))
	}
}
