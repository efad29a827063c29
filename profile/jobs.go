package profile

import (
	"context"
	"sync"
)

// jobs are the profiles that are being made, each from when a place was reserved for it.
type jobs struct {
	most int // at a time

	mu       sync.Mutex
	reserved int
	live     map[string]*job // by ID
	idle     chan struct{}   // closed when there is none any more; nil if nobody waits for that
}

// reserve takes a place, and reports whether there was one.
func (j *jobs) reserve() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.reserved >= j.most {
		return false
	}
	j.reserved++
	return true
}

// release gives a place back.
func (j *jobs) release() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.reserved--; j.reserved == 0 && j.idle != nil {
		close(j.idle)
		j.idle = nil
	}
}

// add makes a job known under its ID.
func (j *jobs) add(id string, one *job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.live == nil {
		j.live = make(map[string]*job)
	}
	j.live[id] = one
}

func (j *jobs) remove(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.live, id)
}

// find is the job with the ID; nil if there is none.
func (j *jobs) find(id string) *job {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.live[id]
}

func (j *jobs) inProgress() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.reserved
}

// wait returns when no place is taken.
func (j *jobs) wait(ctx context.Context) error {
	j.mu.Lock()
	if j.reserved == 0 {
		j.mu.Unlock()
		return nil
	}
	if j.idle == nil {
		j.idle = make(chan struct{})
	}
	idle := j.idle
	j.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
