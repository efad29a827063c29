package chaos

import (
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
)

// A verdict is what becomes of the first bytes of what a side has said.
type verdict struct {
	n      int           // how many bytes; 0: it takes more to tell
	lost   bool          // they are kept from the other side
	delay  time.Duration // or come to it later: through by
	by     *active
	fate   Fate // Close or Break: nothing of this comes to it
	secret bool
	more   bool // the message goes on: nothing can be put behind these bytes

	struck  *active // a fault that had a part in it
	moment  Moment
	request uint64
}

// part asks the conversation what the bytes are, or takes turns where there is none.
func (l *link) part(data []byte, from side) wire.Part {
	if l.talk != nil {
		part := wire.Part{Opaque: true}
		if from == theClient {
			part = l.talk.Client(data)
		} else {
			part = l.talk.Server(data)
		}
		switch {
		case part.Opaque, part.N == 0 && len(data) >= wire.MaxHead, part.N < 0, part.N > len(data):
			l.lose(part.Secret || part.N == 0)
		default:
			return part
		}
	}
	part := wire.Part{N: len(data), Begin: l.turn != from, Secret: l.secret}
	l.turn = from
	if part.Begin && from == theClient {
		l.asking = false
	}
	return part
}

// lose ends a conversation that is not understood any more. Where the client waits for answers of the
// proxy's, their place among the others is lost as well: that breaks the connection.
func (l *link) lose(secret bool) {
	l.secret = secret
	l.dead = l.dead || l.asking && l.request.lost()
	l.talk = nil
	l.known.Store(false)
	l.asking = false
	l.turn = nobody
	l.flight = flight{}
	l.crowded.Store(false)
	l.up.poke() // for what they keep
	l.down.poke()
	if l.denied.Load() > 0 {
		l.endLocked(Break)
	}
}

// ofClient judges what the client says.
func (l *link) ofClient(data []byte, pl *plan) (v verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return verdict{n: len(data), lost: true}
	}
	part := l.part(data, theClient)
	v.n, v.secret, v.more = part.N, part.Secret, part.More
	if v.n == 0 {
		return v
	}
	if part.Begin && (l.talk != nil || len(pl.faults) > 0) {
		l.begin(part, pl, &v)
	}
	v.lost = l.dead || l.asking && l.request.lost()
	if part.End && l.asking {
		l.asking = false
		if l.request.fate == Deny {
			l.flight.complete(l.request.n)
			l.down.poke()
		}
	}
	return v
}

// half judges what is left of a message when its side has said all.
func (l *link) half(from Direction) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	return verdict{
		secret: l.talk != nil || l.secret, // it could be half a password
		lost:   from == Upstream && (l.dead || l.asking && l.request.lost()),
	}
}

// begin draws the faults for a request.
func (l *link) begin(part wire.Part, pl *plan, v *verdict) {
	l.asked++
	if l.talk != nil {
		l.requests.Store(l.asked)
	}
	x := exchange{n: l.asked, id: part.ID}
	l.event = Event{Moment: Request, Request: x.n}
	e := &l.event
	if part.Joined {
		e.Fate, e.Why = l.request.fate, l.why
	} else {
		v.struck, v.moment, v.request = l.ask(e, pl), Request, x.n
	}
	x.fate, v.delay, v.by = e.Fate, max(e.Delay, 0), e.by
	if x.fate == Deny && part.Silent {
		x.fate = Pass // nobody would hear it
	}
	if x.fate == Deny {
		if l.talk != nil {
			x.answer = l.talk.Refuse(e.Why) // also where it is not used: the conversation must know
		}
		if e.Reply != nil {
			x.answer.Bytes = e.Reply
		}
		if len(x.answer.Bytes) == 0 {
			x.fate = Break
		}
	}
	switch x.fate {
	case Close, Break, Unlisten:
		v.fate = x.fate
		return
	case Swallow:
		l.dead = !part.Silent && x.id == 0
	case Deny:
		x.came, x.delay, x.by = time.Now(), v.delay, v.by
		x.ready = x.answer.Close || l.talk == nil
		l.dead = x.answer.Close // what the client says now is not for the backend: it could be a COMMIT
		l.denied.Add(1)
		if x.ready {
			l.down.poke()
		}
	}
	l.request, l.asking, l.why = x, true, e.Why
	if !part.Silent && (l.talk != nil || x.fate == Deny) && !(x.fate == Swallow && x.id != 0) {
		l.flight.push(x)
		l.crowded.Store(len(l.flight.rest()) >= maxFlight)
	}
}

// landed lets a client go on that has had to wait for answers.
func (l *link) landed() {
	if l.crowded.Load() && len(l.flight.rest()) <= maxFlight/2 {
		l.crowded.Store(false)
		l.up.poke()
	}
}

// ofBackend judges what the backend says.
func (l *link) ofBackend(data []byte, pl *plan) (v verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	part := l.part(data, theBackend)
	v.n, v.secret, v.more = part.N, part.Secret, part.More
	if v.n == 0 {
		return v
	}
	var x *exchange
	if l.talk != nil {
		x = l.flight.answering(part.ID)
	} else if l.asking && !l.request.lost() {
		x = &l.request
	}
	if x == nil {
		v.lost = l.dead // else it is a greeting, or a push: nobody has asked
		return v
	}
	if part.Begin {
		l.answer(x, pl, &v)
	}
	if part.End {
		l.flight.drop(x.n)
		l.landed()
	}
	return v
}

// answer draws the faults for an answer.
func (l *link) answer(x *exchange, pl *plan, v *verdict) {
	l.event = Event{Moment: Answer, Request: x.n}
	e := &l.event
	v.struck, v.moment, v.request = l.ask(e, pl), Answer, x.n
	v.delay, v.by = max(e.Delay, 0), e.by
	switch {
	case x.fate == Sever:
		v.fate = Break
	case e.Fate == Close, e.Fate == Break:
		v.fate = e.Fate
	}
}
