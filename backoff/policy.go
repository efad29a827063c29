package backoff

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/field"
)

// DefaultRetryAfter is what clients are told where nothing better is known.
// Sync's is half an hour, which is right for a program that calls by itself;
// a person who waits for a page gives up sooner, and what makes a web
// application refuse is mostly over, or known better, within seconds.
const DefaultRetryAfter = 10 * time.Second

// DefaultHeader is the header that asks a client that was served to stay away.
const DefaultHeader = "X-Backoff"

// A Backend says whether a backend is just being tried again after an outage.
// A *breaker.Breaker is one.
type Backend interface{ HalfOpen() bool }

// A Policy tells clients when to come back. The zero Policy answers for
// backends that a request could not have, and for Down. Its fields are not to be changed once it
// is in use; its methods may be called from several goroutines, and so may the
// functions in it be.
type Policy struct {
	// RetryAfter is what a client is told to wait where the time is not known:
	// when too many requests are in progress, and when an outage or a soft
	// header has no time of its own. Zero means DefaultRetryAfter; negative says
	// nothing in these cases. Whatever is told is rounded up to whole seconds
	// and then lengthened at random, by up to 5 % or 5 s, whichever is more, so
	// that not all come back at once: Sync's rule.
	RetryAfter time.Duration

	// MaxInFlight is how many requests may be in progress; one more is
	// answered 503. A request is in progress until its handler has returned, or
	// its connection was hijacked, or it has begun an event stream, or drain.Stream
	// has declared it to be a stream. Zero means any number.
	MaxInFlight int

	// Wait is how long a request waits for its turn when MaxInFlight are in
	// progress, before it is answered 503. First come, first served; a client
	// that leaves gives up its place. Over HTTP/1 net/http notices that only for
	// requests without a body, or whose body has been read: an upload whose client
	// has left stays in line, and is served in its turn. Zero means not at all.
	Wait time.Duration

	// MaxWaiting is how many may wait. Zero means as many as MaxInFlight.
	MaxWaiting int

	// Soft says for how long a client that is being served is asked to stay
	// away after this: a header on the answer, whose status is as it was. It is
	// called when an answer begins whose status is below 500 and not 429. Zero,
	// or less, sends none; so does a nil Soft, unless SoftShare is set.
	Soft func(*http.Request) time.Duration

	// SoftShare is the share of answers that get the soft header, drawn at
	// random: from Soft, or RetryAfter if that is nil. Zero means all those for
	// which Soft says so.
	SoftShare float64

	// Backends are asked at each answer; while one is half-open, all answers
	// have a soft header of RetryAfter, or of Soft if that is longer: the
	// backend has its work cut out.
	Backends []Backend

	// Header names the soft headers, with the same value in each: X-Backoff,
	// Backoff, X-Weave-Backoff. Nil means DefaultHeader. An answer that has one
	// of them already is left as it is.
	Header []string

	// Skip lets a request through, whatever happens: the health checks. It is
	// not counted. Nil skips none.
	Skip func(*http.Request) bool

	once    sync.Once
	names   []string // Header, in canonical form
	softens bool     // there may be something to say
	down    atomic.Pointer[outage]
	slots   slots
	count   struct{ requests, full, down, failed, left, soft atomic.Uint64 }
}

// Stats are a policy's counts since it was made.
type Stats struct {
	Requests   uint64 // seen; without those that Skip let through
	InFlight   int    // of these, in progress now; no streams
	Waiting    int    // of these, waiting for their turn now
	Full       uint64 // answered 503 because too many were in progress
	Down       uint64 // answered 503 because of Down
	Failed     uint64 // answered 503 for want of a backend, by the policy or by the handler
	ClientGone uint64 // whose client left while they waited, so whose context was cancelled without a cause; none of Full and Down
	Softened   uint64 // served with a soft header
}

// Stats returns the counts as of now.
func (p *Policy) Stats() Stats {
	return Stats{
		Requests:   p.count.requests.Load(),
		InFlight:   int(p.slots.taken.Load()),
		Waiting:    int(p.slots.waiting.Load()),
		Full:       p.count.full.Load(),
		Down:       p.count.down.Load(),
		Failed:     p.count.failed.Load(),
		ClientGone: p.count.left.Load(),
		Softened:   p.count.soft.Load(),
	}
}

// Validate reports what is wrong with the fields. Wrap panics with the same
// error, as it is the programmer's.
func (p *Policy) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("backoff: Policy."+format, args...)) }
	if p.MaxInFlight < 0 {
		fault("MaxInFlight is %d; it must be positive, or zero for any number", p.MaxInFlight)
	}
	if p.Wait < 0 {
		fault("Wait is %v; it must be positive, or zero for not at all", p.Wait)
	}
	if p.MaxWaiting < 0 {
		fault("MaxWaiting is %d; it must be positive, or zero for MaxInFlight", p.MaxWaiting)
	}
	if p.MaxInFlight == 0 && p.Wait > 0 {
		fault("Wait is %v, but MaxInFlight is 0: there is nothing to wait for", p.Wait)
	}
	if p.Wait == 0 && p.MaxWaiting > 0 {
		fault("MaxWaiting is %d, but Wait is 0: nobody waits", p.MaxWaiting)
	}
	if !(p.SoftShare >= 0 && p.SoftShare <= 1) {
		fault("SoftShare is %v; it must be from 0 to 1, zero for all", p.SoftShare)
	}
	for i, b := range p.Backends {
		if v := reflect.ValueOf(b); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
			fault("Backends[%d] is nil", i)
		}
	}
	if p.Header != nil && len(p.Header) == 0 {
		fault("Header is empty; it must name a header, or be nil for %s", DefaultHeader)
	}
	for i, name := range p.Header {
		if !field.IsToken(name) {
			fault("Header[%d] is %q; it must be the name of a header, such as %s", i, name, DefaultHeader)
		} else if framing(name) {
			fault("Header[%d] is %q, which says how the answer is sent; it must be a name of its own, such as %s", i, name, DefaultHeader)
		}
	}
	return errors.Join(errs...)
}

// framing reports whether a number in the header would spoil the answer.
func framing(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Connection", "Content-Length", "Content-Type", "Content-Encoding", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// Wrap puts the requests to next under a zero Policy of its own.
func Wrap(next http.Handler) http.Handler { return new(Policy).Wrap(next) }

// Wrap puts the requests to next under the policy. It panics if Validate finds
// a fault or next is nil.
func (p *Policy) Wrap(next http.Handler) http.Handler {
	if err := p.Validate(); err != nil {
		panic(err)
	}
	if next == nil {
		panic("backoff: Policy.Wrap of a nil http.Handler")
	}
	p.once.Do(p.setup)
	return newHandler(p, next)
}

func (p *Policy) setup() {
	header := p.Header
	if header == nil {
		header = []string{DefaultHeader}
	}
	for _, name := range header {
		p.names = append(p.names, http.CanonicalHeaderKey(name))
	}
	p.softens = p.Soft != nil || p.SoftShare > 0 || len(p.Backends) > 0
}

// after is RetryAfter, not positive if nothing is to be said.
func (p *Policy) after() time.Duration {
	if p.RetryAfter == 0 {
		return DefaultRetryAfter
	}
	return p.RetryAfter
}

func (p *Policy) most() int64 { return int64(p.MaxInFlight) }

func (p *Policy) longest() int64 {
	if p.MaxWaiting == 0 {
		return p.most()
	}
	return int64(p.MaxWaiting)
}
