package spool

import (
	"bytes"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// Run hands entries to handle until ctx ends, Workers at a time, each at least once:
//
//   - nil removes the entry. Removals are committed in groups, up to 256 of them being on their way: after
//     a crash so many are delivered again.
//   - An error, a panic and the end of the goroutine count as a failed attempt. The entry comes again after
//     a delay, while others go on; after the last attempt it is put among the dead, see [Spool.Dead].
//   - What fails once ctx has ended is no attempt: the entry is delivered again by the next Run.
//
// Entries are handed out in the order of receipt, which is that of their commits; retries that are due and
// fresh ones take turns. handle must not keep e after it has returned, and should heed its context: Run
// returns when all that it has called have returned. An attempt that ends the process is not counted.
//
// Run returns the cause of ctx, ErrClosed after Close, or an error if another Run is going on.
func (s *Spool) Run(ctx context.Context, handle func(ctx context.Context, e *Entry) error) error {
	s.open.RLock()
	r := &runner{s: s, handle: handle, to: s.line, closing: s.closing, settling: make(chan struct{}, 256)}
	closed := s.db == nil
	s.open.RUnlock()
	if closed {
		return ErrClosed
	}
	if handle == nil {
		return errors.New("spool: Run: handle is nil: a function is needed")
	}
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("spool: Run is going on already: set Workers to handle several entries at once")
	}
	defer s.running.Store(false)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.closing, func() { cancel(ErrClosed) })()

	var workers sync.WaitGroup
	for range max(s.Workers, 1) {
		workers.Go(func() { r.work(ctx) })
	}
	workers.Wait()
	for range cap(r.settling) { // until the last removal is on the disk
		r.settling <- struct{}{}
	}
	s.count(func(t *Stats) { t.Working = 0 }) // what could not be removed will come again
	return context.Cause(ctx)
}

// A runner is one Run.
type runner struct {
	s        *Spool
	handle   func(context.Context, *Entry) error
	to       *line
	closing  context.Context
	settling chan struct{} // a token for each change that is on its way to the disk

	mu    sync.Mutex
	after uint64   // entries up to this number have been seen
	fresh []uint64 // of them, those that wait for their first attempt
	later agenda
	turn  bool // a retry goes before a fresh one
}

// A job is something to do for one entry: an attempt, or to have a change committed that could not be.
type job struct {
	number uint64
	at     time.Time
	change *change
}

// work is one worker.
func (r *runner) work(ctx context.Context) {
	for {
		j, ok := r.next(ctx)
		if !ok {
			return
		}
		if j.change != nil {
			r.submit(j.number, j.change)
			continue
		}
		r.one(ctx, j.number)
	}
}

// next waits for something to do.
func (r *runner) next(ctx context.Context) (job, bool) {
	for ctx.Err() == nil {
		news := r.s.nextNews() // before looking, so that nothing is missed
		j, wait, ok := r.pick(time.Now())
		if ok {
			return j, true
		}
		timer := time.NewTimer(wait)
		select {
		case <-news:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return job{}, false
}

// pick takes what is to be done now, or says how long there is nothing.
func (r *runner) pick(now time.Time) (j job, wait time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait = time.Hour
	due := false
	if len(r.later) > 0 {
		wait = r.later[0].at.Sub(now)
		due = wait <= 0
	}
	if len(r.fresh) == 0 {
		if err := r.fetch(); err != nil {
			wait = min(wait, time.Second) // the disk may come back
		}
	}
	r.turn = !r.turn
	switch {
	case due && (r.turn || len(r.fresh) == 0):
		j = heap.Pop(&r.later).(job)
	case len(r.fresh) > 0:
		j.number, r.fresh = r.fresh[0], r.fresh[1:]
	default:
		return job{}, wait, false
	}
	if j.change == nil {
		r.s.count(func(t *Stats) { t.Working++ })
	}
	return j, 0, true
}

// fetch looks for entries that have come.
func (r *runner) fetch() error {
	const some = 256
	r.fresh = r.fresh[:0]
	return r.s.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(waitingBucket)).Cursor()
		for k, _ := c.Seek(number(r.after + 1)); len(k) == 8 && len(r.fresh) < some; k, _ = c.Next() {
			r.after = binary.BigEndian.Uint64(bytes.Clone(k))
			r.fresh = append(r.fresh, r.after)
		}
		return nil
	})
}
