package chaos

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
)

const (
	smallBuffer = 4 << 10     // what an idle connection holds, for each direction
	idleAfter   = time.Second // when a connection counts as such
	maxQueue    = 4 << 20     // what may be held up, in each direction

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
	if p.big == nil && p.filled {
		p.grow()
	}
	if p.big != nil && p.have < smallBuffer {
		until = earlier(until, p.idleAt())
	}
	if !p.arm(until) {
		return 0, nil
	}
	n, err := p.src.Read(p.buf[p.have:])
	p.filled = n == len(p.buf)-p.have
	if n == 0 && p.big != nil && p.have < smallBuffer && errors.Is(err, os.ErrDeadlineExceeded) {
		p.shrink()
	}
	return n, err
}

// idleAt is when the pump counts as idle if nothing comes. It is not moved each time that something does:
// deadlines cost more than that.
func (p *pump) idleAt() time.Time {
	now := time.Now()
	if left := p.armed.Sub(now); left > idleAfter/2 && left <= idleAfter {
		return p.armed
	}
	return now.Add(idleAfter)
}

// earlier gives the earlier of two times, of which the first may be zero for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
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

// grow gives the pump a big buffer.
func (p *pump) grow() {
	big := bigBuffers.Get().(*[bigBuffer]byte)
	copy(big[:], p.buf[:p.have])
	p.release()
	p.big, p.buf = big, big[:]
}

// shrink gives it a small one.
func (p *pump) shrink() {
	small := smallBuffers.Get().(*[smallBuffer]byte)
	copy(small[:], p.buf[:p.have])
	p.release()
	p.small, p.buf = small, small[:]
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
