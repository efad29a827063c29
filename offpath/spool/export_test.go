package spool

import (
	"encoding/binary"

	"go.etcd.io/bbolt"
)

// Waiting gives all entries that wait, as they are on the disk, and delivers none.
func (s *Spool) Waiting() (entries []*Entry, err error) {
	var numbers []uint64
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(waitingBucket)).ForEach(func(k, _ []byte) error {
			numbers = append(numbers, binary.BigEndian.Uint64(k))
			return nil
		})
	})
	for _, n := range numbers {
		r, err := s.load(waitingBucket, n)
		if err != nil {
			return entries, err
		}
		entries = append(entries, s.entry(r, func() bool { return true }))
	}
	return entries, err
}

// Used is how many bytes from the file's beginning on are pages in use, or have been.
func (s *Spool) Used() (n int64) {
	_ = s.view(func(tx *bbolt.Tx) error { n = tx.Size(); return nil })
	return n
}

// Stall keeps the committer busy until release is called.
func (s *Spool) Stall() (release func()) {
	began, end := make(chan struct{}), make(chan struct{})
	go func() {
		_ = s.commit(func(*ledger) error { close(began); <-end; return nil })
	}()
	<-began
	return func() { close(end) }
}

// Commits is the number of the last commit.
func (s *Spool) Commits() uint64 { return s.kept().commit }

// Line is how many changes wait for the committer.
func (s *Spool) Line() int {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	return len(s.line.changes)
}
