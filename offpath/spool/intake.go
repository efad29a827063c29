package spool

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/field"
)

// What an Intake does where its fields say nothing.
const (
	DefaultMaxBody    = 1 << 20          // bytes of a body that are accepted
	DefaultRetryAfter = 10 * time.Second // what a refused client is told to wait
	DefaultTimeout    = 10 * time.Second // for the Publisher
)

// DefaultHeader are the headers that are stored with a request unless others
// are named: what it takes to read the body, and who says to have sent it.
// Credentials are none of them.
func DefaultHeader() []string {
	return []string{"Content-Type", "Content-Encoding", "User-Agent"}
}

// WhenFull says what becomes of a request for which a [Publisher] has no room,
// so that its error is an [ErrFull].
type WhenFull int

const (
	// Refuse answers it 503, with Retry-After: whoever sent it still has it.
	Refuse WhenFull = iota
	// Drop counts it in [IntakeStats.Dropped], and goes on as if it were stored:
	// the client cannot tell. It is for data that may have gaps, from clients
	// that must not notice.
	Drop
)

// An Intake stores requests as they come, before they are answered. It answers
// 202 with the entry's ID, as {"id":"…"}, or passes the request on. Its fields
// are not to be changed once it is in use; its methods may be called from
// several goroutines, and so are the functions in it.
//
// What is stored is what was received: the body as it was read, compressed if
// it came so, and the request URI with its query, be there secrets in it or
// not. So who reads the store must be trusted with them. None of it is logged.
// Trailers are not stored: they come when the entry is on its way already.
//
// A body that does not come whole is not stored. One that is larger than
// MaxBody, or than the Publisher can store, is answered 413; one whose framing
// makes no sense 400; one that comes too slowly for the server's ReadTimeout
// 408: without one, a client may take for ever. If the client leaves there is
// nobody to answer; whoever logs the status sees nginx's 499. A Publisher that
// fails, panics, takes longer than Timeout or returns nil before it has read the
// body to its end makes it 503, with Retry-After, for nobody knows whether the
// entry is there. So a client that comes back may be stored twice, under two IDs.
//
// The answer 202 has no Location (RFC 9110, section 15.3.3, asks for a place
// where the outcome can be seen): there is none.
type Intake struct {
	// To stores the entries. It is needed.
	To Publisher

	// Header names the headers that are stored, if the request has them. Nil
	// means those of DefaultHeader; an empty list none. Authorization, Cookie and
	// their like are stored if they are named here, and only then. A webhook's
	// signature has to be named if it is to be verified later. The Host header
	// is not among a request's headers: see [Entry].
	Header []string

	// MaxBody is how many bytes a body may have. Zero means DefaultMaxBody.
	MaxBody int64

	// Full says what becomes of a request for which there is no room.
	Full WhenFull

	// Pass hands the request on to the next handler once it is stored, instead
	// of answering 202. That handler finds the same body, from its beginning;
	// see also [ID]. Meanwhile a copy of the body is kept: 64 KiB of it in
	// memory, and what is beyond in a file without a name in TempDir. If the
	// copy has no room there, Full says what happens.
	Pass bool

	// TempDir is the folder for the copies of large bodies with Pass. Empty means
	// [os.TempDir], which on some systems is memory.
	TempDir string

	// Skip lets a request through to the next handler as it is, neither stored nor
	// counted: health checks, or whatever is no POST. Nil skips none.
	Skip func(*http.Request) bool

	// RetryAfter is what a client is told to wait with 503. Zero means
	// DefaultRetryAfter; negative says nothing. It is rounded up to whole seconds
	// and lengthened at random, by up to 5 % or 5 s, whichever is more, so that
	// not all come back at once.
	RetryAfter time.Duration

	// Timeout is how long the Publisher may take from one read of the body to
	// the next, and after the last. The time that the client takes to send the
	// body is none of it. Then the Publisher's context, which also ends with
	// the request's, is cancelled. Zero means DefaultTimeout.
	Timeout time.Duration

	count struct{ taken, tooLarge, refused, dropped, failed, broken, passed atomic.Uint64 }
	quiet quiet
}

// IntakeStats are an Intake's counts since it was made. A request that is not
// in progress any more and was not skipped is in one of the first six.
type IntakeStats struct {
	Taken    uint64 // stored
	TooLarge uint64 // answered 413
	Refused  uint64 // answered 503 because there was no room
	Dropped  uint64 // not stored because there was no room, and answered as if it were
	Failed   uint64 // answered 503 because the Publisher, or the copy to be passed on, has failed
	Broken   uint64 // whose body did not come whole, or whose client left before it was stored
	Passed   uint64 // of those taken and dropped: handed on
}

// Stats returns the counts as of now.
func (i *Intake) Stats() IntakeStats {
	return IntakeStats{
		Taken:    i.count.taken.Load(),
		TooLarge: i.count.tooLarge.Load(),
		Refused:  i.count.refused.Load(),
		Dropped:  i.count.dropped.Load(),
		Failed:   i.count.failed.Load(),
		Broken:   i.count.broken.Load(),
		Passed:   i.count.passed.Load(),
	}
}

// Validate reports what is wrong with the fields. Wrap panics with the same
// error, as it is the programmer's.
func (i *Intake) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("spool: Intake."+format, args...)) }
	if v := reflect.ValueOf(i.To); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		fault("To is nil; it must be a Publisher, such as a *Spool")
	}
	for n, name := range i.Header {
		if !field.IsToken(name) {
			fault("Header[%d] is %q; it must be the name of a header, such as Content-Type", n, name)
		} else if http.CanonicalHeaderKey(name) == "Host" {
			fault("Header[%d] is %q, which Go keeps apart from the headers; every Entry has it in its field Host", n, name)
		}
	}
	if i.MaxBody < 0 {
		fault("MaxBody is %d; it must be positive, or zero for %d", i.MaxBody, int64(DefaultMaxBody))
	}
	if i.Full != Refuse && i.Full != Drop {
		fault("Full is %d; it must be Refuse (%d) or Drop (%d)", i.Full, Refuse, Drop)
	}
	if i.TempDir != "" && !i.Pass {
		fault("TempDir is %q, but Pass is false: nothing is kept there", i.TempDir)
	}
	if i.Timeout < 0 {
		fault("Timeout is %v; it must be positive, or zero for %v", i.Timeout, DefaultTimeout)
	}
	return errors.Join(errs...)
}

// Wrap stores the requests on their way to next. It panics if Validate finds a
// fault, or if next is nil though Pass or Skip hand requests on to it. Without
// those next may be nil, since it is never called.
func (i *Intake) Wrap(next http.Handler) http.Handler {
	if err := i.Validate(); err != nil {
		panic(err)
	}
	if next == nil && (i.Pass || i.Skip != nil) {
		panic("spool: Intake.Wrap of a nil http.Handler, to which Pass or Skip would hand requests on")
	}
	return &intake{Intake: i, next: next, names: i.headers()}
}

// headers are the names of Header in canonical form.
func (i *Intake) headers() []string {
	names := i.Header
	if names == nil {
		names = DefaultHeader()
	}
	names = slices.Clone(names)
	for n, name := range names {
		names[n] = http.CanonicalHeaderKey(name)
	}
	return names
}

type idKey struct{}

// ID is the ID under which an [Intake] with Pass has stored the request whose
// context this is; empty if it has stored none.
func ID(ctx context.Context) string {
	id, _ := ctx.Value(idKey{}).(string)
	return id
}
