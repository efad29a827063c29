// Package exectrace reads an execution trace of runtime/trace and says what one part of the program did
// in it, to the nanosecond: when it ran, when it could have run, what it waited for, where, and who ended
// the wait.
//
// The part is what one goroutine did inside a region, and all that the goroutines did which it started
// there, and those that they started:
//
//	trace.Start(&b)
//	trace.WithRegion(ctx, "f-4f1d", f) // a name that nothing else has
//	trace.Stop()
//	x, err := exectrace.Read(&b, "f-4f1d")
//	x.Profile().Write(file) // for go tool pprof
//
// Package capture does all that, and takes turns with others that want the tracer.
//
// Goroutines that were there before, such as those of connection pools, are not part of it, but the time
// spent waiting for them is.
package exectrace

import "time"

// An Execution is what became of a region. All its times count from the moment that the region was first
// entered. Its methods may be called from several goroutines, as long as nobody changes it.
type Execution struct {
	// Runs are the times that the region was entered, in order. There is at least one.
	Runs []Run
	// Goroutines are those that entered the region and those that these started, each after the one that
	// started it.
	Goroutines []*Goroutine
	// Calls are the calls to backends that the goroutines made, as breakers tell them, in order.
	Calls []Call
	// Pauses are what the garbage collector and others did to the whole program in the meantime, in order.
	Pauses []Pause
	// Samples are the CPU profiler's, in order; none if it did not run.
	Samples []Sample
	// Truncated says that the trace ended before the region did, or was too much to be read to its end.
	Truncated bool
}

// A Span is a time from and to, since the first run began.
type Span struct{ From, To time.Duration }

// Length is how long the span is.
func (s Span) Length() time.Duration { return s.To - s.From }

// A Run is one time that the region was entered.
type Run struct {
	Span
	Goroutine int64 // that entered it
}

// A Goroutine is one that belongs to the execution.
type Goroutine struct {
	Span          // from its creation, or that of the region, to its end, or that of the last run
	ID     int64  // the runtime's
	Parent int64  // who started it; 0 for one that entered the region
	Func   string // that it was started with
	By     *Stack // where it was started; nil for one that entered the region
	Ended  bool   // it did not outlive the execution

	// Intervals are what it did, in order and without a gap.
	Intervals []Interval
}

// An Interval is a time in which a goroutine was in one state, at one place.
type Interval struct {
	Span
	State State
	// Stack is where it was, without the function that began the region and its callers. Of a goroutine that
	// is running it is what the CPU profiler saw it run. If that saw nothing it is the calls that were on the
	// stack both when it began to run and when it stopped, which may have returned in between if they were
	// made again from the same place; the calls by which it waited are not among them. Nil if nothing is known.
	Stack *Stack
	// Waker is who ended the wait; nil if nobody is known to: a timer, the network, the kernel. It is a
	// goroutine of the runtime's if the wait was for the garbage collector.
	Waker *Waker
}

// A Waker is the goroutine that ended a wait.
type Waker struct {
	ID    int64
	Own   bool   // it belongs to the execution
	Stack *Stack // where it was when it did; nil if that is not known
}

// A Stack is a call stack, the innermost call first. Equal stacks of one execution are the same pointer.
type Stack struct{ Frames []Frame }

// A Frame is one call on a stack.
type Frame struct {
	PC   uint64 // of the call that it was making; of the innermost, where it was
	Func string // with its package path: github.com/acme/shop/cart.(*Store).Save
	File string // its path where the program was built
	Line int    // in the file, from 1
}

// A Call is one to a backend.
type Call struct {
	Span
	Goroutine int64  // that made it
	Backend   string // the breaker's name
	Statement string // without values; "" if there is none
	Ended     bool   // it did not outlast the execution
}

// A Pause is something that held the program, or took a part of its processors.
type Pause struct {
	Span
	What  string // as the runtime names it: "stop-the-world (GC mark termination)", "GC concurrent mark phase"
	World bool   // nothing else ran
}

// A Sample is one of the CPU profiler.
type Sample struct {
	At        time.Duration // since the first run began
	Goroutine int64         // that ran
	Stack     *Stack        // where; nil if that is not known
}
