package timebox

import (
	"fmt"
	"sync"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

// A Quota is a budget of time that several blocks share. It runs while at
// least one block that uses it runs, so blocks inside one another, or side by
// side, are charged once. A quota that is spent is an error before the next
// block starts. The zero Quota is spent; see [NewQuota].
type Quota struct {
	mu    sync.Mutex
	total time.Duration
	spent time.Duration // until the last time nobody used it
	users int
	began time.Duration // when the first of the users came
}

// NewQuota makes a budget of d. It panics unless d is positive.
func NewQuota(d time.Duration) *Quota {
	if d <= 0 {
		panic(fmt.Sprintf("timebox: NewQuota of %v; it must be positive", d))
	}
	return &Quota{total: d}
}

// Remaining is what is left of the budget, never negative.
func (q *Quota) Remaining() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.remaining(deadline.Now())
}

func (q *Quota) remaining(now time.Duration) time.Duration {
	left := q.total - q.spent
	if q.users > 0 {
		left -= now - q.began
	}
	return max(left, 0)
}

// enter starts the clock for one more user and says what is left.
func (q *Quota) enter() (left time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := deadline.Now()
	if left = q.remaining(now); q.users == 0 {
		q.began = now
	}
	q.users++
	return left
}

func (q *Quota) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.users--; q.users == 0 {
		q.spent += deadline.Now() - q.began
	}
}
