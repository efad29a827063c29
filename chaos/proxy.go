package chaos

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
)

// DefaultDialTimeout is how long a proxy tries to reach its backend if DialTimeout is zero.
const DefaultDialTimeout = 30 * time.Second

// A Proxy relays the connections of clients to a backend, and breaks what its faults want broken. A
// process may have many. Its fields are set before Start; its methods are safe for concurrent use. It must
// not be copied once it is used.
type Proxy struct {
	// Name tells proxies apart. Empty is what it listens on.
	Name string

	// Listen is where clients connect, "host:port", or "unix:/path" for a unix socket. A port 0 is
	// any free one, and stays the same over Close and Start. Empty is "127.0.0.1:0".
	Listen string

	// Backend is where the proxy connects, in the same form; empty is not accepted. Once
	// SetBackend has said another one, that counts.
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
	// it must return at once. It may ask the proxy, and set its faults, but neither start nor end it.
	Notify func(Notice)

	plan     atomic.Pointer[plan]
	total    atomic.Uint64
	failed   atomic.Uint64
	admitted atomic.Int64 // connections that have got past Connect

	admission sync.Mutex // one connection after the other

	mu      sync.Mutex
	seed    uint64
	addr    string // what is listened on, with the port
	asked   string // the Listen that this was found for
	backend string // what SetBackend has said
	run     *run   // nil: not started
	taps    map[*tap]struct{}
	gone    Stats // of the connections that are over
}

// Validate says what is wrong with the fields: which one, and what is accepted.
func (p *Proxy) Validate() error {
	if err := validAddr("Listen", cmp.Or(p.Listen, "127.0.0.1:0")); err != nil {
		return err
	}
	if err := validAddr("Backend", p.Target()); err != nil {
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

// initLocked makes what the zero Proxy has not.
func (p *Proxy) initLocked() {
	if p.plan.Load() == nil {
		p.plan.Store(&plan{})
	}
	if p.seed == 0 {
		p.seed = cmp.Or(p.Seed, rand.Uint64(), 1)
	}
}

// Addr is where clients connect: what Start has found, or before that Listen.
func (p *Proxy) Addr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return cmp.Or(p.addr, p.Listen)
}

// Target is where new connections go: what SetBackend has said, or Backend.
func (p *Proxy) Target() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return cmp.Or(p.backend, p.Backend)
}

// SetBackend makes new connections go to another backend, also after Close and Start. Those that stand
// stay where they are.
func (p *Proxy) SetBackend(addr string) error {
	if err := validAddr("Backend", addr); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.backend = addr
	return nil
}

func (p *Proxy) dialTimeout() time.Duration { return cmp.Or(p.DialTimeout, DefaultDialTimeout) }

// notify tells what has happened. No lock is held: who hears it may ask the proxy.
func (p *Proxy) notify(n Notice) {
	if p.Notify != nil {
		n.Time, n.Proxy = time.Now(), cmp.Or(p.Name, p.Addr())
		p.Notify(n)
	}
}
