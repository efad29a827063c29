package journal

import (
	"cmp"
	"context"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/heeler-go/heeler/offpath"
)

// deliver hands a record to Handle until it is acknowledged. It returns false when ctx ended before.
func (r *run) deliver(ctx context.Context, record Record) bool {
	for times := 1; ctx.Err() == nil; times++ {
		err := r.f.call(ctx, record)
		if err == nil {
			r.at = record.Cursor
			r.keeper.note(record.Cursor)
			return true
		}
		if ctx.Err() != nil {
			return false // what it returned is most likely only that
		}
		d := pause(times-1, r.f.retry())
		r.report(&HandleError{Record: record, Err: err, Times: times, Pause: d})
		sleep(ctx, d)
	}
	return false
}

// call calls Handle, on a goroutine that it may end.
func (f *Follower) call(ctx context.Context, record Record) error {
	result := make(chan error, 1)
	go f.handle(ctx, record, result)
	return <-result
}

func (f *Follower) handle(ctx context.Context, record Record, result chan<- error) {
	returned := false
	var err error
	defer func() {
		if !returned {
			err = &offpath.PanicError{Value: recover(), Stack: debug.Stack()}
		}
		result <- err
	}()
	err = f.Handle(ctx, record)
	returned = true
}

// pause is how long to wait after so many failures in a row before the one that was just now: twice as
// long as the last time, at most limit, less up to half of it at random, so that those who fail
// together do not try together.
func pause(failures int, limit time.Duration) time.Duration {
	d := min(firstRetry<<min(failures, 20), limit)
	return d - rand.N(d/2+1)
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (f *Follower) retry() time.Duration { return cmp.Or(f.Retry, defaultRetry) }

func (f *Follower) maxBytes() int { return cmp.Or(f.MaxBytes, defaultMaxBytes) }
