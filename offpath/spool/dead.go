package spool

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"sync/atomic"

	"go.etcd.io/bbolt"
)

// Dead goes through the entries that have failed Attempts times, in the order of receipt. They stay, and
// count against the quota, until [Spool.Retry] or [Spool.Discard] is called, which may be done in the loop.
// The Body of an entry can be read until the loop goes on. An error other than ErrClosed is of one entry,
// which is then nil: it is damaged on the disk.
func (s *Spool) Dead() iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		for after := uint64(0); ; {
			n, err := s.deadAfter(after)
			if err != nil {
				yield(nil, err)
				return
			}
			if n == 0 {
				return
			}
			after = n
			if !s.yieldDead(n, yield) {
				return
			}
		}
	}
}

func (s *Spool) yieldDead(n uint64, yield func(*Entry, error) bool) bool {
	r, err := s.load(deadBucket, n)
	if err != nil {
		return yield(nil, err)
	}
	if r == nil {
		return true
	}
	var over atomic.Bool
	defer over.Store(true)
	return yield(s.entry(r, func() bool { return !over.Load() }), nil)
}

// deadAfter is the number of the next dead entry, or 0.
func (s *Spool) deadAfter(n uint64) (next uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if k, _ := tx.Bucket([]byte(deadBucket)).Cursor().Seek(number(n + 1)); len(k) == 8 {
			next = binary.BigEndian.Uint64(k)
		}
		return nil
	})
	return next, err
}

// Retry puts a dead entry at the end of those that wait, with all its attempts before it. Nil means that this
// is on the disk; without such an entry the error is ErrNotFound.
func (s *Spool) Retry(id string) error {
	return s.commit(func(l *ledger) error {
		n, r, err := l.findDead(id)
		if err != nil {
			return err
		}
		encoded := r.encode()
		l.del(l.dead, number(n))
		l.del(l.tries, number(n))
		l.state.dead--
		l.add(id, encoded)
		return nil
	})
}

// Discard removes a dead entry for good. Nil means that this is on the disk; without such an entry the
// error is ErrNotFound.
func (s *Spool) Discard(id string) error {
	err := s.commit(func(l *ledger) error {
		n, _, err := l.findDead(id)
		if err != nil {
			return err
		}
		l.remove(l.dead, n)
		return nil
	})
	if err == nil {
		s.count(func(t *Stats) { t.Discarded++ })
	}
	return err
}

// commit has a change committed that gives room back, or needs none.
func (s *Spool) commit(apply func(*ledger) error) error {
	to, err := s.lineNow()
	if err != nil {
		return err
	}
	return to.commit(context.Background(), 0, apply)
}

func (l *ledger) findDead(id string) (uint64, *record, error) {
	// An ID that is too long for a key is not looked for.
	if len(id) <= MaxID && id != "" {
		if key := l.ids.Get([]byte(id)); len(key) == 8 {
			n := binary.BigEndian.Uint64(key)
			if r, err := decode(l.dead.Get(key)); err == nil && r.ID == id {
				return n, r, nil
			}
		}
	}
	return 0, nil, fmt.Errorf("%w: %q", ErrNotFound, id[:min(len(id), MaxID)])
}

// tried notes a failed attempt. What it said is left out where the quota has no room for it: when a
// consumer is down, all that waits fails, and the errors may be longer than the entries.
func (l *ledger) tried(n uint64, attempts int, failed string) {
	key := number(n)
	if l.waiting.Get(key) == nil {
		return
	}
	l.del(l.tries, key)
	if l.room(uint64(len(key)+triesMax-errorMax+len(failed))) != nil {
		failed = ""
	}
	l.put(l.tries, key, encodeTries(attempts, failed))
}

// bury puts an entry among the dead.
func (l *ledger) bury(n uint64, attempts int, failed string) {
	value := l.waiting.Get(number(n))
	if value == nil {
		return
	}
	l.tried(n, attempts, failed)
	l.put(l.dead, number(n), append([]byte(nil), value...))
	l.del(l.waiting, number(n))
	l.state.waiting--
	l.state.dead++
}
