package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// A run is a proxy from Start until it has ended, with its connections and goroutines.
type run struct {
	proxy    *Proxy
	listener *listener // changes with SetListen, under the proxy's lock
	ctx      context.Context
	cancel   context.CancelFunc
	links    map[uint64]*link // under the proxy's lock
	stopping bool             // the same
	workers  sync.WaitGroup
	over     chan struct{} // is closed when all goroutines have ended
}

// ErrStarted is what Start says to a proxy that runs, or that is still about to end.
var ErrStarted = errors.New("chaos: the proxy has been started already")

// Start begins to listen. When the proxy has ended it may be called again.
func (p *Proxy) Start() error {
	if err := p.Validate(); err != nil {
		return err
	}
	refuses, err := p.start()
	if err != nil {
		return err
	}
	p.notify(Notice{Kind: Listening, Text: p.Addr()})
	if refuses {
		p.notify(Notice{Kind: Refusing, Text: p.Addr()})
	}
	return nil
}

func (p *Proxy) start() (refuses bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil {
		return false, ErrStarted
	}
	if err := p.settleLocked(); err != nil {
		return false, err
	}
	want := cmp.Or(p.Listen, "127.0.0.1:0")
	if p.asked == want {
		want = cmp.Or(p.addr, want) // the same port
	}
	ln, err := listen(want)
	if err != nil {
		return false, fmt.Errorf("chaos: Proxy.Listen is %q: %w", want, err)
	}
	refuses = p.plan.Load().refuses()
	if _, err := ln.refuse(refuses); err != nil {
		ln.close()
		return false, fmt.Errorf("chaos: Proxy.Listen is %q: %w", want, err)
	}
	p.addr, p.asked = ln.addr(), cmp.Or(p.Listen, "127.0.0.1:0")
	r := &run{proxy: p, listener: ln, links: map[uint64]*link{}, over: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.workers.Go(func() { r.accept(ln) })
	r.workers.Go(func() { p.keepTime(r.ctx) })
	p.run = r
	return refuses, nil
}

// settleLocked sees that the fields fit to the faults that have been set before.
func (p *Proxy) settleLocked() error {
	p.initLocked()
	pl := p.plan.Load()
	before := pl.faults
	if p.Seed != 0 && p.Seed != p.seed {
		p.seed, before = p.Seed, nil
	}
	active, err := activate(pl.list(), before, p.seed, p.Protocol)
	if err == nil {
		p.plan.Store(&plan{faults: active, said: pl.said})
	}
	return err
}

// SetListen makes the proxy listen elsewhere. Connections stay, and what is there if the other address
// cannot be had. An address that it listens on already changes nothing. If the proxy does not run, the next
// Start listens there.
func (p *Proxy) SetListen(addr string) error {
	if err := validAddr("Listen", addr); err != nil {
		return err
	}
	old, err := p.setListen(addr)
	if err != nil {
		return fmt.Errorf("chaos: Proxy.Listen is %q: %w", addr, err)
	}
	if old != nil {
		old.close()
		p.notify(Notice{Kind: Listening, Text: p.Addr()})
	}
	return nil
}

func (p *Proxy) setListen(addr string) (old *listener, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if addr == p.addr {
		return nil, nil
	}
	r := p.run
	if r == nil || r.stopping {
		p.addr, p.asked = addr, cmp.Or(p.Listen, "127.0.0.1:0")
		return nil, nil
	}
	p.initLocked()
	ln, err := listen(addr)
	if err != nil {
		return nil, err
	}
	if _, err := ln.refuse(p.plan.Load().refuses()); err != nil {
		ln.close()
		return nil, err
	}
	old, r.listener = r.listener, ln
	p.addr, p.asked = ln.addr(), cmp.Or(p.Listen, "127.0.0.1:0")
	r.workers.Go(func() { r.accept(ln) })
	return old, nil
}

// Running says whether the proxy has been started, and has not begun to end since.
func (p *Proxy) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run != nil && !p.run.stopping
}

// Close ends the proxy and its connections at once, and waits for its goroutines. The proxy may be
// started again, with the same address and the same faults.
func (p *Proxy) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p.Shutdown(ctx)
	return nil
}

// Shutdown stops to listen and lets the connections that stand come to their end, until the context
// ends, or Close is called: then it ends them. It returns the context's error.
func (p *Proxy) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	r, first := p.run, false
	if r != nil {
		first, r.stopping = !r.stopping, true
	}
	p.mu.Unlock()
	if r == nil {
		return nil
	}
	if first {
		r.listener.close() // it does not change any more
	}
	err := r.drain(ctx)
	if first {
		r.cancel()
		r.workers.Wait()
		p.mu.Lock()
		p.run = nil
		p.mu.Unlock()
		close(r.over)
		p.notify(Notice{Kind: Stopped})
	}
	<-r.over
	return err
}

// drain waits until no connection stands, or ends them.
func (r *run) drain(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		links := r.proxy.standing(r)
		if len(links) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			for _, l := range links {
				l.kill()
			}
			return ctx.Err()
		}
	}
}

// standing are the connections of a run that stand; of none if it is nil.
func (p *Proxy) standing(r *run) []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r == nil {
		r = p.run
	}
	if r == nil {
		return nil
	}
	return slices.Collect(maps.Values(r.links))
}

// accept takes clients in until the listener is closed. It never waits for a backend.
func (r *run) accept(ln *listener) {
	for {
		c, err := ln.accept()
		if err != nil {
			return
		}
		l := r.enter(c)
		if l == nil {
			c.Close()
			continue
		}
		if r.proxy.Notify != nil {
			r.proxy.notify(Notice{Kind: Opened, Conn: l.id, Text: c.RemoteAddr().String()})
		}
		r.workers.Go(l.run)
	}
}

// enter gives a client its link, unless the proxy is about to end.
func (r *run) enter(c conn) *link {
	p := r.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.stopping {
		return nil
	}
	l := &link{proxy: p, runs: r, id: p.total.Add(1), opened: time.Now(), client: c, changed: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(r.ctx)
	l.up.init(l, Upstream)
	l.down.init(l, Downstream)
	l.up.src, l.down.dst = c, c
	if p.Protocol != nil {
		l.talk = p.Protocol.Follow()
		l.known.Store(l.talk != nil)
	}
	r.links[l.id] = l
	return l
}

// leave forgets a link that is over.
func (r *run) leave(l *link) {
	p := r.proxy
	p.mu.Lock()
	delete(r.links, l.id)
	p.gone.Up += l.up.out.Load()
	p.gone.Down += l.down.out.Load()
	p.gone.Requests += l.requests.Load()
	p.mu.Unlock()
	if l.admitted {
		p.admitted.Add(-1)
	}
	p.notify(Notice{Kind: Closed, Conn: l.id})
}
