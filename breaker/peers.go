package breaker

import (
	"context"
	"log/slog"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

// announcing is how long Peers may take to announce.
const announcing = 5 * time.Second

// Peers are the breakers of the same backend in other replicas of a program. A
// breaker that trips tells them, and they refuse calls for about as long,
// without having to find out for themselves; when it has recovered, they probe
// at once. They are never asked while a call waits: if they cannot be reached,
// each replica looks after itself.
//
// One replica that is cut off, as by its own network, does not stop the others.
// A breaker that has had a good answer within its Window, and no failure since,
// knows better and does not heed a trip, unless somebody has opened the peer by
// hand. It is a closed one's trip that is told: a probe that fails is news to
// nobody.
type Peers interface {
	// Announce tells the others. It is called on a goroutine of its own, one
	// notice at a time, and should end with ctx, after 5 s. An error is logged.
	Announce(ctx context.Context, n Notice) error
	// Hear has f called with every notice for breakers of that name, the
	// breaker's own included: it knows them. It is called once, at the
	// breaker's first use, on a goroutine of its own. f checks what it is
	// given, never blocks, and may be called by several goroutines.
	Hear(name string, f func(Notice))
}

// A Notice is what a breaker tells its peers.
type Notice struct {
	Name  string        `json:"name"`   // the backend's
	From  string        `json:"from"`   // the breaker's own, drawn at random
	State State         `json:"state"`  // Open or Closed
	For   time.Duration `json:"for_ns"` // how long it is open; zero means until closed by hand
	// ByHand is whether somebody has opened or closed it, rather than calls.
	ByHand bool `json:"by_hand"`
}

func (b *Breaker) announce(c Change) {
	byHand, probeFailed := c.Reason == "by hand", c.From == HalfOpen && c.To == Open
	if c.To == HalfOpen || c.Reason == "peer" || probeFailed && !byHand {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), announcing)
	defer cancel()
	n := Notice{Name: b.name(), From: b.id, State: c.To, For: c.For, ByHand: byHand}
	if err := b.Peers.Announce(ctx, n); err != nil {
		slog.LogAttrs(ctx, slog.LevelWarn, "breaker: peers were not told", slog.String("backend", b.name()), slog.Any("error", err))
	}
}

// hear is a goroutine of its own, lest Hear hold up the first call.
func (b *Breaker) hear() {
	b.contain("Peers", func() { b.Peers.Hear(b.name(), b.heard) })
}

// heard acts on a notice. It comes from outside: what it asks for is bounded by
// what the breaker would do by itself.
func (b *Breaker) heard(n Notice) {
	if n.Name != b.name() || n.From == b.id {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p, now := b.period.Load(), deadline.Now()
	if p.byHand && now < p.until() {
		return // a hand here counts for more
	}
	switch n.State {
	case Open:
		if p.closed() && !n.ByHand && p.knowsBetter(now) {
			return
		}
		d := b.openMax()
		if n.For > 0 {
			d = min(d, n.For)
		}
		d = jittered(d) // or all that have heard of it probe at once
		if until := now + d; p.closed() || until > p.until() {
			b.open(until, Change{Reason: "peer", For: d})
		}
	case Closed:
		if !p.closed() && now < p.until() {
			p.opens.Store(int64(now))
		}
	}
}

// knowsBetter reports whether a closed period has seen the backend well, and
// has not seen it fail since.
func (p *period) knowsBetter(now time.Duration) bool {
	_, _, _, good := p.window.sum(now)
	return good > 0 && !p.ailing.Load()
}
