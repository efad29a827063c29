package stacks

import (
	"bytes"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

// A sweeper takes one profile at a time and shares it. It waits with mutexes only, because channels,
// timers and conditions must not be shared between synctest bubbles.
type sweeper struct {
	profile func() ([]byte, error) // a goroutine profile, gzipped
	count   func() int             // how many goroutines there are
	now     func() time.Time

	taking sync.Mutex // held while a profile is taken and decoded

	mu      sync.Mutex // guards what follows
	begun   uint64     // how many sweeps have begun
	askers  int        // how many callers want a snapshot and have not got it
	busy    bool       // a sweep is being taken
	budget  budget
	outlook outlook

	// The last sweep's answer, kept while somebody is still to have it. Guarded by taking.
	last Snapshot
	err  error
}

// Sweep takes a profile, or shares one that began after it was called.
func (s *sweeper) Sweep() (Snapshot, error) {
	seen := s.arrive()
	s.taking.Lock()
	defer s.taking.Unlock()
	defer s.leave()
	if s.begin(seen) {
		s.last, s.err = s.take()
	}
	return s.last, s.err
}

// arrive counts the caller in and says how many sweeps had begun before.
func (s *sweeper) arrive() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.askers++
	return s.begun
}

// begin says whether the caller, who saw so many sweeps begun, has to take one itself: none has begun
// since. The caller holds taking, so one that has begun is over.
func (s *sweeper) begin(seen uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun > seen {
		return false
	}
	s.begun++
	s.busy = true
	return true
}

// leave counts the caller out; the last one lets go of the snapshot.
func (s *sweeper) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.askers--; s.askers == 0 {
		s.last, s.err = nil, nil
	}
}

// take takes and decodes one profile and charges what it cost.
func (s *sweeper) take() (Snapshot, error) {
	start, n := s.now(), s.count()
	defer func() {
		end := s.now()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy = false
		s.budget.Charge(end, end.Sub(start))
		s.outlook.Learn(end, end.Sub(start), n)
	}()
	data, err := s.profile()
	if err != nil {
		return nil, err
	}
	return decode(data)
}

// Wait says how long it takes until the budget allows another sweep.
func (s *sweeper) Wait() time.Duration {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.budget.Wait(now)
}

// Within is Sweep if the budget and the limit allow one.
func (s *sweeper) Within(limit time.Duration) (Snapshot, bool) {
	if !s.allows(limit) {
		return nil, false
	}
	snap, err := s.Sweep()
	return snap, err == nil
}

// allows says whether there is budget for a sweep and it is expected to be over within limit.
func (s *sweeper) allows(limit time.Duration) bool {
	now, n := s.now(), s.count()
	s.mu.Lock()
	defer s.mu.Unlock()
	expected := s.outlook.Expect(now, n)
	if s.busy {
		expected *= 2 // the one under way began too early to be shared
	}
	return s.budget.Wait(now) == 0 && expected <= limit
}

func goroutines() ([]byte, error) {
	var b bytes.Buffer
	err := pprof.Lookup("goroutine").WriteTo(&b, 0)
	return b.Bytes(), err
}

func countGoroutines() int { return runtime.NumGoroutine() }

func (s *sweeper) charge(cost time.Duration) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget.Charge(now, cost)
}
