package chaos

import (
	"time"
)

// A piece is bytes that wait, or the end of them.
type piece struct {
	data []byte
	came time.Time

	latency time.Duration // for which faults of bytes hold it up
	delay   time.Duration // and for which another fault does: by
	by      *active

	again  bool // the faults have seen the bytes, and have changed them if they wanted to
	shaped int  // how many of the bytes have been let through
	faked  bool // the proxy's own words
	last   Fate // Close or Break: what becomes of the connection behind it
	end    bool
}

// due is when the piece may go.
func (x *piece) due() time.Time { return x.came.Add(x.latency + x.delay) }

// like says that bytes may be put behind those of the piece.
func (x *piece) like(y piece) bool {
	return x.came.Equal(y.came) && x.latency == y.latency && x.delay == 0 && y.delay == 0 &&
		!x.again && !x.faked && !y.faked && !x.end && !y.end
}

// hold puts a copy of a piece behind those that wait.
func (p *pump) hold(x piece) {
	p.queued += len(x.data)
	if n := len(p.queue); n > 0 && p.queue[n-1].like(x) {
		p.queue[n-1].data = append(p.queue[n-1].data, x.data...)
		return
	}
	x.data = append([]byte(nil), x.data...)
	p.queue = append(p.queue, x)
	p.holds.Store(true)
}

// answers puts those answers into the queue that are the proxy's to give now, unless too much waits
// already: it says whether there may be more of them.
func (p *pump) answers() (more bool) {
	l := p.link
	for p.queued < maxQueue {
		l.mu.Lock()
		x, ok := l.flight.denied()
		if ok {
			l.denied.Add(-1)
			l.landed()
			if l.talk == nil {
				l.turn = theBackend
			}
		}
		l.mu.Unlock()
		if !ok {
			return false
		}
		last := Pass
		if x.answer.Close {
			last = Close
		}
		p.hold(piece{data: x.answer.Bytes, came: x.came, delay: x.delay, by: x.by, faked: true, last: last})
		p.tell(Said{Data: x.answer.Bytes, Faked: true})
	}
	return true
}

// finish puts the end of the stream behind all that waits.
func (p *pump) finish() {
	p.ended, p.more = true, false
	now := time.Now()
	if p.have > 0 { // half a message, and no more to come: it goes as it is
		rest, v := p.buf[:p.have], p.link.half(p.dir)
		p.tell(Said{Data: rest, Secret: v.secret, Lost: v.lost})
		if !v.lost {
			p.hold(piece{data: rest, came: now})
		}
		p.have = 0
	}
	for p.denies() && p.answers() {
		p.queued = 0 // they are few now, and have to stand before the end
	}
	e := Event{Moment: End}
	p.tally(p.ask(&e, p.in))
	p.hold(piece{end: true, came: now, delay: max(e.Delay, 0), by: e.by})
}

// flush passes on what is due. It returns when it has to be called again: zero is when something
// happens.
func (p *pump) flush() (time.Time, error) {
	for len(p.queue) > 0 {
		if p.poked.Load() {
			return time.Time{}, nil // there is something to look at
		}
		head := &p.queue[0]
		if wait := later(head.due(), p.gate); time.Until(wait) > 0 {
			return wait, nil
		}
		if head.end {
			p.dst.CloseWrite()
			return time.Time{}, errDone
		}
		p.shape(head)
		if err := p.write(head.data[:head.shaped]); err != nil {
			return time.Time{}, err
		}
		p.queued = max(p.queued-head.shaped, 0)
		head.data = head.data[head.shaped:]
		if len(head.data) > 0 {
			continue
		}
		if head.last != Pass {
			p.link.end(head.last)
			return time.Time{}, errOver
		}
		p.queue[0] = piece{}
		p.queue = p.queue[1:] // pipelines are long: the others need not move
	}
	if p.holds.Load() {
		p.holds.Store(false)
	}
	return time.Time{}, nil
}

// slack is how late a pause may end without the next one being shorter for it: what is more than that is
// silence, and not to be made up for.
const slack = 20 * time.Millisecond

// shape asks the faults what may go of a piece.
func (p *pump) shape(head *piece) {
	head.shaped = len(head.data)
	if len(p.plan.faults) == 0 || len(head.data) == 0 {
		return
	}
	e := Event{Moment: Write, Data: head.data, Again: head.again}
	struck := p.ask(&e, p.out.Load())
	p.tally(struck)
	if e.Fate == Swallow {
		p.thief.Store(struck[len(struck)-1])
		p.queued = max(p.queued-len(head.data), 0)
		head.data, head.shaped = nil, 0
		return
	}
	if !head.again {
		p.queued += len(e.Data) - len(head.data)
		head.data, head.again = e.Data, true
	}
	if e.Fate == Pass && p.thief.Load() != nil {
		e.Fate, e.Take = Close, -1 // its time is over, by its schedule: see adopt
	}
	if e.Fate != Pass {
		head.shaped = min(max(e.Take, 0), len(head.data))
		head.data, head.last = head.data[:head.shaped], e.Fate
		return
	}
	head.shaped = min(room(&e), len(head.data))
	if e.Rate > 0 {
		e.Pause = max(e.Pause, time.Duration(float64(head.shaped)/float64(e.Rate)*float64(time.Second)))
	}
	if head.shaped == 0 {
		e.Pause = max(e.Pause, time.Millisecond) // or it would be asked at once, again and again
	}
	if e.Pause > 0 {
		// The next pause begins where this one has ended, not where that was noticed: rates are kept.
		now := time.Now()
		if now.Sub(p.gate) > max(e.Pause, slack) {
			p.gate = now
		}
		p.gate, p.gateBy = p.gate.Add(e.Pause), e.pausedBy
	}
}

// later gives the later of two times; zero is the earliest.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
