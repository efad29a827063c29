package capture

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"runtime/trace"
	"sync"
	"time"
)

// defaultMaxTrace is what Options.MaxTrace is if it is zero.
const defaultMaxTrace = 64 << 20

// Options say what to record. The zero value is of use.
type Options struct {
	// Allocs also records what f allocates, exactly, on the goroutine that calls [Recording.Do]; what is
	// allocated on goroutines that f starts is not in it, nor what is so deep that the stack has more than
	// 128 frames, as the runtime keeps no more of them. Objects of less than 16 bytes without pointers,
	// which the runtime packs together, count as one for each 16 bytes.
	//
	// It sets runtime.MemProfileRate to 1 for the time of the recording, which slows every allocation in
	// the process down, and collects garbage twice before and after. The process's own heap profile is
	// wrong in the meantime, and overstates for good what was allocated in it: the runtime cannot take
	// that out again. So it is for when somebody asks.
	Allocs bool

	// MaxTrace is how many bytes of trace are enough; 0 means 64 MiB. At that size the tracer is stopped,
	// while f goes on. What comes in until it has stopped is kept as well, as without its end a trace could
	// not be read: a few hundred kilobytes, or far more in a process that has no CPU to spare. Of more than
	// 64 MiB, what belongs to the last whole second or so is kept. What the runtime holds back meanwhile it
	// keeps for itself, without a limit.
	MaxTrace int64

	// For says to those that wait what the recording is of: "GET /repo for alice". It is "a recording" if
	// it is empty.
	For string

	// Waiting, if it is not nil, is told who is before this recording, the one whose turn it is first, as
	// long as there is somebody: when the wait begins, and when that has changed. It is called on the
	// goroutine that calls [Start].
	Waiting func(before []string)
}

// Validate says which field is wrong, and what is accepted.
func (o Options) Validate() error {
	if o.MaxTrace < 0 {
		return fmt.Errorf("capture: MaxTrace is %d; it is a number of bytes, or 0 for 64 MiB", o.MaxTrace)
	}
	return nil
}

func (o Options) maxTrace() int64 {
	if o.MaxTrace == 0 {
		return defaultMaxTrace
	}
	return o.MaxTrace
}

func (o Options) who() string {
	if o.For == "" {
		return "a recording"
	}
	return o.For
}

// A Recording is one that has begun, by [Start]; the zero value is of no use. It holds the process's tracer
// until Stop is called. Its methods may be called from several goroutines.
type Recording struct {
	region string
	turn   *ticket
	tape   *tape
	allocs *allocs // nil if they are not recorded

	mu      sync.Mutex
	began   time.Time // zero before the first Do
	stopped bool

	once    sync.Once
	capture *Capture
}

// Start waits for its turn and begins a recording. It gives up when the context ends, with an error that
// matches the context's and its cause. If something that does not go through this package holds the tracer,
// it gives that 10 seconds, and then up with a [*HeldError]. Within Do of a recording that goes on it is an
// error at once, if it is called on the same goroutine, as it would wait for itself.
//
// After Start without an error, Stop must be called, or nobody else has a turn any more.
func Start(ctx context.Context, o Options) (*Recording, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if theRunning.inside() {
		return nil, errInside
	}
	turn, err := tracerLine.wait(ctx, func(time.Time) string { return o.who() }, o.Waiting)
	if err != nil {
		return nil, err
	}
	r := &Recording{region: newRegion(), turn: turn}
	if err := r.start(ctx, o); err != nil {
		return nil, err
	}
	return r, nil
}

// start begins to record, and leaves the line if that fails, or Waiting panics.
func (r *Recording) start(ctx context.Context, o Options) (err error) {
	started := false
	defer func() {
		if !started {
			r.turn.leave()
		}
	}()
	if o.Allocs {
		if r.allocs, err = newAllocs(); err != nil {
			return err
		}
	}
	if r.tape, err = startTracer(ctx, o.maxTrace(), patience, o.Waiting); err != nil {
		return err
	}
	theProfiler.ride()
	if r.allocs != nil {
		r.allocs.start()
		r.allocs.others = theRunning.any()
	}
	started = true
	return nil
}

// newRegion is a name that nobody else in the program uses, or can guess.
func newRegion() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return "heeler " + hex.EncodeToString(b[:])
}

// Do calls f and records it. It may be called again, to record f several times. If f panics or ends its
// goroutine, that goes on as it was, with its stack, and the recording is as good as otherwise. After Stop,
// Do only calls f. It may be called from several goroutines at once; each time is a run of its own.
func (r *Recording) Do(f func()) {
	one := runner{goroutine(), r}
	theRunning.begin(one) // before the look at whether it is stopped, so that the next recording knows
	if !r.begin() {
		theRunning.end(one)
		f()
		return
	}
	defer theRunning.end(one)
	run(r.region, f)
}

func (r *Recording) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.began.IsZero() && !r.stopped {
		r.began = time.Now()
	}
	return !r.stopped
}

func (r *Recording) isStopped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped
}

// run is the marker by which f's allocations are known, so it must have a frame of its own on the stack,
// which f is called from directly.
//
//go:noinline
func run(region string, f func()) {
	defer trace.StartRegion(context.Background(), region).End()
	f()
}

// Stop ends the recording, puts everything back as it was, gives the next one its turn, and returns what
// was recorded. If it is called again it returns the same. It may be deferred: it does not mind a panic. It
// ends a recording from another goroutine too, but f must not be in the middle of it if Allocs are to be
// exact; those of later recordings have a problem until it ends.
func (r *Recording) Stop() *Capture {
	r.once.Do(r.stop)
	return r.capture
}

func (r *Recording) stop() {
	defer r.turn.leave()
	r.mu.Lock()
	r.stopped = true
	c := &Capture{Region: r.region, Began: r.began}
	r.mu.Unlock()
	r.capture = c
	if r.allocs != nil {
		c.note(r.allocs.stop())
	}
	c.note(r.tape.stop())
	c.note(theProfiler.leave())
	c.Trace = r.tape.bytes()
	if r.allocs != nil {
		if r.allocs.others {
			c.note(othersProblem)
		}
		var err error
		if c.Allocs, err = r.allocs.profile(); err != nil {
			c.note("The allocations are missing: " + err.Error() + ".")
		}
	}
}
