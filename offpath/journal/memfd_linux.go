package journal

import (
	"golang.org/x/sys/unix"
)

// seals are what journald wants to see on a file, so that nobody changes it while it reads. Until 253 it
// wanted these and no other.
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL

// takes asks, with a socket of its own, whether journald would take a datagram now, and gives the error of the send
// if not. That is some microseconds for an entry that is dropped; to make a file of it first is up to tens of
// milliseconds, since sealing it waits for every processor, one file after the other.
func takes(to *address) error {
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	if err := unix.Connect(socket, to); err != nil {
		return err
	}
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(socket), Events: unix.POLLOUT}}, 0)
	if ready == 0 && err == nil {
		return unix.EAGAIN
	}
	return nil // the send itself says what else there is
}

// sendFile sends a packet as a file in memory, of which the datagram has nothing but the descriptor.
func sendFile(socket int, p *packet) error {
	file, err := memfd()
	if err != nil {
		return err
	}
	defer unix.Close(file)
	for rest := p.data; len(rest) > 0; {
		n, err := unix.Write(file, rest)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	if _, err := unix.FcntlInt(uintptr(file), unix.F_ADD_SEALS, seals); err != nil {
		return err
	}
	return unix.Sendmsg(socket, nil, unix.UnixRights(file), &p.to, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// memfd makes a file in memory. Where vm.memfd_noexec is 2 only one that can never be executed is allowed,
// which has a seal more than an old journald accepts.
func memfd() (int, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	file, err := unix.MemfdCreate("journal", flags)
	if err == unix.EACCES {
		return unix.MemfdCreate("journal", flags|unix.MFD_NOEXEC_SEAL)
	}
	return file, err
}
