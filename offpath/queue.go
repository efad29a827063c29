package offpath

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/heeler-go/heeler/internal/quiet"
)

// A Queue does work on values elsewhere than where they come up, in the order in which they came, and
// holds up nobody who offers one. It is bounded: what does not fit is refused, and counted.
//
// It needs no start. Goroutines exist only while there is work: an idle queue owns none. Set the fields
// before the first use and leave them alone afterwards; a Queue must not be copied. All methods may be
// called from several goroutines, also from within Do.
type Queue[T any] struct {
	// Do does the work on one value, on a goroutine of the queue's. Its context has no deadline; it ends
	// when the context given to Close does, so that work which heeds it can stop in time, and when Do has
	// returned, as that of a request does.
	//
	// Nil means that the values are the work: then T must be [Func].
	Do func(ctx context.Context, v T)
	// Size is how many values may wait, not counting those on which Do is at work. Zero means 256.
	Size int
	// Workers is how many Do may be at work at the same time. Zero means 1: one value after another.
	Workers int
	// OnPanic is told when Do has panicked on v or ended its goroutine ([runtime.Goexit]), by the worker,
	// which goes on with the next value when OnPanic returns; a panic in OnPanic itself is dropped. Nil
	// means an error record to [slog.Default] with the stack, at most one a minute.
	OnPanic func(v T, err *PanicError)

	// full lets a full queue refuse without the lock. dropped has a cache line to itself: several
	// goroutines that are refused then take a third to two thirds of the time.
	full    atomic.Bool
	_       [64]byte
	dropped atomic.Int64
	_       [64]byte

	mu      sync.Mutex // never held during a call to foreign code
	size    int        // Size, or what zero means; 0 before the first use
	most    int        // likewise Workers
	closed  bool
	waiting ring[T]
	held    map[*hold[T]]struct{}                       // wait too, for a context to end
	number  int64                                       // of the last that was held
	crew    int                                         // workers that exist
	running map[context.Context]context.CancelCauseFunc // what ends Do's contexts
	done    int64
	failed  int64
	left    int64
	drained chan struct{} // closed when all is done; nil unless a Close waits for that

	quiet quiet.Gate
}

const (
	defaultSize    = 256
	defaultWorkers = 1
)

// Offer hands v to the queue and returns at once. It says whether the queue took it: it refuses what
// does not fit, and everything once Close has been called. It panics with Validate's error if the
// fields cannot be used.
func (q *Queue[T]) Offer(v T) bool {
	if !q.enter() {
		return false
	}
	q.waiting.push(v)
	q.staff()
	q.mu.Unlock()
	return true
}

// enter takes the lock if there is room for one more, which the caller then fills, and counts one
// dropped if there is not.
func (q *Queue[T]) enter() bool {
	if q.full.Load() {
		q.dropped.Add(1)
		return false
	}
	q.mu.Lock()
	if q.size == 0 {
		if err := q.Validate(); err != nil {
			q.mu.Unlock()
			panic(err)
		}
		q.size, q.most = cmp.Or(q.Size, defaultSize), cmp.Or(q.Workers, defaultWorkers)
	}
	switch free := q.size - q.waiting.n - len(q.held); {
	case free == 0 || q.closed:
		q.mu.Unlock()
		q.dropped.Add(1)
		return false
	case free == 1:
		q.full.Store(true)
	}
	return true
}

// staff starts a worker if there may be one more. q.mu is held, and something waits.
func (q *Queue[T]) staff() {
	if q.crew < q.most {
		q.crew++
		go q.work()
	}
}

// Validate reports the first field that cannot be used.
func (q *Queue[T]) Validate() error {
	var v T
	_, isFunc := any(v).(Func)
	switch {
	case q.Do == nil && !isFunc:
		return fmt.Errorf("offpath: Queue.Do is nil; a function is needed, or values of type offpath.Func instead of %v", reflect.TypeFor[T]())
	case q.Size < 0:
		return fmt.Errorf("offpath: Queue.Size is %d; it must be positive, or 0 for %d", q.Size, defaultSize)
	case q.Workers < 0:
		return fmt.Errorf("offpath: Queue.Workers is %d; it must be positive, or 0 for %d", q.Workers, defaultWorkers)
	}
	return nil
}

// Stats says what has become of the values offered. At any moment
//
//	Offered = Done + Panicked + Dropped + Left + Waiting + Running
type Stats struct {
	Offered  int64 // handed to Offer or Go
	Done     int64 // Do has returned
	Panicked int64 // Do has panicked or ended its goroutine
	Dropped  int64 // refused: the queue was full, or closed
	Left     int64 // returned by Close
	Waiting  int64 // taken, and not begun
	Running  int64 // Do is at work
}

// Stats returns the counts at this moment.
func (q *Queue[T]) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := Stats{
		Done: q.done, Panicked: q.failed, Dropped: q.dropped.Load(), Left: q.left,
		Waiting: int64(q.waiting.n + len(q.held)), Running: int64(len(q.running)),
	}
	s.Offered = s.Done + s.Panicked + s.Dropped + s.Left + s.Waiting + s.Running
	return s
}
