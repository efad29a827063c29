package timebox

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// ErrExceeded is what every error about a limit that was reached matches:
//
//	if errors.Is(err, timebox.ErrExceeded) { … }
var ErrExceeded = errors.New("timebox: over the limit")

// An Error says which box was exceeded. It is what [Box.Run] returns, and the
// [context.Cause] of the context that the box gave to its code.
//
// It matches [ErrExceeded], [context.DeadlineExceeded] and the Err of its box
// under [errors.Is], and is a timeout for whoever asks by a Timeout method, as
// package net does.
type Error struct {
	// Name is the box's, or else what ran in it: "GET /repo", a function's name.
	Name string
	// Limit is how long it had.
	Limit time.Duration
	// Elapsed is how long it had taken when it was given up, at least Limit
	// unless a shared quota ran out or was spent before the start.
	Elapsed time.Duration
	// Stack is where the code was, the innermost call first. It is empty in a
	// context's cause, for code that had ended by then, and when taking it
	// would have cost too much: captures are held to about 1 % of one core
	// over time, and to a tenth of the limit each.
	Stack []runtime.Frame

	err error // the box's Err
}

// Error is one line: timebox: over the limit of 2s (GET /repo).
func (e *Error) Error() string {
	return fmt.Sprintf("timebox: over the limit of %v (%s)", e.Limit, e.Name)
}

// Unwrap gives the box's Err; nil if it has none.
func (e *Error) Unwrap() error { return e.err }

// Is matches ErrExceeded and context.DeadlineExceeded.
func (e *Error) Is(target error) bool {
	return target == ErrExceeded || target == context.DeadlineExceeded
}

// Timeout is true: see net.Error.
func (e *Error) Timeout() bool { return true }

// Temporary is true, as it is for context.DeadlineExceeded.
func (e *Error) Temporary() bool { return true }
