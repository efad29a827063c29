package spool

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"sync"

	"go.etcd.io/bbolt"
)

// A change is what one caller wants in the next commit.
type change struct {
	// apply makes the change. It fails before it has changed anything, so that the others of its group
	// are not touched by it.
	apply func(*ledger) error
	// adds is how many bytes it stores, to find room for on the disk. One that adds nothing gives room
	// back in the end: it may use the reserve, and is tried alone when the group that it was in fails.
	adds int64
	// done is told, by the committer, once the change is on the disk or has failed.
	done func(error)
}

const (
	groupBytes = 8 << 20 // that one commit adds at most, but for its last change
	groupSize  = 4096    // changes of one commit
	sweepRows  = 128     // rows of removed bodies that go in one commit
)

// A line is what waits for the committer. It takes all that has come while it wrote the last group, so a
// change waits for no timer: alone it is committed at once.
type line struct {
	mu      sync.Mutex
	changes []*change
	closed  bool
	ready   chan struct{} // has room for one token: there is something to do
}

func (l *line) add(c *change) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.changes = append(l.changes, c)
	l.wake()
	return nil
}

func (l *line) wake() {
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

// withdraw takes a change back, unless the committer has it already.
func (l *line) withdraw(c *change) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, other := range l.changes {
		if other == c {
			l.changes = append(l.changes[:i], l.changes[i+1:]...)
			return true
		}
	}
	return false
}

// take gives the next group, and whether the line has been closed and is empty.
func (l *line) take() (group []*change, end bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, bytes := 0, int64(0)
	for n < len(l.changes) && n < groupSize && bytes < groupBytes {
		bytes += l.changes[n].adds
		n++
	}
	group = l.changes[:n:n]
	if l.changes = l.changes[n:]; len(l.changes) == 0 {
		l.changes = nil
	} else {
		l.wake()
	}
	return group, l.closed && n == 0
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake()
}

// commit has a change committed and waits for it. When ctx ends before the committer has taken it, the
// change is not made; after that the answer comes as fast as the disk.
func (l *line) commit(ctx context.Context, adds int64, apply func(*ledger) error) error {
	done := make(chan error, 1)
	c := &change{apply: apply, adds: adds, done: func(err error) { done <- err }}
	if err := l.add(c); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		if l.withdraw(c) {
			return context.Cause(ctx)
		}
		return <-done
	}
}

// work is the committer: the only goroutine that writes. It ends when the line is closed and empty.
func (s *Spool) work() {
	defer close(s.worked)
	debug.SetPanicOnFault(true) // a file cut short by someone else is an error, not the end of the process
	for range s.line.ready {
		// Those that the last commit has set free may want something again, and are about to say so.
		runtime.Gosched()
		group, end := s.line.take()
		if end {
			return
		}
		s.commitGroup(group)
	}
}

// commitGroup writes one group, and removes some rows of removed bodies with it. Where there is no room,
// what gives some back is tried again without the rest, in groups that fit into the reserve.
func (s *Spool) commitGroup(group []*change) {
	const fits = 32
	var adding, others []*change
	adds := int64(0)
	for _, c := range group {
		if adds += c.adds; c.adds > 0 {
			adding = append(adding, c)
		} else {
			others = append(others, c)
		}
	}
	full := error(nil)
	if len(adding) > 0 {
		if full = s.ensure(adds); full == nil {
			if full = s.try(group); full == nil {
				return
			}
		}
		for _, c := range adding {
			c.done(full)
		}
	}
	if len(others) == 0 && full != nil {
		return
	}
	if full == nil {
		if full = s.try(others); full == nil {
			return
		}
	}
	for len(others) > 0 {
		n := min(fits, len(others))
		if err := s.try(others[:n]); err != nil {
			for _, c := range others[:n] {
				c.done(err)
			}
		}
		others = others[n:]
	}
}

// try makes the changes of a group in one transaction, and tells each what came of it. Where the
// transaction fails it tells none.
func (s *Spool) try(group []*change) error {
	var l *ledger
	errs := make([]error, len(group))
	sweeping, nothing := s.sweeping, errors.New("nothing to commit")
	err := s.update(func(tx *bbolt.Tx) error {
		var err error
		if l, err = newLedger(tx); err != nil {
			return err
		}
		l.max = s.quota()
		made := len(sweeping) > 0
		sweeping = l.sweepAll(sweeping, sweepRows)
		for i, c := range group {
			errs[i] = c.apply(l)
			made = made || errs[i] == nil
		}
		if !made {
			return nothing
		}
		return l.close()
	})
	switch {
	case err == nil:
		s.sweeping = append(sweeping[:len(sweeping):len(sweeping)], l.removed...)
		s.publishState(l.state)
	case !errors.Is(err, nothing):
		s.reload()
		return fullOr(err)
	}
	for i, c := range group {
		c.done(errs[i])
	}
	if len(s.sweeping) > 0 {
		s.line.wake()
	}
	s.announce()
	return nil
}
