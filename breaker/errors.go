package breaker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrOpen is what every *OpenError is, for [errors.Is].
var ErrOpen = errors.New("breaker: open")

// An OpenError says that the breaker let no call through.
type OpenError struct {
	Name string // the backend's
	// RetryAfter is after how long a call may go through: the time that the
	// breaker still refuses, or that a probe under way still has.
	RetryAfter time.Duration
}

// Error names the backend and says when to try again.
func (e *OpenError) Error() string {
	return fmt.Sprintf("breaker: %s is not available, try again in %v", e.Name, e.RetryAfter.Round(time.Millisecond))
}

// Is reports whether target is ErrOpen.
func (e *OpenError) Is(target error) bool { return target == ErrOpen }

// Refused is what backoff makes an answer of.
func (e *OpenError) Refused() (name string, left time.Duration) { return e.Name, e.RetryAfter }

// A TimeoutError says that a call took all its Timeout. It is the cause with
// which the call's context ends, and it is a context.DeadlineExceeded.
type TimeoutError struct {
	Name  string        // the backend's
	Limit time.Duration // the breaker's Timeout
	// RetryAfter is when to try again: as an OpenError's if the breaker has
	// tripped, else OpenFor.
	RetryAfter time.Duration

	of *call
}

// Error names the backend and its Timeout.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("breaker: no answer from %s within %v", e.Name, e.Limit)
}

// Is reports whether target is context.DeadlineExceeded, or
// os.ErrDeadlineExceeded, as clients expect of a connection's Read and Write.
func (e *TimeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded
}

// Timeout is true: it makes the error a net.Error's like.
func (e *TimeoutError) Timeout() bool { return true }

// Refused is what backoff makes an answer of.
func (e *TimeoutError) Refused() (name string, left time.Duration) { return e.Name, e.RetryAfter }
