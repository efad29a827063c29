// Package stacks takes the goroutine stacks of chosen requests without stopping the world.
//
// A guard runs a request's handler under a pprof label; goroutines started by it inherit the label:
//
//	pprof.Do(ctx, pprof.Labels(stacks.Label, id), handle)
//
// Later, one sweep serves whoever wants stacks at that moment:
//
//	if stacks.Wait() == 0 {
//		snap, err := stacks.Sweep()
//		for _, g := range snap[id] { … }
//	}
//
// The source is the goroutine profile in its compressed form (debug=0). It holds all goroutines for
// less than a millisecond whatever their number, where runtime.Stack and debug=2 hold them for the
// whole dump: more than a second at 100,000 goroutines. But it costs its caller about 14 µs of
// computing per goroutine of the process, so sweeps are shared, and paid for from one budget: at most
// about 1 % of one core over time.
//
// Everything here is safe for concurrent use, inside and outside of testing/synctest bubbles.
package stacks

import "time"

// Label is the pprof label key under which a goroutine bears the ID of what it works for. Goroutines
// inherit the label of the one that starts them and keep it after the request has ended, so an ID must
// never be used twice.
const Label = "heeler"

// A Frame is one call on a stack. Inlined calls have frames of their own.
type Frame struct {
	Func string // with its package path: github.com/acme/shop/cart.(*Store).Save
	File string // as the compiler recorded it: absolute, or module@version/… after -trimpath
	Line int
}

// A Goroutine is one goroutine, or several that stand at the same place.
type Goroutine struct {
	// Count is how many goroutines stand there, at least 1.
	Count int
	// State says in plain words what they do: "running", "waiting for the network", "in a select".
	State string
	// Pool names a known background goroutine, such as "net/http client connection", that serves
	// whoever needs it and only bears the label of whoever started it. It is empty for all others.
	Pool string
	// Frames are the calls, the innermost first, without the runtime's own at the top: for a
	// goroutine that waits, the first frame is the call that waits. There is at least one: a goroutine
	// that has not begun to run is left out.
	Frames []Frame
}

// A Snapshot maps a label value to the goroutines that bore it. Callers may share it, so nobody may
// change it.
type Snapshot map[string][]Goroutine

// process is the one sweeper of this process. It is package state because the goroutine profile is a
// resource of the whole process: two guards with a budget each would cost twice.
var process = sweeper{profile: goroutines, count: countGoroutines, now: time.Now}

// Sweep takes one goroutine profile for everybody who asks at the same time: callers that arrive while
// one is being taken share the next. It charges its cost to the budget, and goes ahead even if that is
// spent: whoever can wait asks [Wait] first. An error means that the runtime's profile could not be
// read.
func Sweep() (Snapshot, error) { return process.Sweep() }

// Charge puts what was done with a snapshot on the budget, too: reports of thousands of requests cost
// more than the profile that they are made from.
func Charge(cost time.Duration) { process.charge(cost) }

// Wait says how long it takes until the budget allows another sweep. Zero means now.
func Wait() time.Duration { return process.Wait() }

// Within is [Sweep] for a caller in a hurry. It takes nothing and answers false if the budget is spent,
// or if the sweep is expected to take longer than limit, judging by the last one's cost and the number
// of goroutines now.
func Within(limit time.Duration) (Snapshot, bool) { return process.Within(limit) }
