package timebox

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
)

// A Panic carries a panic from the goroutine where it happened to the one that
// waits for it: out of [Box.Run], and out of an HTTP/2 handler. Its text shows
// the original stack. A panic with [http.ErrAbortHandler] is carried as it is.
type Panic struct {
	Value any    // what was given to panic
	Stack []byte // of the goroutine that panicked, as debug.Stack gives it
}

func (p *Panic) Error() string {
	return fmt.Sprintf("%v\n\nthe goroutine that panicked:\n%s", p.Value, p.Stack)
}

// Unwrap gives the value if it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// An ending is how code on another goroutine ended: it returned, panicked, or
// neither, which is Goexit.
type ending struct {
	returned bool
	err      error // that Run's function returned
	panic    any
	stack    []byte
}

// caught takes what recover gave, in the function that was deferred.
func (e *ending) caught(value any) {
	if value != nil {
		e.panic, e.stack = value, debug.Stack()
	}
}

// carryOn ends the waiting goroutine as the other one did, unless it returned.
func (e *ending) carryOn() {
	_, carried := e.panic.(*Panic) // by a box inside
	switch {
	case carried || e.panic == http.ErrAbortHandler:
		panic(e.panic)
	case e.panic != nil:
		panic(&Panic{Value: e.panic, Stack: e.stack})
	case !e.returned:
		runtime.Goexit()
	}
}
