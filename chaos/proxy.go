package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
)

// DefaultDialTimeout is how long a proxy tries to reach its backend if DialTimeout is zero.
const DefaultDialTimeout = 30 * time.Second

// A Proxy relays the connections of clients to a backend, and breaks what its faults want broken. A
// process may have many. Its fields are set before Start; its methods are safe for concurrent use.
type Proxy struct {
	// Name tells proxies apart. Empty is what it listens on.
	Name string

	// Listen is where clients connect, "host:port", or "unix:/path" for a unix socket. A port 0 is
	// any free one, and stays the same over Close and Start. Empty is "127.0.0.1:0".
	Listen string

	// Backend is where the proxy connects, in the same form. SetBackend changes it.
	Backend string

	// Protocol is what client and backend speak. Nil is [wire.TCP]: it has no requests, so that
	// faults are drawn for connections.
	Protocol wire.Protocol

	// Seed decides everything that is drawn: with the same seed and the same traffic, the same faults
	// strike. Zero chooses one; Stats tells which.
	Seed uint64

	// DialTimeout bounds how long the backend may take to accept a connection. Zero is
	// DefaultDialTimeout.
	DialTimeout time.Duration

	// Notify, unless nil, is told what happens. It is called by many goroutines, and while bytes wait:
	// it must return at once.
	Notify func(Notice)

	plan   atomic.Pointer[plan]
	count  atomic.Int64 // connections that stand
	total  atomic.Uint64
	failed atomic.Uint64

	mu       sync.Mutex
	seed     uint64
	addr     string // what has been listened on, with the port
	backend  string // what SetBackend has said
	listener *listener
	ctx      context.Context
	cancel   context.CancelFunc
	links    map[uint64]*link
	taps     map[*func(Said)]struct{}
	gone     Stats // of the connections that are over
	workers  sync.WaitGroup
}

// Validate says what is wrong with the fields: which one, and what is accepted.
func (p *Proxy) Validate() error {
	if err := validAddr("Listen", cmp.Or(p.Listen, "127.0.0.1:0")); err != nil {
		return err
	}
	if err := validAddr("Backend", p.Backend); err != nil {
		return err
	}
	if p.DialTimeout < 0 {
		return fmt.Errorf("chaos: Proxy.DialTimeout is %v, want 0 or more", p.DialTimeout)
	}
	return nil
}

// validAddr says what is wrong with an address.
func validAddr(field, addr string) error {
	network, at := split(addr)
	if network == "unix" && at != "" {
		return nil
	}
	if _, port, err := net.SplitHostPort(at); err == nil && port != "" {
		if _, err := net.LookupPort("tcp", port); err == nil {
			return nil
		}
	}
	return fmt.Errorf("chaos: Proxy.%s is %q, want host:port or unix:/path", field, addr)
}

// split gives the network of an address, and the address in it.
func split(addr string) (network, at string) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return "unix", path
	}
	return "tcp", addr
}

// ErrStarted is what Start says to a proxy that runs.
var ErrStarted = errors.New("chaos: the proxy has been started already")

// Start begins to listen. After Close it may be called again.
func (p *Proxy) Start() error {
	if err := p.Validate(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return ErrStarted
	}
	p.initLocked()
	ln, err := listen(cmp.Or(p.addr, p.Listen, "127.0.0.1:0"))
	if err != nil {
		return fmt.Errorf("chaos: Proxy.Listen is %q: %w", p.Listen, err)
	}
	p.listener, p.addr = ln, ln.addr()
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.workers.Go(func() { p.accept(ln) })
	p.workers.Go(func() { p.keepTime(p.ctx) })
	p.notify(Notice{Kind: Listening, Text: p.addr})
	if p.refuses() {
		return p.refuseLocked(true)
	}
	return nil
}

// initLocked makes what the zero Proxy has not.
func (p *Proxy) initLocked() {
	if p.plan.Load() == nil {
		p.plan.Store(&plan{})
	}
	if p.seed == 0 {
		p.seed = cmp.Or(p.Seed, rand.Uint64(), 1)
	}
	if p.links == nil {
		p.links = map[uint64]*link{}
	}
}

// Addr is where clients connect: what Start has found, or before that Listen.
func (p *Proxy) Addr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return cmp.Or(p.addr, p.Listen)
}

// Running says whether the proxy has been started, and not been closed since.
func (p *Proxy) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listener != nil
}

// SetBackend makes new connections go to another backend. Those that stand stay where they are.
func (p *Proxy) SetBackend(addr string) error {
	if err := validAddr("Backend", addr); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.backend = addr
	return nil
}

// target is the backend of new connections.
func (p *Proxy) target() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return cmp.Or(p.backend, p.Backend)
}

func (p *Proxy) dialTimeout() time.Duration { return cmp.Or(p.DialTimeout, DefaultDialTimeout) }

func (p *Proxy) open() int { return int(p.count.Load()) }

func (p *Proxy) notify(n Notice) {
	if p.Notify != nil {
		n.Time, n.Proxy = time.Now(), cmp.Or(p.Name, p.Listen)
		p.Notify(n)
	}
}

// Close ends the proxy and its connections at once, and waits for its goroutines. The proxy may be
// started again, with the same faults.
func (p *Proxy) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p.Shutdown(ctx)
	return nil
}

// Shutdown stops to listen and lets the connections that stand come to their end, until the context
// ends: then it ends them, and returns the context's error.
func (p *Proxy) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	ln, cancel := p.listener, p.cancel
	p.listener = nil
	p.mu.Unlock()
	if ln == nil {
		return nil
	}
	ln.close()
	err := p.drain(ctx)
	cancel()
	p.workers.Wait()
	p.notify(Notice{Kind: Stopped})
	return err
}

// drain waits until no connection stands, or ends them.
func (p *Proxy) drain(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for p.open() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			for _, l := range p.standing() {
				l.kill()
			}
			return ctx.Err()
		}
	}
	return nil
}

// standing are the connections that stand.
func (p *Proxy) standing() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.links))
}

// accept takes clients in until the listener is closed. It never waits for a backend.
func (p *Proxy) accept(ln *listener) {
	for {
		c, err := ln.accept()
		if err != nil {
			return
		}
		p.enter(c)
	}
}

// enter gives a client its link, unless the proxy has been closed.
func (p *Proxy) enter(c conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		c.Close()
		return
	}
	l := &link{proxy: p, id: p.total.Add(1), opened: time.Now(), client: c, changed: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(p.ctx)
	l.up.init(l, Upstream)
	l.down.init(l, Downstream)
	l.up.src, l.down.dst = c, c
	if p.Protocol != nil {
		l.talk = p.Protocol.Follow()
		l.known.Store(l.talk != nil)
	}
	p.links[l.id] = l
	p.count.Add(1)
	if p.Notify != nil {
		p.notify(Notice{Kind: Opened, Conn: l.id, Text: c.RemoteAddr().String()})
	}
	p.workers.Go(l.run)
}

// leave forgets a link that is over.
func (p *Proxy) leave(l *link) {
	p.mu.Lock()
	delete(p.links, l.id)
	p.gone.Up += l.up.out.Load()
	p.gone.Down += l.down.out.Load()
	p.gone.Requests += l.requests.Load()
	p.mu.Unlock()
	p.count.Add(-1)
	p.notify(Notice{Kind: Closed, Conn: l.id})
}
