//go:build !linux

package journal

import (
	"errors"
	"fmt"
	"runtime"
)

type address struct{}

func (s *Sender) write(*packet) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return fmt.Errorf("journal: there is none on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
