package profile_test

import (
	"errors"
	"sync"

	"github.com/heeler-go/heeler/profile/store"
)

// A spyStore is a store in memory that counts, and fails when it is told to.
type spyStore struct {
	store.Memory

	mu      sync.Mutex
	creates int
	last    string // ID created
	fail    func(op, id string, data []byte) error
}

func newSpyStore() *spyStore { return new(spyStore) }

var errReadOnly = errors.New("read-only file system")

func (s *spyStore) failWith(fail func(op, id string, data []byte) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

func (s *spyStore) failure(op, id string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if op == "create" {
		s.creates++
		s.last = id
	}
	if s.fail == nil {
		return nil
	}
	return s.fail(op, id, data)
}

func (s *spyStore) Create(id string, data []byte) error {
	if err := s.failure("create", id, data); err != nil {
		return err
	}
	return s.Memory.Create(id, data)
}

func (s *spyStore) Put(id string, data []byte) error {
	if err := s.failure("put", id, data); err != nil {
		return err
	}
	return s.Memory.Put(id, data)
}

func (s *spyStore) Get(id string) ([]byte, error) {
	if err := s.failure("get", id, nil); err != nil {
		return nil, err
	}
	return s.Memory.Get(id)
}

func (s *spyStore) created() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.creates
}
