package chaos

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
)

const (
	smallBuffer = 4 << 10 // what an idle connection holds, for each direction
	maxQueue    = 4 << 20 // what may be held up, in each direction

	// bigBuffer is what a busy connection holds. Through 48 KiB, which stay in the processor's first
	// cache, Read and Write pass on 1.5 times what splice(2) does between two sockets on loopback, for two
	// thirds of its time; 64 KiB are as slow as splice(2) again. So all bytes take the same way.
	bigBuffer = wire.MaxHead
)

var (
	smallBuffers = sync.Pool{New: func() any { return new([smallBuffer]byte) }}
	bigBuffers   = sync.Pool{New: func() any { return new([bigBuffer]byte) }}
)

// read waits for what the source says, at most until a time.
func (p *pump) read(until time.Time) (int, error) {
	if !p.arm(until) {
		return 0, nil
	}
	p.size()
	n, err := p.src.Read(p.buf[p.have:])
	p.filled = n == len(p.buf)-p.have
	return n, err
}

// arm sets the deadline for reading, unless there is something to look at.
func (p *pump) arm(until time.Time) bool {
	if until.Equal(p.armed) {
		return true
	}
	p.link.mu.Lock()
	defer p.link.mu.Unlock()
	if p.poked.Load() {
		return false
	}
	p.armed = until
	p.src.SetReadDeadline(until)
	return true
}

// size gives the pump a big buffer when it needs one, and takes it back when it does not.
func (p *pump) size() {
	switch {
	case p.big == nil && p.filled:
		big := bigBuffers.Get().(*[bigBuffer]byte)
		copy(big[:], p.buf[:p.have])
		p.release()
		p.big, p.buf = big, big[:]
	case p.big != nil && p.idle > 16 && p.have < smallBuffer:
		small := smallBuffers.Get().(*[smallBuffer]byte)
		copy(small[:], p.buf[:p.have])
		p.release()
		p.small, p.buf, p.idle = small, small[:], 0
	}
}

// release gives the buffer back.
func (p *pump) release() {
	if p.small != nil {
		smallBuffers.Put(p.small)
	}
	if p.big != nil {
		bigBuffers.Put(p.big)
	}
	p.small, p.big, p.buf = nil, nil, nil
}

// await holds what the client says before there is a backend, until a time has passed, or for ever if
// it is negative, or until something has changed.
func (p *pump) await(left time.Duration) error {
	var until time.Time
	if left >= 0 {
		until = time.Now().Add(left)
	}
	p.src.SetReadDeadline(until)
	select {
	case <-p.link.changed:
		return nil
	default:
	}
	n, err := 0, io.EOF
	if p.have < len(p.buf) {
		n, err = p.src.Read(p.buf[p.have:])
		p.have += n
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), n > 0:
		return nil
	case !errors.Is(err, io.EOF), p.have == 0:
		return errLeft
	}
	var due <-chan time.Time
	if left >= 0 {
		due = time.After(left)
	}
	select {
	case <-due:
	case <-p.link.changed:
	case <-p.link.ctx.Done():
		return errLeft
	}
	return nil
}
