package spool

import "errors"

// Stats are a spool's numbers at one moment.
type Stats struct {
	// Waiting, Working and Dead are entries in the store. Working ones are being handled, or have been and
	// their removal is on its way to the disk; those between two attempts wait.
	Waiting, Working, Dead int
	// Bytes is what counts against the quota; FileBytes is the length of the file, most of which may be free.
	Bytes, FileBytes int64

	// Counts since the Spool was made. Refused are calls of Publish that found no room.
	Published, Acknowledged, Discarded, Refused uint64
	// Failed are attempts that failed, Panicked those of them that panicked or ended their goroutine.
	Failed, Panicked uint64
}

// Stats gives the numbers as of now. Those of what is stored are zero while the spool is not open.
func (s *Spool) Stats() Stats {
	s.open.RLock()
	defer s.open.RUnlock()
	var file int64
	if s.db != nil {
		if info, err := s.file.Stat(); err == nil {
			file = info.Size()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	if s.db == nil {
		stats.Working = 0
		return stats
	}
	stats.Working = min(stats.Working, int(s.state.waiting))
	stats.Waiting = int(s.state.waiting) - stats.Working
	stats.Dead = int(s.state.dead)
	stats.Bytes = int64(s.state.bytes)
	stats.FileBytes = file
	return stats
}

// count changes the counts.
func (s *Spool) count(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}

func (s *Spool) counted(err error) {
	s.count(func(t *Stats) {
		switch {
		case err == nil:
			t.Published++
		case errors.Is(err, ErrFull):
			t.Refused++
		}
	})
}
