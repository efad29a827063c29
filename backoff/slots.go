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
	line list.List // of chan bool, which gets one: true if its slot is taken; who came first is in front
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
	s.advance(most)
}

// advance is call. s.mu is held.
func (s *slots) advance(most int64) {
	for s.line.Len() > 0 && s.take(most) {
		s.dismiss(true)
	}
}

// clear sends all in line away without a slot.
func (s *slots) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.line.Len() > 0 {
		s.dismiss(false)
	}
}

// dismiss tells the first in line whether it has a slot. s.mu is held.
func (s *slots) dismiss(served bool) {
	s.line.Remove(s.line.Front()).(chan bool) <- served
	s.waiting.Add(-1)
}

// join gets in line, unless it is longest long already; then place is nil.
func (s *slots) join(most, longest int64) (place *list.Element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(most) // whoever could go in already does not make the line longer
	if int64(s.line.Len()) >= longest {
		return nil
	}
	place = s.line.PushBack(make(chan bool, 1))
	s.waiting.Add(1)
	s.advance(most) // for a slot that was given back before anybody could see us wait
	return place
}

// stay waits at a place in line until there is a slot, the line is cleared, the
// time is over, or ctx ends. It reports whether it has a slot.
func (s *slots) stay(ctx context.Context, place *list.Element, d time.Duration) bool {
	told := place.Value.(chan bool)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case served := <-told:
		return served
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case served := <-told: // just now
		return served
	default:
		s.line.Remove(place)
		s.waiting.Add(-1)
		return false
	}
}
