package stacks

import "time"

type (
	Budget  = budget
	Outlook = outlook
	Sweeper = sweeper
)

const Burst = burst

var (
	Decode  = decode
	Profile = goroutines
)

func NewSweeper(profile func() ([]byte, error), count func() int, now func() time.Time) *Sweeper {
	return &sweeper{profile: profile, count: count, now: now}
}

// Askers is how many callers wait for a snapshot.
func (s *sweeper) Askers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.askers
}

// Kept says whether a snapshot is held on to.
func (s *sweeper) Kept() bool {
	s.taking.Lock()
	defer s.taking.Unlock()
	return s.last != nil
}

// Known is how many lines are remembered.
func (s *Sources) Known() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lines)
}
