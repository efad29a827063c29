package spool

import (
	"go.etcd.io/bbolt"
)

// kept is the state after the last commit.
func (s *Spool) kept() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *Spool) publishState(st state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = st
}

// reload takes the state from the file: after a commit that failed nobody else knows it.
func (s *Spool) reload() {
	_ = s.view(func(tx *bbolt.Tx) error {
		st, err := decodeState(tx.Bucket([]byte(stateBucket)).Get([]byte(stateKey)))
		if err == nil {
			s.publishState(st)
		}
		return err
	})
}

// announce wakes all who wait for a commit.
func (s *Spool) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.news)
	s.news = make(chan struct{})
}

// nextNews is closed at the next commit.
func (s *Spool) nextNews() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news
}
