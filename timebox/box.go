// Package timebox bounds a request, or a block of code.
//
//	http.ListenAndServe(":8080", timebox.Wrap(mux))
//
// answers 503 with Retry-After to any request that takes longer than ten
// seconds, whether its handler looks at its context or not (a problem of RFC
// 9457, in JSON for clients that prefer that and in plain text for others), and
//
//	err := timebox.Run(ctx, 2*time.Second, func(ctx context.Context) error { … })
//
// returns after two seconds at the latest and says where the code was.
//
// # A boxed request
//
// An HTTP/1 handler runs on the goroutine that net/http gave it, so panics,
// [runtime.Goexit], profiler labels and Shutdown are as without a box; a timer
// answers for it. At the limit the request's context ends, with an [*Error] as
// its cause. After Grace, if the handler has begun no response, the client
// gets the 503; if it has, the connection is closed, because a client must
// never take half an answer for a whole one. From then on the handler's writes
// fail with [http.ErrHandlerTimeout] and its reads of the body too.
//
// An HTTP/2 stream ends only when its handler returns. There the handler runs
// on a goroutine of its own and a panic is carried over as a [*Panic]. One that
// goes on after the limit has its request to itself, so with HTTP/2 a box belongs
// around a router that uses its contexts again, as chi's and echo's do, and not
// into it.
//
// Nothing is buffered: what the handler flushes is sent. A connection that is
// hijacked, a response whose Content-Type is text/event-stream, and one that the
// handler declares to be a stream by drain.Stream leave the box: they are meant
// to last. With them the server's own ReadTimeout and WriteTimeout are taken off, of
// a stream until its handler has returned.
// What package profile records leaves it, too, which only those have done whom its
// Allow admits: there is nothing to see in a request that was cut short. Nothing
// else that a client sends switches the box off.
//
// # Boxes in boxes
//
// A box inside another one counts only if its limit is shorter than what is
// left of the outer one's; an error names the box that was exceeded.
//
// The rules of Run, Do and Quota are those of interruptingcow, without its
// ties to a main thread.
package timebox

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

// DefaultLimit is the limit of a Box that has none.
const DefaultLimit = 10 * time.Second

// A Box bounds the requests and the blocks of code that are put into it. The
// zero Box gives each of them ten seconds. Its fields are not to be changed
// once it is in use; its methods may be called from several goroutines.
type Box struct {
	// Name says which box it was, in errors and overruns. Empty means the
	// request's method and path, or the name of the function.
	Name string

	// Limit is how long each request or block has. Zero means DefaultLimit, or
	// just what the Quota allows if there is one.
	Limit time.Duration

	// Grace is how long code whose context has ended at the limit may take to
	// answer by itself: a handler to write its own error page, a block to
	// clean up and return. Zero means none.
	Grace time.Duration

	// RetryAfter is what the 503 tells the client to wait, rounded up to whole
	// seconds and then lengthened at random, by up to 5 % or 5 s, whichever is
	// more, so that not all come back at once: the rule of Mozilla's Sync, which
	// package backoff follows, too. Zero means the limit; negative sends no
	// Retry-After, and one that is in the header already is kept.
	RetryAfter time.Duration

	// Err is an error that those of this box match under errors.Is, next to
	// ErrExceeded. Nil means none.
	Err error

	// Quota is a budget that all who are in this box share, and other boxes
	// may: what is left of it rules where it is shorter than Limit. Nil means
	// none.
	Quota *Quota

	// Skip leaves a request out of the box. Nil skips none. It has no part in
	// Run.
	Skip func(*http.Request) bool

	once  sync.Once
	due   deadline.List[*exchange]
	count counters
}

type counters struct {
	blocks, blocksEnded                     atomic.Uint64
	exceeded, answered, cut, gone, panicked atomic.Uint64
	overrunning                             atomic.Int64
}

// Stats are a box's counts since it was made.
type Stats struct {
	Started     uint64 // requests and blocks that went into the box
	Running     int    // of these, inside now: requests until their handler ends, or they leave the box, blocks until Run does
	Exceeded    uint64 // reached the limit
	Answered    uint64 // of these, requests that the box answered with 503
	Cut         uint64 // of these, requests whose response had begun and was cut off
	ClientGone  uint64 // of these, requests whose context had been cancelled without a cause, so whose client had left
	Overrunning int    // given up, and running still: see Overruns
	Panicked    uint64 // panicked after they had been given up
}

// Stats returns the counts as of now.
func (b *Box) Stats() Stats {
	running, requests := b.due.Len()
	ended, blocks := b.count.blocksEnded.Load(), b.count.blocks.Load()
	return Stats{
		Started:     requests + blocks,
		Running:     running + int(blocks-ended),
		Exceeded:    b.count.exceeded.Load(),
		Answered:    b.count.answered.Load(),
		Cut:         b.count.cut.Load(),
		ClientGone:  b.count.gone.Load(),
		Overrunning: int(b.count.overrunning.Load()),
		Panicked:    b.count.panicked.Load(),
	}
}

// Validate reports what is wrong with the fields. Wrap panics with the same
// error, as it is the programmer's.
func (b *Box) Validate() error {
	var errs []error
	if b.Limit < 0 {
		errs = append(errs, fmt.Errorf("timebox: Box.Limit is %v; it must be positive, or zero for %v", b.Limit, DefaultLimit))
	}
	if b.Grace < 0 {
		errs = append(errs, fmt.Errorf("timebox: Box.Grace is %v; it must be positive, or zero for none", b.Grace))
	}
	return errors.Join(errs...)
}

// Wrap puts every request to next into a box of its own with the default limit.
func Wrap(next http.Handler) http.Handler { return new(Box).Wrap(next) }

// Wrap puts every request to next into the box. It panics if Validate finds a
// fault or next is nil.
func (b *Box) Wrap(next http.Handler) http.Handler {
	if err := b.Validate(); err != nil {
		panic(err)
	}
	if next == nil {
		panic("timebox: Box.Wrap of a nil http.Handler")
	}
	b.once.Do(func() { b.due.Fire = b.expire })
	return &handler{box: b, next: next}
}

func (b *Box) limit() time.Duration {
	if b.Limit == 0 {
		return DefaultLimit
	}
	return b.Limit
}

// enter starts to use the quota, if there is one, and says how long whoever
// comes in now has: nothing if the quota is spent. Each enter wants its leave.
func (b *Box) enter() time.Duration {
	if b.Quota == nil {
		return b.limit()
	}
	left := b.Quota.enter()
	if b.Limit > 0 {
		return min(b.Limit, left)
	}
	return left
}

func (b *Box) leave() {
	if b.Quota != nil {
		b.Quota.leave()
	}
}

// expire gives each request that is due a goroutine: an answer may block.
func (b *Box) expire(now time.Duration) {
	for _, x := range b.due.Collect(now, nil) {
		go x.expire(now)
	}
}
