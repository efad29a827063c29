package journal

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

// Socket is where journald listens.
const Socket = "/run/systemd/journal/socket"

var (
	// ErrFull says that journald is slower than its senders, or hangs: the entry was dropped.
	ErrFull = errors.New("journal: full: journald does not take entries as fast as they come")
	// ErrAbsent says that nobody listens on the socket, for instance while journald starts again: the entry
	// was dropped. The next one finds it by itself when it is back.
	ErrAbsent = errors.New("journal: no journald listens")
	// ErrClosed says that the Sender was closed.
	ErrClosed = errors.New("journal: the sender is closed")
)

// A Sender sends entries to journald and never waits for it. The zero value works. It is safe for concurrent
// use, and owns one socket from the first Send until Close.
type Sender struct {
	// Path is journald's native socket. Empty means [Socket]. It is looked up with every entry, so a socket
	// that is made anew is found.
	Path string
	// Identifier goes with each entry as SYSLOG_IDENTIFIER, which journalctl shows before the message and
	// finds with -t. Empty means none: journalctl then shows the name of the program.
	Identifier string

	mu      sync.RWMutex // held for reading while the socket is used, which is never for long
	socket  *os.File
	closed  bool
	packets sync.Pool // of *packet

	sent, dropped, invalid atomic.Int64
}

// Stats says what has become of the entries that a [Sender] was asked to send: each is in one of the three.
type Stats struct {
	Sent    int64 // handed to the kernel for journald
	Dropped int64 // journald was full or absent, or the system refused
	Invalid int64 // refused with an InvalidError
}

// A packet is one entry on its way, and where to.
type packet struct {
	data []byte
	to   address
}

const (
	// maxDatagram is from what size on an entry goes as a file in memory: a datagram lies in the kernel's own
	// memory, counts against the socket's buffer in full, and above about 200 KiB the kernel's defaults forbid it.
	maxDatagram = 64 << 10
	// maxKept is up to what size the memory of an entry is kept for the next one.
	maxKept = 64 << 10
)

// Validate reports the first field that cannot be used.
func (s *Sender) Validate() error {
	if path := s.path(); len(path) > 107 || strings.ContainsRune(path, 0) {
		return fmt.Errorf("journal: Sender.Path: %q: a socket's path has at most 107 bytes and no NUL", path)
	}
	return nil
}

func (s *Sender) path() string {
	if s.Path == "" {
		return Socket
	}
	return s.Path
}

// Send sends an entry. It never blocks. Nil means that the kernel holds it for journald, which is lost only if
// journald dies before it reads it. Any error means that nothing was sent:
//
//   - an [*InvalidError]: the entry can never be sent;
//   - [ErrFull], [ErrAbsent]: it was dropped, and may go through later;
//   - [ErrClosed], [errors.ErrUnsupported] and errors of the system, such as too many open files for an entry
//     that needs one: it was dropped as well.
//
// Entries of one goroutine are in the journal in the order in which they were sent.
func (s *Sender) Send(e Entry) error {
	if err := e.Validate(); err != nil {
		s.invalid.Add(1)
		return err
	}
	p := s.packet()
	p.data = appendEntry(p.data, e)
	return s.send(p)
}

// packet is an empty one, but for what goes with every entry. It is for send.
func (s *Sender) packet() *packet {
	p, _ := s.packets.Get().(*packet)
	if p == nil {
		p = new(packet)
	}
	if s.Identifier != "" {
		p.data = appendField(p.data, "SYSLOG_IDENTIFIER", s.Identifier)
	}
	return p
}

// send sends a packet, counts it and takes it back.
func (s *Sender) send(p *packet) error {
	if err := checkSize(len(p.data)); err != nil {
		s.invalid.Add(1)
		return err
	}
	err := s.write(p)
	if err == nil {
		s.sent.Add(1)
	} else {
		s.dropped.Add(1)
	}
	if cap(p.data) <= maxKept {
		p.data = p.data[:0]
		s.packets.Put(p)
	}
	return err
}

// Stats returns the counts at this moment.
func (s *Sender) Stats() Stats {
	return Stats{Sent: s.sent.Load(), Dropped: s.dropped.Load(), Invalid: s.invalid.Load()}
}

// Close closes the socket. What was sent stays sent; what is sent from now on is dropped with [ErrClosed].
// Closing twice does no harm. A Sender that lives as long as the program needs no Close.
func (s *Sender) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.socket == nil {
		return nil
	}
	err := s.socket.Close()
	s.socket = nil
	return err
}
