package breaker

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

// Stats are what a breaker has counted since it was made. No count of calls that
// have ended ever goes back. When nothing is in motion, Calls is the sum of
// Succeeded, Failed, Uncounted and InProgress, less Overdue, which are among
// the failed as well as in progress.
type Stats struct {
	Name       string
	State      State
	RetryAfter time.Duration // for how much longer calls are refused; see [Breaker.RetryAfter]

	Calls      uint64 // let through
	Succeeded  uint64
	Failed     uint64
	TimedOut   uint64 // of these, at Timeout
	Uncounted  uint64 // cancelled by the caller, or without a verdict for another reason
	Slow       uint64 // with a wait of Slow or more, whatever their result
	Refused    uint64 // not let through
	Trips      uint64 // how often it opened, by hand and by peers included
	InProgress int
	Overdue    int           // calls in progress that have taken all their Timeout, or a probe's time
	Time       time.Duration // that the ended calls took, all together

	// Statements are the calls by statement, without values, those that took
	// the most time first. The first 100 kinds are counted.
	Statements []Statement
}

// A Statement counts the calls that were alike.
type Statement struct {
	Text   string
	Calls  uint64 // that have ended
	Failed uint64
	Time   time.Duration
}

// Stats returns the counts as of now.
func (b *Breaker) Stats() Stats {
	p, now := b.current(), deadline.Now()
	inProgress, calls := b.due.Len()
	forgotten := b.count.forgotten.Load()
	s := Stats{
		Name: b.name(), State: p.state(now), RetryAfter: b.left(p, now),
		Calls: calls - forgotten, InProgress: inProgress, Overdue: int(max(0, b.count.overdue.Load())),
		Failed: b.count.failed.Load(), TimedOut: b.count.timedOut.Load(), Uncounted: b.count.uncounted.Load(),
		Slow: b.count.slow.Load(), Refused: b.count.refused.Load(), Trips: b.count.trips.Load(),
		Time: time.Duration(b.count.time.Load()), Statements: b.statements.list(),
	}
	known := s.Failed + s.Uncounted + uint64(max(0, s.InProgress-s.Overdue))
	s.Succeeded = b.succeeded(s.Calls - min(known, s.Calls)) // what is left, to spare a call a count
	return s
}

// succeeded keeps that count from going back. What is in motion may be missing
// from what is left, but adds nothing to it: a call is counted before it is out
// of the list.
func (b *Breaker) succeeded(left uint64) uint64 {
	for {
		known := b.count.succeeded.Load()
		if left <= known {
			return known
		}
		if b.count.succeeded.CompareAndSwap(known, left) {
			return left
		}
	}
}

// maxStatements is how many kinds of statement a breaker tells apart.
const maxStatements = 100

// statements counts calls by their fingerprint.
type statements struct {
	mu    sync.Mutex
	kinds map[string]*Statement
}

func (s *statements) add(text string, took time.Duration, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kinds[text]
	if k == nil {
		if len(s.kinds) == maxStatements {
			return
		}
		if s.kinds == nil {
			s.kinds = make(map[string]*Statement)
		}
		k = &Statement{Text: text}
		s.kinds[text] = k
	}
	k.Calls++
	k.Time += took
	if failed {
		k.Failed++
	}
}

func (s *statements) list() []Statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Statement, 0, len(s.kinds))
	for _, k := range s.kinds {
		list = append(list, *k)
	}
	slices.SortFunc(list, func(a, b Statement) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.Text, b.Text))
	})
	return list
}
