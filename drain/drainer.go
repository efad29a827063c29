package drain

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/request"
)

const (
	// DefaultSpread is over how long connections are ended where neither Spread nor the context of
	// Shutdown says anything.
	DefaultSpread = 10 * time.Second
	// DefaultGrace is how long a connection that was told may take to end. It is what the closing
	// handshake of coder/websocket waits for, too.
	DefaultGrace = 5 * time.Second
	// DefaultRetry is when a client may come back where Retry is zero; browsers wait about as long
	// before they open an event stream again of which they were told nothing.
	DefaultRetry = 3 * time.Second
	// DefaultParallel is how many connections are told at once where Parallel is zero.
	DefaultParallel = 1000
)

// A Drainer counts and caps the long-lived connections of a server and ends them at its exit. The
// zero Drainer caps nothing. Its fields are not to be changed once it is in use; its methods may be
// called from several goroutines.
type Drainer struct {
	// Delay is from the moment when Ready begins to fail to the closing of the listeners: long
	// enough for the load balancer to notice. Of a context with a deadline it takes half at the
	// most. Zero means none.
	Delay time.Duration

	// Spread is over how long the connections are ended, in random order, once the listeners are
	// closed. Zero means four fifths of what the context of Shutdown leaves, but not more than a
	// second for each connection, as nats-server does; DefaultSpread if the context has no
	// deadline. It is never more than those four fifths.
	Spread time.Duration

	// Grace is how long a connection may take to end after it was told, or a stream after its
	// context has, before it is cut by force. Zero means DefaultGrace.
	Grace time.Duration

	// Retry is when a client may come back that could not have a connection, or whose event
	// stream was ended: the latter is sent "retry:" with a value from Retry to twice that, at
	// random. Retry-After has it in whole seconds, rounded up and up to 5 s longer. Zero means
	// DefaultRetry.
	Retry time.Duration

	// MaxConns is how many hijacked connections and streams there may be. Zero means any number.
	MaxConns int

	// MaxPerClient is how many of them one client may have. Zero means any number.
	MaxPerClient int

	// Client says who a request's client is. Nil means the IP address of RemoteAddr, of IPv6 the
	// first 64 bits: that is what one subscriber has. Behind a proxy that is the proxy's, so a
	// field that the proxy sets is to be used. A client of "" has no cap of its own, as one has
	// that came over a Unix socket. It is called only if MaxPerClient is set.
	Client func(*http.Request) string

	// Parallel is how many connections are told at once, each on a goroutine that ends with it.
	// If clients that do not answer hold them up for Grace, then Spread × Parallel / Grace are told
	// in time. Zero means DefaultParallel.
	Parallel int

	once    sync.Once
	running atomic.Int64 // handlers
	ending  atomic.Bool  // Shutdown was called
	gone    chan struct{}
	leader  chan struct{} // holds one while a Shutdown ends connections
	seed    maphash.Seed

	mu      sync.Mutex
	kept    list             // the long-lived ones
	taken   int              // slots, including those of hijacks that are going on
	clients map[uint64]int32 // slots by client, if MaxPerClient is set
	kinds   [2]int           // of them, how many are streams, and how many hijacked
	lasting int              // handlers of streams and hijacked connections
	began   time.Time        // when the first Shutdown was called
	late    *[]*kept         // where connections go that come while others are ended
	changed chan struct{}    // closed when there is less to wait for, while ending

	hears atomic.Bool // ConnState was called
	fresh sync.Map    // from net.Conn to time.Time: since when the connections are there that have sent nothing

	count struct {
		full, client, draining, told, closed, forced, panicked atomic.Uint64
	}
}

// Count is what there is at a moment.
type Count struct {
	InFlight int // requests in progress that are not long-lived
	Streams  int // event streams and declared ones
	Hijacked int // connections that were hijacked and not closed
}

// Count returns what there is now.
func (d *Drainer) Count() Count {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Count{
		InFlight: max(0, int(d.running.Load())-d.lasting),
		Streams:  d.kinds[stream],
		Hijacked: d.kinds[hijacked],
	}
}

// Stats are a Drainer's counts since it was made.
type Stats struct {
	Full       uint64 // connections and streams refused because of MaxConns
	ClientFull uint64 // refused because of MaxPerClient
	Draining   uint64 // refused because Shutdown had been called
	Told       uint64 // connections whose hook was called, and streams whose context was ended
	Closed     uint64 // hijacked connections that had no hook and were closed in their turn
	Forced     uint64 // connections and streams cut by force
	Panicked   uint64 // hooks that panicked, or called runtime.Goexit
}

// Stats returns the counts as of now.
func (d *Drainer) Stats() Stats {
	return Stats{
		Full:       d.count.full.Load(),
		ClientFull: d.count.client.Load(),
		Draining:   d.count.draining.Load(),
		Told:       d.count.told.Load(),
		Closed:     d.count.closed.Load(),
		Forced:     d.count.forced.Load(),
		Panicked:   d.count.panicked.Load(),
	}
}

