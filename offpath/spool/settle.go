package spool

import (
	"container/heap"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/heeler-go/heeler/offpath"
)

// one makes an attempt with an entry and sees to what follows.
func (r *runner) one(ctx context.Context, n uint64) {
	rec, err := r.s.attempt(ctx, n, r.handle)
	switch {
	case rec == nil && err == nil: // it is gone
		r.s.count(func(t *Stats) { t.Working-- })
	case err == nil:
		r.submit(n, &change{
			apply: func(l *ledger) error { l.remove(l.waiting, n); return nil },
			done:  func(error) { r.s.count(func(t *Stats) { t.Working--; t.Acknowledged++ }) },
		})
	case ctx.Err() != nil || r.closing.Err() != nil: // it may have failed because of that
		r.s.count(func(t *Stats) { t.Working-- })
	case rec == nil:
		slog.Default().Error("spool: an entry cannot be read; when the file is opened again, it will be repaired",
			"path", r.s.Path, "err", err)
		r.s.count(func(t *Stats) { t.Working-- })
		r.put(job{number: n, at: time.Now().Add(r.s.longest())})
	default:
		r.failed(n, rec, err)
	}
}

// failed notes a failed attempt, and puts the entry off or among the dead.
func (r *runner) failed(n uint64, rec *record, failed error) {
	s := r.s
	var panicked *offpath.PanicError
	s.count(func(t *Stats) {
		if t.Failed++; errors.As(failed, &panicked) {
			t.Panicked++
		}
	})
	attempts, text := rec.Attempts+1, cutError(failed)
	if most := s.attempts(); most < 0 || attempts < most {
		r.submit(n, &change{
			apply: func(l *ledger) error { l.tried(n, attempts, text); return nil },
			done: func(error) {
				s.count(func(t *Stats) { t.Working-- })
				r.put(job{number: n, at: time.Now().Add(s.delay(attempts))})
			},
		})
		return
	}
	s.tellDead(rec, attempts, failed)
	r.submit(n, &change{
		apply: func(l *ledger) error { l.bury(n, attempts, text); return nil },
		done:  func(error) { s.count(func(t *Stats) { t.Working-- }) },
	})
}

// submit has a change committed, without waiting for it unless many are on their way. Where the disk
// refuses it, it comes up again; done is only called when it is on the disk.
func (r *runner) submit(n uint64, c *change) {
	const again = time.Second
	r.settling <- struct{}{}
	committed := *c
	committed.done = func(err error) {
		switch {
		case err == nil:
			c.done(nil)
		case !errors.Is(err, ErrClosed):
			r.put(job{number: n, at: time.Now().Add(again), change: c})
		}
		<-r.settling
	}
	if err := r.to.add(&committed); err != nil {
		committed.done(err)
	}
}

// put puts a job off.
func (r *runner) put(j job) {
	r.mu.Lock()
	heap.Push(&r.later, j)
	r.mu.Unlock()
	r.s.announce() // or a worker that waits for a later one would not see it
}

// An agenda is a heap of jobs, the next one first.
type agenda []job

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(j any)        { *a = append(*a, j.(job)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	j := (*a)[last]
	(*a)[last] = job{}
	*a = (*a)[:last]
	return j
}

func (s *Spool) attempts() int {
	if s.Attempts == 0 {
		return defaultAttempts
	}
	return s.Attempts
}

func (s *Spool) longest() time.Duration {
	if s.DelayMax == 0 {
		return defaultDelayMax
	}
	return s.DelayMax
}

// delay is how long an entry waits after so many failed attempts.
func (s *Spool) delay(attempts int) time.Duration {
	d, longest := s.Delay, s.longest()
	if d == 0 {
		d = defaultDelay
	}
	for ; attempts > 1 && d <= longest/2; attempts-- {
		d *= 2
	}
	if attempts > 1 || d > longest {
		d = longest
	}
	return d - rand.N(d/2+1)
}
