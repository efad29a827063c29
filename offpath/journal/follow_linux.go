package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxChild bounds the memory that journalctl may allocate. To print an entry of 20 MB that is no text
// takes it 800 MB, and any user may send entries of 700 MB.
const maxChild = 768 << 20

// childAttributes gives a child a process group of its own, so that a Ctrl-C ends it not before us, and
// has it killed when we are.
func childAttributes() (*syscall.SysProcAttr, error) {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}, nil
}

// boundMemory has a child's allocations fail beyond maxChild. Files that it maps do not count. It is a
// help and no more: it fails where the child runs as another user.
func boundMemory(pid int) {
	_ = unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: maxChild, Max: maxChild}, nil)
}

// lockFile makes a file, if need be, and locks it until it is closed or the process ends.
func lockFile(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("another Follower uses it and has locked %s: each must have a file of its own", path)
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}
