package journal

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix" // for memfd_create, which package syscall has not
)

type address = unix.SockaddrUnix

// sendBuffer is how much the kernel is asked to hold of what journald has not read yet, as the protocol
// advises. It gives what /proc/sys/net/core/wmem_max allows.
const sendBuffer = 8 << 20

// write hands a packet to the kernel.
func (s *Sender) write(p *packet) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for s.socket == nil {
		s.mu.RUnlock()
		err := s.open()
		s.mu.RLock()
		if err != nil {
			return err
		}
	}
	p.to.Name = s.path()
	socket := int(s.socket.Fd())
	err := error(unix.EMSGSIZE)
	if len(p.data) <= maxDatagram {
		err = unix.Sendto(socket, p.data, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, &p.to)
	}
	if err == unix.EMSGSIZE || err == unix.ENOBUFS {
		if err = takes(&p.to); err == nil {
			err = sendFile(socket, p)
		}
	}
	switch err {
	case nil:
		return nil
	case unix.EAGAIN, unix.ENOBUFS, unix.ETOOMANYREFS:
		return ErrFull
	case unix.ENOENT, unix.ECONNREFUSED:
		return ErrAbsent
	}
	return fmt.Errorf("journal: send to %s: %w", p.to.Name, err)
}

// open makes the socket, if nobody else has in the meantime. It is not connected: each send finds the
// journald of that moment.
func (s *Sender) open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.socket != nil {
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("journal: make a socket: %w", err)
	}
	// A smaller buffer works as well.
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	s.socket = os.NewFile(uintptr(fd), "journal")
	return nil
}
