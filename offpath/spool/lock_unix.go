//go:build unix && !solaris && !illumos && !aix

package spool

import (
	"fmt"
	"os"
	"syscall"
)

// lock takes the lock that bbolt takes again when it opens the same file: it belongs to the open file.
func lock(f *os.File) error {
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
	case nil:
		return nil
	case syscall.EWOULDBLOCK:
		return fmt.Errorf("%w: %s", ErrLocked, f.Name())
	default:
		return fmt.Errorf("spool: locking %s: %w", f.Name(), err)
	}
}

func unlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