// Validate reports what is wrong with the fields. Wrap panics with the same error, as it is the
// programmer's.
func (d *Drainer) Validate() error {
	var errs []error
	for _, f := range []struct {
		name  string
		value time.Duration
		zero  string
	}{
		{"Delay", d.Delay, "none"},
		{"Spread", d.Spread, "what the context of Shutdown leaves"},
		{"Grace", d.Grace, DefaultGrace.String()},
		{"Retry", d.Retry, DefaultRetry.String()},
	} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("drain: Drainer.%s is %v; it must be positive, or zero for %s", f.name, f.value, f.zero))
		}
	}
	for _, f := range []struct {
		name  string
		value int
		zero  string
	}{
		{"MaxConns", d.MaxConns, "any number"},
		{"MaxPerClient", d.MaxPerClient, "any number"},
		{"Parallel", d.Parallel, fmt.Sprint(DefaultParallel)},
	} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("drain: Drainer.%s is %d; it must be positive, or zero for %s", f.name, f.value, f.zero))
		}
	}
	if d.Client != nil && d.MaxPerClient == 0 {
		errs = append(errs, errors.New("drain: Drainer.Client is set, but MaxPerClient is 0: nobody asks for it"))
	}
	return errors.Join(errs...)
}

// Wrap counts the requests to next and keeps their long-lived connections. It may be called several
// times, for several handlers. It panics if Validate finds a fault or next is nil.
func (d *Drainer) Wrap(next http.Handler) http.Handler {
	if err := d.Validate(); err != nil {
		panic(err)
	}
	if next == nil {
		panic("drain: Drainer.Wrap of a nil http.Handler")
	}
	d.once.Do(d.setup)
	inner, _ := next.(request.Inner)
	return &handler{drainer: d, next: next, inner: inner}
}

func (d *Drainer) setup() {
	d.gone = make(chan struct{})
	d.leader = make(chan struct{}, 1)
	d.changed = make(chan struct{})
	d.seed = maphash.MakeSeed()
	d.clients = make(map[uint64]int32)
}

// Draining is closed when Shutdown is called first. It is for the handlers of ordinary requests that
// would go on for long; the contexts of streams end by themselves.
func (d *Drainer) Draining() <-chan struct{} {
	d.once.Do(d.setup)
	return d.gone
}

// begin begins to drain, once, and says when that was.
func (d *Drainer) begin() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.began.IsZero() {
		d.began = time.Now()
		d.ending.Store(true)
		close(d.gone)
	}
	return d.began
}

// look gives what tells of the next change, and reports whether all that was kept and all handlers are gone.
func (d *Drainer) look() (changed <-chan struct{}, gone bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed, d.taken == 0 && d.running.Load() == 0
}

// notify wakes those who wait in Shutdown.
func (d *Drainer) notify() {
	if !d.ending.Load() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *Drainer) retry() time.Duration { return or(d.Retry, DefaultRetry) }

func (d *Drainer) grace() time.Duration { return or(d.Grace, DefaultGrace) }

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Stream declares that the response behind w is to last although it is no event stream: a long poll,
// or a stream of another type. All guards around let the request go: no limit on its time or on the
// number of requests holds for it any more, the server's ReadTimeout and WriteTimeout included, and
// its context ends when the server shuts down, with the cause ErrDraining.
//
// The error is a [*RefusedError] if there are too many already, or the server shuts down; backoff.Reply
// answers it with 503 and Retry-After. The request then is what it was. Stream is to be called
// by the handler's goroutine, and before the response begins if an error is to be answered. Where w is
// behind no guard, Stream does nothing.
func Stream(w http.ResponseWriter) error { return declare(w) }

// Tell sets how the client of a hijacked connection is told that the server shuts down: a WebSocket
// gets a close frame with the status 1001. The context is that of the request, or comes from it; Tell
// is called after the connection was hijacked, most often by the library's Upgrade or Accept:
//
//	conn, err := upgrader.Upgrade(w, r, nil)
//	…
//	drain.Tell(r.Context(), func(context.Context) {
//		conn.WriteControl(websocket.CloseMessage, goingAway, time.Now().Add(time.Second))
//	})
//
// The hook say is called at most once, when the connection's turn has come, on a goroutine of its own; the
// handler may still be running or have returned long since. So it should use the connection only, and not the
// request, which it would keep in memory. Its context ends when the connection is about to be cut by
// force, which is Grace after the call. If say closes the connection, or makes whoever reads from it do
// so, all is well; if it panics, the connection is closed at once.
//
// Without a hook a connection is closed in its turn. A later Tell replaces an earlier one, and a nil say takes it
// back. Tell reports whether the hook was set: it is not if the request has come through no Drainer, or its
// connection was not hijacked, is closed, or has had its turn.
func Tell(ctx context.Context, say func(context.Context)) bool { return tell(ctx, say) }
