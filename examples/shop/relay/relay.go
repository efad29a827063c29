// Package relay stands between a program and a backend that it reaches over TCP. It passes every
// byte on, until it is told to hold them up:
//
//	mysql, err := relay.Listen("127.0.0.1:3306")
//	…                                       // the program connects to mysql.Addr() instead
//	mysql.Set(relay.Fault{Kind: relay.Hang}) // and now MySQL hangs
//	mysql.Set(relay.Fault{})                 // and now it is well again
//
// It knows nothing of what it carries. It is as much of a chaos proxy as a bookshop needs.
package relay

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// A Kind is a way in which a backend can be in trouble.
type Kind string

const (
	Normal Kind = "normal" // every byte is passed on at once
	Slow   Kind = "slow"   // every piece of a request waits for the Delay; answers do not
	Hang   Kind = "hang"   // nothing is passed on, either way, and connections stay open
	Cut    Kind = "cut"    // connections are reset, the new ones as well
)

// Kinds are all of them, from well to worst.
func Kinds() []Kind { return []Kind{Normal, Slow, Hang, Cut} }

// A Fault is what a relay does to its connections. The zero value is Normal.
type Fault struct {
	Kind  Kind          // empty means Normal
	Delay time.Duration // for Slow; zero or less means none
}

// Validate says which field is wrong and what it accepts.
func (f Fault) Validate() error {
	switch f.Kind {
	case "", Normal, Slow, Hang, Cut:
		return nil
	}
	return fmt.Errorf("relay: Kind %q: must be one of %v", f.Kind, Kinds())
}

// A Relay accepts connections and carries them to one backend. Its methods may be called from several
// goroutines. Listen makes one; Close ends it and everything that it carries.
type Relay struct {
	backend  string
	listener *net.TCPListener
	ctx      context.Context // ends with the relay
	stop     context.CancelFunc
	running  sync.WaitGroup // the accept loop and every connection

	mu      sync.Mutex
	fault   Fault
	changed chan struct{} // closed, and replaced, whenever fault changes
	links   map[*link]bool
}

// Listen starts a relay to the backend, a host:port, on a free port of 127.0.0.1.
// The backend is first dialled when a client comes.
func Listen(backend string) (*Relay, error) {
	if _, _, err := net.SplitHostPort(backend); err != nil {
		return nil, fmt.Errorf("relay: backend %q: must be host:port", backend)
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	r := &Relay{
		backend:  backend,
		listener: listener,
		fault:    Fault{Kind: Normal},
		changed:  make(chan struct{}),
		links:    make(map[*link]bool),
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	r.running.Go(r.accept)
	return r, nil
}

// Addr is the host:port to connect to instead of the backend's.
func (r *Relay) Addr() string { return r.listener.Addr().String() }

// Backend is the host:port that connections are carried to.
func (r *Relay) Backend() string { return r.backend }

// Fault is the one that rules now.
func (r *Relay) Fault() Fault {
	fault, _ := r.state()
	return fault
}

// Set makes the fault rule from now on, over open connections as well: what Hang has held
// is passed on when the next fault allows it.
func (r *Relay) Set(f Fault) error {
	if err := f.Validate(); err != nil {
		return err
	}
	if f.Kind == "" {
		f.Kind = Normal
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
	close(r.changed)
	r.changed = make(chan struct{})
	if f.Kind == Cut {
		for l := range r.links {
			l.reset()
		}
	}
	return nil
}

// Close stops listening, resets every connection and returns when none is left.
func (r *Relay) Close() error {
	err := r.listener.Close()
	r.mu.Lock()
	r.stop()
	for l := range r.links {
		l.reset()
	}
	r.mu.Unlock()
	r.running.Wait()
	return err
}

func (r *Relay) state() (Fault, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fault, r.changed
}

// accept carries one connection after the other until the relay is closed.
func (r *Relay) accept() {
	for {
		client, err := r.listener.AcceptTCP()
		switch {
		case r.ctx.Err() != nil:
			if err == nil {
				client.Close()
			}
			return
		case err != nil: // out of file descriptors, most likely: others will be given back
			time.Sleep(10 * time.Millisecond)
		default:
			r.running.Go(func() { r.carry(client) })
		}
	}
}

// enter makes the connection known to Set and Close. One that they would have cut is cut here.
func (r *Relay) enter(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links[l] = true
	if r.fault.Kind == Cut || r.ctx.Err() != nil {
		l.reset()
	}
}

func (r *Relay) leave(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.links, l)
}
