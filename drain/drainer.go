package drain

import (
	"cmp"
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
	return &handler{drainer: d, next: next, inner: request.Inside(next)}
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

func (d *Drainer) retry() time.Duration { return cmp.Or(d.Retry, DefaultRetry) }

func (d *Drainer) grace() time.Duration { return cmp.Or(d.Grace, DefaultGrace) }
