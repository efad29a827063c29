package offpath

import (
	"context"
	"fmt"
	"maps"
)

// Close takes no more values and waits until the work on those that it has is done. When ctx ends
// first it returns what has not been begun, the oldest first and what [Go] still holds back last, so
// that nothing is lost unseen; it ends the context of what is being done, and does not wait for it: work
// that ignores its context goes on.
// The error then says how many were left and how many are still being done, and wraps ctx's cause.
//
// What [Go] has taken for a request that goes on is waited for here too, with the request: so shut the
// server down first.
//
// Close may be called again, and from several goroutines: each call waits as the first does, and the
// first ctx to end ends the draining for all. What was left is returned to that caller only; the others
// have an error that says how many they were.
func (q *Queue[T]) Close(ctx context.Context) (left []T, err error) {
	q.mu.Lock()
	q.closed = true
	if q.drained == nil && !q.idle() {
		q.drained = make(chan struct{})
	}
	drained := q.drained
	q.mu.Unlock()

	if drained != nil {
		select {
		case <-drained:
		case <-ctx.Done():
			return q.abandon(context.Cause(ctx))
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return nil, q.verdict(nil)
}

// idle says whether nothing waits and no worker exists. q.mu is held.
func (q *Queue[T]) idle() bool { return q.crew == 0 && len(q.held) == 0 }

// settle tells closers that all is done, once it is. q.mu is held.
func (q *Queue[T]) settle() {
	if q.drained != nil && q.idle() {
		close(q.drained)
		q.drained = nil
	}
}

// abandon gives up what has not been begun.
func (q *Queue[T]) abandon(cause error) (left []T, err error) {
	q.mu.Lock()
	for q.waiting.n > 0 {
		left = append(left, q.waiting.pop())
	}
	left = append(left, q.letGo()...)
	q.left += int64(len(left))
	err = q.verdict(cause) // before what is being done hears of it
	running := maps.Clone(q.running)
	q.settle()
	q.mu.Unlock()
	for _, end := range running {
		end(cause)
	}
	return left, err
}

// verdict is what Close has to say; cause is why it did not wait until the end. q.mu is held.
func (q *Queue[T]) verdict(cause error) error {
	switch {
	case cause != nil && (q.left > 0 || len(q.running) > 0):
		return fmt.Errorf("offpath: closed, %d left that were not begun, %d still being done: %w", q.left, len(q.running), cause)
	case q.left > 0:
		return fmt.Errorf("offpath: closed, %d left that were not begun", q.left)
	}
	return nil
}
