//go:build !linux

package journal

import (
	"errors"
	"fmt"
	"io"
	"syscall"
)

func childAttributes() (*syscall.SysProcAttr, error) {
	return nil, fmt.Errorf("journal: Follower: %w: the journal is systemd's, on Linux", errors.ErrUnsupported)
}

func boundMemory(int) {}

func lockFile(string) (io.Closer, error) { return nil, errors.ErrUnsupported }
