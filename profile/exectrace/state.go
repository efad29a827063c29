package exectrace

import (
	"fmt"
	"strings"

	"golang.org/x/exp/trace"
)

// A State is what a goroutine does, or waits for.
type State uint8

const (
	Running  State = iota // on a processor
	Assist                // on a processor, but helping the garbage collector, which has a claim on who allocates
	Runnable              // could run, if the scheduler gave it a processor
	Network               // waits for a connection: internal/poll, with deadlines and all
	Lock                  // waits for a sync.Mutex, RWMutex, WaitGroup, Cond or the like
	Channel               // sends to or receives from a channel
	Select                // waits in a select
	Sleep                 // sleeps
	Syscall               // is in a system call, or in C
	GC                    // waits for the garbage collector, or to stop the world
	Waiting               // waits for something else, such as a nil channel or a coroutine of iter.Pull
	numStates
)

var stateNames = [numStates]string{"running", "assist", "runnable", "network", "lock", "channel", "select", "sleep", "syscall", "gc", "other"}

// String is the name of the state, and of the profile's sample type that counts it.
func (s State) String() string {
	if s >= numStates {
		return fmt.Sprintf("State(%d)", uint8(s))
	}
	return stateNames[s]
}

// States are all of them, in order.
func States() []State {
	all := make([]State, numStates)
	for i := range all {
		all[i] = State(i)
	}
	return all
}

// stateOf is the state of a goroutine that the trace says is in the given one, for the given reason: those
// of traceBlockReasonStrings in runtime/traceruntime.go. stack is where it is, nil if that is not known.
func stateOf(s trace.GoState, reason string, stack *Stack) State {
	switch s {
	case trace.GoRunning:
		return Running
	case trace.GoRunnable:
		return Runnable
	case trace.GoSyscall:
		return Syscall
	}
	switch {
	case reason == "network":
		return Network
	case reason == "preempted": // and held, for the garbage collector to look at its stack
		return GC
	case reason == "sync" && stack != nil && strings.HasPrefix(stack.Frames[0].Func, "runtime."):
		return GC // of the semaphores that the runtime has for itself
	case reason == "sync", reason == "sync.(*Cond).Wait":
		return Lock
	case strings.HasPrefix(reason, "chan "):
		return Channel
	case reason == "select":
		return Select
	case reason == "sleep":
		return Sleep
	case strings.Contains(reason, "GC"):
		return GC
	}
	return Waiting
}

// waits says whether a goroutine in this state waits for something that is not the scheduler's or the
// kernel's affair, so that another goroutine may be what it waits for.
func (s State) waits() bool {
	switch s {
	case Network, Lock, Channel, Select, Waiting:
		return true
	}
	return false
}

// goes says whether a goroutine in this state goes on with what it does, on a processor or as soon as it has one.
func (s State) goes() bool { return s == Running || s == Assist || s == Runnable }
