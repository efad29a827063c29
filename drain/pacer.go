package drain

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

const cutters = 16 // a connection is cut in microseconds

// A pacer ends the connections of a Drainer, one after the other.
type pacer struct {
	d    *Drainer
	tell crew
	cut  crew

	ctx    context.Context // of the hooks
	cancel context.CancelFunc
	turns  []turn
	forced int  // how many were cut
	all    bool // cutAll was called
	logged sync.Once

	told []turn  // by when who was told has to be gone; guarded by the Drainer's mu, like
	late []*kept // who came since
}

// A turn is when something is done to somebody.
type turn struct {
	at time.Time
	k  *kept
}

func newPacer(d *Drainer) *pacer {
	p := &pacer{d: d}
	p.tell = crew{do: p.sayGoodbye, size: cmp.Or(d.Parallel, DefaultParallel), rest: d.notify}
	p.cut = crew{do: func(k *kept) { k.self.cut() }, size: cutters, rest: d.notify}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// begin gives a turn to all there are, if those who are left are cut at the time force; zero is never.
func (p *pacer) begin(force time.Time) {
	var ks []*kept
	p.d.mu.Lock()
	for k := range p.d.kept.all() {
		if k.state == open {
			ks = append(ks, k)
		}
	}
	p.d.late = &p.late
	p.d.mu.Unlock()

	now, rest := time.Now(), unlimited
	if !force.IsZero() {
		rest = max(0, force.Sub(now))
	}
	spread := spreadOf(p.d.Spread, rest, len(ks))
	for i, k := range shuffled(ks) {
		p.turns = append(p.turns, turn{now.Add(turnOf(i, len(ks), spread, rand.Float64())), k})
	}
}

// end has the Drainer forget the pacer.
func (p *pacer) end() {
	p.d.mu.Lock()
	p.d.late = nil
	p.d.mu.Unlock()
	p.tell.dismiss()
	p.cancel()
}

// idle reports whether nobody is being told or cut.
func (p *pacer) idle() bool { return p.tell.busy() == 0 && p.cut.busy() == 0 }

// act does what is due and says when there is more to do; the zero time is never.
func (p *pacer) act(now time.Time) (next time.Time) {
	p.line(now)
	for len(p.turns) > 0 && !now.Before(p.turns[0].at) {
		p.turn(p.turns[0].k)
		p.turns = p.turns[1:]
	}
	if len(p.turns) > 0 {
		next = p.turns[0].at
	}
	return sooner(next, p.expire(now))
}

// line gives a turn to those who have come late: the last one, and not before their handler can have said how
// they are to be told.
func (p *pacer) line(now time.Time) {
	p.d.mu.Lock()
	late := p.late
	p.late = nil
	p.d.mu.Unlock()
	if len(late) > 0 && p.all {
		p.cutAll()
		return
	}
	for _, k := range late {
		at := now.Add(settling)
		if n := len(p.turns); n > 0 && p.turns[n-1].at.After(at) {
			at = p.turns[n-1].at
		}
		p.turns = append(p.turns, turn{at, k})
	}
}

// turn ends k. A stream is ended in no time; a connection may take its.
func (p *pacer) turn(k *kept) {
	if k.kind == hijacked {
		p.tell.add(k)
	} else if _, _, ok := p.begun(k); ok {
		p.d.count.told.Add(1)
		k.self.goodbye()
	}
}

// begun notes that k has its turn, unless it is gone, and says by when it has to be.
func (p *pacer) begun(k *kept) (say func(context.Context), until time.Time, ok bool) {
	p.d.mu.Lock()
	if k.state != open {
		p.d.mu.Unlock()
		return nil, time.Time{}, false
	}
	say, k.say, k.state = k.say, nil, told
	until = time.Now().Add(p.d.grace())
	p.told = append(p.told, turn{until, k})
	first := len(p.told) == 1
	p.d.mu.Unlock()
	if first {
		p.d.notify() // there is something new to wait for
	}
	return say, until, true
}

// sayGoodbye tells k, or closes it if nobody has said how to tell it.
func (p *pacer) sayGoodbye(k *kept) {
	say, until, ok := p.begun(k)
	switch {
	case !ok:
	case say == nil:
		p.d.count.closed.Add(1)
		k.self.goodbye()
	default:
		p.d.count.told.Add(1)
		ctx, cancel := context.WithDeadline(p.ctx, until)
		defer cancel()
		p.call(ctx, say, k)
	}
}

// call calls a hook, which is foreign code.
func (p *pacer) call(ctx context.Context, say func(context.Context), k *kept) {
	returned := false
	defer func() {
		if returned {
			return
		}
		value := recover() // nil if it is Goexit
		p.d.count.panicked.Add(1)
		p.logged.Do(func() {
			slog.Error("drain: a hook panicked, or called runtime.Goexit; further ones are only counted", "panic", value, "stack", string(debug.Stack()))
		})
		k.self.cut() // it does not know
	}()
	say(ctx)
	returned = true
}

// expire cuts those that have not gone in time, and says when the next one is due.
func (p *pacer) expire(now time.Time) (next time.Time) {
	var due []*kept
	p.d.mu.Lock()
	for len(p.told) > 0 && !now.Before(p.told[0].at) {
		if k := p.told[0].k; k.state == told {
			k.state = cut
			due = append(due, k)
		}
		p.told = p.told[1:]
	}
	if len(p.told) > 0 {
		next = p.told[0].at
	}
	p.d.mu.Unlock()
	p.force(due)
	return next
}

// cutAll cuts all there are.
func (p *pacer) cutAll() {
	p.all, p.turns = true, nil
	p.tell.dismiss()
	p.cancel()
	var ks []*kept
	p.d.mu.Lock()
	for k := range p.d.kept.all() {
		if k.state < cut {
			k.state = cut
			ks = append(ks, k)
		}
	}
	p.d.mu.Unlock()
	p.force(ks)
}

func (p *pacer) force(ks []*kept) {
	p.forced += len(ks)
	p.d.count.forced.Add(uint64(len(ks)))
	p.cut.add(ks...)
}
