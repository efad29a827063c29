package backoff

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// slots are the places of requests in progress, and the line of those that
// wait for one. The zero slots are free.
type slots struct {
	taken   atomic.Int64
	waiting atomic.Int64 // how many are in line

	mu   sync.Mutex
	line list.List // of chan struct{}, closed when its slot is taken; who came first is in front
}

// take takes a slot if fewer than most are taken. A most of 0 is no limit.
func (s *slots) take(most int64) bool {
	for {
		n := s.taken.Load()
		if most > 0 && n >= most {
			return false
		}
		if s.taken.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// give gives a slot back, to the first in line if there is a line.
func (s *slots) give(most int64) {
	s.taken.Add(-1)
	if s.waiting.Load() > 0 {
		s.call(most)
	}
}

// call lets in as many from the line as there are slots.
func (s *slots) call(most int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.line.Len() > 0 && s.take(most) {
		close(s.line.Remove(s.line.Front()).(chan struct{}))
		s.waiting.Add(-1)
	}
}

// wait gets in line, unless it is longest long already, and stays there until
// it has a slot, the time is over, or ctx ends. It reports whether it has one.
func (s *slots) wait(ctx context.Context, most, longest int64, d time.Duration) bool {
	s.mu.Lock()
	if int64(s.line.Len()) >= longest {
		s.mu.Unlock()
		return false
	}
	ready := make(chan struct{})
	place := s.line.PushBack(ready)
	s.waiting.Add(1)
	s.mu.Unlock()
	s.call(most) // for a slot that was given back before anybody could see us wait

	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ready:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-ready: // just now
		return true
	default:
		s.line.Remove(place)
		s.waiting.Add(-1)
		return false
	}
}
