package spool

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
)

// update runs a write transaction. bbolt panics on what it finds damaged. Then the transaction stays as it
// is, and its locks, and nothing is written any more: rolling back would read more of the file.
func (s *Spool) update(f func(*bbolt.Tx) error) (err error) {
	defer s.contain(&err)
	if s.broken.Load() {
		return fmt.Errorf("spool: a commit has found the file damaged; open it again to save the rest: %w", ErrDamaged)
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// ensure makes room on the disk for so many bytes more.
func (s *Spool) ensure(adds int64) (err error) {
	defer s.contain(&err)
	if s.broken.Load() {
		return ErrDamaged
	}
	return s.space.ensure(s.db, adds)
}

// contain makes an error of a panic in the committer, the last one.
func (s *Spool) contain(err *error) {
	if p := recover(); p != nil {
		s.broken.Store(true)
		*err = fmt.Errorf("%w: %v", ErrDamaged, p)
	}
}

// view runs a read transaction. It is to be short: the file cannot grow meanwhile.
func (s *Spool) view(f func(*bbolt.Tx) error) (err error) {
	s.open.RLock()
	defer s.open.RUnlock()
	if s.db == nil {
		return ErrClosed
	}
	if s.broken.Load() {
		return ErrDamaged
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return s.db.View(f)
}

// fullOr makes an ErrFull of the errors that a full disk gives. bbolt passes some of them on as text.
func fullOr(err error) error {
	if err == nil {
		return nil
	}
	for _, full := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
		if strings.Contains(err.Error(), full.Error()) {
			return fmt.Errorf("%w: %w (%w)", ErrFull, err, full)
		}
	}
	return err
}
