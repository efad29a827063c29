package chaos

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
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

var bigBuffers = sync.Pool{New: func() any { return new([bigBuffer]byte) }}

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
	have   int // bytes in buf that take more to be understood
	big    *[bigBuffer]byte
	idle   int  // reads that did not need the big buffer
	filled bool // the last read has filled the buffer

	in  int64        // bytes that have been read
	out atomic.Int64 // bytes that have been passed on

	queue  []piece
	queued int         // bytes in it
	holds  atomic.Bool // there is something in it
	gate   time.Time   // when the next piece may go
	armed  time.Time   // the read deadline
	more   bool        // the source is within a message, into which no other answer can be put
	ended  bool        // the source has said all
}

// A piece is bytes that wait, or the end of them.
type piece struct {
	data   []byte
	due    time.Time
	shaped int // how many of the bytes have been let through
	close  bool
	end    bool
}

func (p *pump) init(l *link, dir Direction) {
	p.link, p.dir = l, dir
	p.wake = make(chan struct{}, 1)
	p.buf = make([]byte, smallBuffer)
	p.plan = new(plan)
}

// poke makes the pump look at what has changed, wherever it is. The link's lock is held.
func (p *pump) poke() {
	p.poked.Store(true)
	p.src.SetReadDeadline(past)
	p.dst.SetWriteDeadline(past)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// reconsider pokes the pump if it holds up bytes. One that does not sees what has changed when it has
// something to do: a thousand changes with thousands of idle connections cost little. The link's
// lock is held.
func (p *pump) reconsider() {
	if p.holds.Load() {
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
	defer p.shrink()
	p.poked.Store(true) // whatever was set before
	err := p.look()
	if err == nil {
		err = p.chew(0) // what the client has said while it waited for the backend
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
	wait, err := p.flush()
	if err != nil {
		return err
	}
	if p.ended || p.queued >= maxQueue {
		return p.sleep(wait)
	}
	n, err := p.read(wait)
	if n > 0 {
		p.adopt(p.link.proxy.plan.Load()) // it may have waited for long
		return p.chew(n)
	}
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case errors.Is(err, io.EOF):
		return p.finish()
	case p.link.state.Load() != standing:
		return errOver
	}
	return err
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

// look sees what has changed.
func (p *pump) look() error {
	if p.poked.Load() {
		p.link.mu.Lock()
		p.poked.Store(false)
		p.armed = time.Time{}
		p.src.SetReadDeadline(time.Time{})
		p.dst.SetWriteDeadline(time.Time{})
		p.link.mu.Unlock()
	}
	if p.link.state.Load() != standing {
		return errOver
	}
	p.adopt(p.link.proxy.plan.Load())
	if p.have > 0 && !p.link.known.Load() {
		if err := p.chew(0); err != nil {
			return err
		}
	}
	if p.denies() {
		p.answers()
	}
	return nil
}

// adopt takes the plan that is in force. What waits goes on as if the faults that are gone had never been: only
// what they have held up is set free.
func (p *pump) adopt(pl *plan) {
	if pl == p.plan {
		return
	}
	since := make([]int64, len(pl.faults))
	for i, a := range pl.faults {
		since[i] = p.out.Load()
		for j, b := range p.plan.faults {
			if a == b {
				since[i] = p.since[j]
			}
		}
	}
	now := time.Now()
	p.gate = time.Time{}
	for i := range p.queue {
		p.queue[i].shaped = 0
		if len(pl.faults) == 0 {
			p.queue[i].due = now
		}
	}
	p.plan, p.since = pl, since
}

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
		p.big = bigBuffers.Get().(*[bigBuffer]byte)
		copy(p.big[:], p.buf[:p.have])
		p.buf = p.big[:]
	case p.big != nil && p.idle > 16 && p.have < smallBuffer:
		small := make([]byte, smallBuffer)
		copy(small, p.buf[:p.have])
		p.shrink()
		p.buf = small
	}
}

// shrink gives the big buffer back.
func (p *pump) shrink() {
	if p.big != nil {
		bigBuffers.Put(p.big)
		p.big, p.buf, p.idle = nil, nil, 0
	}
}

// chew judges the bytes that are kept and n more, and passes on or holds up what it can.
func (p *pump) chew(n int) error {
	p.in += int64(n)
	if p.idle++; n > smallBuffer {
		p.idle = 0
	}
	data := p.buf[:p.have+n]
	if len(data) == 0 {
		return nil
	}
	latency := p.latency(n)
	passed, at := 0, 0 // data[passed:at] is to go at once
	for at < len(data) {
		v := p.judge(data[at:])
		if v.fate != Pass {
			p.write(data[passed:at])
			p.link.end(v.fate)
			p.link.notice(v.struck, v.moment, v.request)
			return errOver
		}
		p.link.notice(v.struck, v.moment, v.request)
		if v.n == 0 {
			break
		}
		piece := data[at : at+v.n]
		if p.plan.said != nil {
			p.said(piece, v)
		}
		if v.lost || v.delay+latency > 0 || p.held() {
			if err := p.pass(data[passed:at]); err != nil {
				return err
			}
			passed = at + v.n
			if !v.lost {
				p.enqueue(piece, v.delay+latency)
			}
		}
		at += v.n
		if p.denies() {
			if err := p.pass(data[passed:at]); err != nil {
				return err
			}
			passed = at
			p.answers()
		}
	}
	if err := p.pass(data[passed:at]); err != nil {
		return err
	}
	p.have = copy(p.buf, data[at:])
	return nil
}

// held says that bytes cannot go at once: others wait, or a fault of bytes has a word in it.
func (p *pump) held() bool { return len(p.queue) > 0 || len(p.plan.faults) > 0 || p.denies() }

// denies says that the proxy has answers to give, and that one could stand here.
func (p *pump) denies() bool {
	return p.dir == Downstream && !p.more && p.link.denied.Load() > 0
}

func (p *pump) judge(data []byte) verdict {
	if p.dir == Upstream {
		return p.link.ofClient(data, p.plan)
	}
	v := p.link.ofBackend(data, p.plan)
	p.more = p.more && v.n == 0 || v.more
	return v
}

// latency asks for how long the bytes that have come in are held up.
func (p *pump) latency(n int) time.Duration {
	if len(p.plan.faults) == 0 || n == 0 {
		return 0
	}
	e := Event{Moment: Read}
	p.ask(&e, p.in)
	return e.Delay
}

// ask puts an event about bytes to the faults. Count is how many have come so far.
func (p *pump) ask(e *Event, count int64) {
	l := p.link
	e.Direction, e.Conn, e.Requests, e.Open = p.dir, l.id, l.known.Load(), l.proxy.open()
	for i, a := range p.plan.faults {
		e.Passed = count - p.since[i]
		a.strike(e, l.opened)
		if e.Fate != Pass {
			return
		}
	}
}

func (p *pump) said(data []byte, v verdict) {
	p.plan.said(Said{Time: time.Now(), Conn: p.link.id, Direction: p.dir, Data: data, Secret: v.secret, Lost: v.lost})
}
