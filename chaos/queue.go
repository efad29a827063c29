package chaos

import (
	"errors"
	"os"
	"slices"
	"time"
)

// pass writes what may go at once. What the destination does not take before the pump is woken waits.
func (p *pump) pass(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	n, err := p.write(data)
	if err == nil && n < len(data) {
		p.enqueue(data[n:], 0)
	}
	return err
}

// write writes all of it, unless the pump is woken.
func (p *pump) write(data []byte) (int, error) {
	if len(data) == 0 {
		return 0, nil
	}
	n, err := p.dst.Write(data)
	p.out.Add(int64(n))
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		return n, nil
	case p.link.state.Load() != standing:
		return n, errOver
	}
	return n, errDeaf
}

// enqueue keeps a copy of the bytes until they are due.
func (p *pump) enqueue(data []byte, delay time.Duration) {
	now := time.Now()
	p.hold(piece{data: slices.Clone(data), came: now, due: now.Add(delay)})
}

// hold puts a piece behind those that wait.
func (p *pump) hold(x piece) {
	p.queue = append(p.queue, x)
	p.queued += len(x.data)
	p.holds.Store(true)
}

// answers puts those answers into the queue that are the proxy's to give now.
func (p *pump) answers() {
	l := p.link
	for {
		l.mu.Lock()
		x, ok := l.flight.denied()
		if ok && l.talk == nil {
			l.turn = theBackend
		}
		l.mu.Unlock()
		if !ok {
			return
		}
		l.denied.Add(-1)
		last := Pass
		if x.answer.Close {
			last = Close
		}
		p.hold(piece{data: x.answer.Bytes, due: x.due, last: last})
		if p.plan.said != nil {
			p.plan.said(Said{Time: time.Now(), Conn: l.id, Direction: Downstream, Data: x.answer.Bytes, Faked: true})
		}
	}
}

// finish puts the end of the stream behind all that waits.
func (p *pump) finish() error {
	p.ended, p.more = true, false
	if p.have > 0 { // half a message, and no more to come: it goes as it is
		p.enqueue(p.buf[:p.have], 0)
		p.have = 0
	}
	if p.denies() {
		p.answers()
	}
	e := Event{Moment: End}
	p.ask(&e, p.in)
	now := time.Now()
	p.hold(piece{end: true, came: now, due: now.Add(e.Delay)})
	return nil
}

// flush passes on what is due. It returns when it has to be called again: zero is when something
// happens.
func (p *pump) flush() (time.Time, error) {
	for len(p.queue) > 0 {
		head := &p.queue[0]
		if wait := later(head.due, p.gate); !wait.IsZero() && time.Until(wait) > 0 {
			return wait, nil
		}
		if head.end {
			p.dst.CloseWrite()
			return time.Time{}, errDone
		}
		if head.shaped == 0 {
			p.shape(head)
		}
		n, err := p.write(head.data[:head.shaped])
		if err != nil {
			return time.Time{}, err
		}
		p.queued -= n
		head.data, head.shaped = head.data[n:], head.shaped-n
		if head.shaped > 0 {
			return time.Time{}, nil // woken: there is something to look at
		}
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

// shape asks the faults what may go of a piece.
func (p *pump) shape(head *piece) {
	head.shaped = len(head.data)
	if len(p.plan.faults) == 0 || len(head.data) == 0 {
		return
	}
	e := Event{Moment: Write, Data: head.data}
	if head.shown {
		e.Data = slices.Clone(head.data) // what is changed now does not count
	}
	p.ask(&e, p.out.Load())
	switch e.Fate {
	case Swallow:
		p.queued -= len(head.data)
		head.data, head.shaped = nil, 0
		return
	case Close, Break, Sever, Unlisten:
		last := min(max(e.Take, 0), len(e.Data))
		p.queued += last - len(head.data)
		head.data, head.shaped, head.last = e.Data[:last], last, e.Fate
		return
	}
	if !head.shown {
		p.queued += len(e.Data) - len(head.data)
		head.data, head.shown = e.Data, true
	}
	head.shaped = min(room(&e), len(head.data))
	if e.Rate > 0 {
		e.Pause = max(e.Pause, time.Duration(int64(head.shaped)*int64(time.Second)/e.Rate))
	}
	if head.shaped == 0 {
		e.Pause = max(e.Pause, time.Millisecond) // or it would be asked at once, again and again
	}
	if e.Pause > 0 {
		// The next pause begins where this one has ended, not where that was noticed: rates are kept.
		now := time.Now()
		if now.Sub(p.gate) > e.Pause {
			p.gate = now
		}
		p.gate = p.gate.Add(e.Pause)
	}
}

// later gives the later of two times; zero is the earliest.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
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
