package chaos

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// past is a deadline that wakes whoever reads or writes.
var past = time.Unix(1, 0)

// A pump passes on what one side says until that side has said all. It is the only one that reads from
// its source and that writes to its destination.
type pump struct {
	link *link
	dir  Direction
	src  conn
	dst  conn

	wake  chan struct{} // something has changed: for who does not read
	poked atomic.Bool   // the same: for who does

	plan  *plan
	since []int64 // for each fault of the plan: how many bytes had passed when it was met

	buf    []byte
	have   int                // bytes in buf that take more to be understood
	small  *[smallBuffer]byte // or this one is it
	big    *[bigBuffer]byte
	filled bool // the last read has filled the buffer

	in  int64        // bytes that have been read
	out atomic.Int64 // bytes that have been passed on

	queue  []piece
	queued int                    // bytes in it
	holds  atomic.Bool            // there is something in it
	gate   time.Time              // when the next piece may go
	gateBy *active                // the fault that wants it
	armed  time.Time              // the read deadline
	more   bool                   // the source is within a message, into which no other answer can be put
	quiet  bool                   // the source has said all, though it was not asked yet
	ended  bool                   // and that has been heard
	thief  atomic.Pointer[active] // the last fault that has lost bytes
}

func (p *pump) init(l *link, dir Direction) {
	p.link, p.dir = l, dir
	p.wake = make(chan struct{}, 1)
	p.small = smallBuffers.Get().(*[smallBuffer]byte)
	p.buf = p.small[:]
	p.plan = new(plan)
}

// poke makes the pump look at what has changed, wherever it waits for something to happen. The link's
// lock is held.
func (p *pump) poke() {
	if p.poked.Load() || p.src == nil {
		return
	}
	p.poked.Store(true)
	p.src.SetReadDeadline(past)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// reconsider pokes the pump if it holds up bytes. One that does not sees what has changed when it has
// something to do: a thousand changes with thousands of idle connections cost little. The link's
// lock is held.
func (p *pump) reconsider() {
	if p.holds.Load() || p.thief.Load() != nil {
		p.poke()
	}
}

// Why a pump stops.
var (
	errDone = errors.New("all is said and passed on")
	errDeaf = errors.New("the destination has gone")
	errOver = errors.New("the connection is over")
)

// run passes on until there is no more to pass on.
func (p *pump) run() {
	defer p.release()
	p.poked.Store(true) // whatever was set before
	said := p.have      // by a client that waited for the backend
	p.have = 0
	err := p.look()
	if err == nil {
		err = p.chew(said)
	}
	for err == nil {
		err = p.step()
	}
	switch {
	case errors.Is(err, errDone), errors.Is(err, errOver), errors.Is(err, errDeaf):
		// Who has gone is seen by the pump that reads from it, with what it has said before.
	default:
		p.link.end(Break) // broken on one side is broken on the other
	}
}

// step does what there is to do and waits once for more.
func (p *pump) step() error {
	if err := p.look(); err != nil {
		return err
	}
	more := p.denies() && p.answers()
	wait, err := p.flush()
	if err != nil {
		return err
	}
	if more && wait.IsZero() {
		return nil // there was no room for all the answers
	}
	if p.ended || p.queued >= maxQueue || p.dir == Upstream && p.link.crowded.Load() {
		return p.sleep(wait)
	}
	n, err := p.read(wait)
	if n > 0 {
		// Since the pump has looked, all may have changed: it has waited, and a deadline that wakes it may
		// come too late to keep it from reading.
		if err := p.adopt(p.link.proxy.plan.Load()); err != nil {
			return err
		}
		if p.denies() {
			p.answers()
		}
		return p.chew(n)
	}
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case errors.Is(err, io.EOF):
		p.finish()
		return nil
	case p.link.state.Load() != standing:
		return errOver
	}
	return err
}

// look sees what has changed.
func (p *pump) look() error {
	if p.poked.Load() {
		p.link.mu.Lock()
		p.poked.Store(false)
		p.armed = time.Time{}
		p.src.SetReadDeadline(time.Time{})
		p.link.mu.Unlock()
	}
	if p.link.state.Load() != standing {
		return errOver
	}
	if err := p.adopt(p.link.proxy.plan.Load()); err != nil {
		return err
	}
	if p.have > 0 && !p.link.known.Load() {
		return p.chew(0)
	}
	return nil
}

// adopt takes the plan that is in force. What a fault has held up that is gone goes on as if it had only
// met those that are left. Where one that is gone has lost bytes the connection is over: what came now
// would be taken for what is missing.
func (p *pump) adopt(pl *plan) error {
	if pl == p.plan {
		return nil
	}
	if thief := p.thief.Load(); thief != nil && !slices.Contains(pl.faults, thief) {
		p.link.end(Close)
		return errOver
	}
	since := make([]int64, len(pl.faults))
	for i, a := range pl.faults {
		since[i] = p.out.Load()
		if j := slices.Index(p.plan.faults, a); j >= 0 {
			since[i] = p.since[j]
		}
	}
	p.plan, p.since = pl, since
	if p.gateBy != nil && !slices.Contains(pl.faults, p.gateBy) {
		p.gate, p.gateBy = time.Time{}, nil
	}
	if len(p.queue) == 0 {
		return nil
	}
	latency, _ := p.latency()
	for i := range p.queue {
		x := &p.queue[i]
		x.latency = min(x.latency, latency)
		if x.by != nil && !slices.Contains(pl.faults, x.by) {
			x.delay, x.by = 0, nil
		}
	}
	return nil
}

// write writes all of it. The only thing that keeps it from that is that the connection is over.
func (p *pump) write(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	n, err := p.dst.Write(data)
	p.out.Add(int64(n))
	switch {
	case err == nil:
		return nil
	case p.link.state.Load() != standing:
		return errOver
	}
	return errDeaf
}

// sleep waits until a time, or for something to happen: there is no reading now.
func (p *pump) sleep(until time.Time) error {
	var due <-chan time.Time
	if !until.IsZero() {
		due = time.After(time.Until(until))
	}
	select {
	case <-p.wake:
	case <-due:
	case <-p.link.ctx.Done():
		return errOver
	}
	return nil
}
