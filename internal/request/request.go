// Package request is the thread that runs through the guards: one Record for a
// request, made by the outermost guard that needs one and found by the others
// through the context. So no guard needs another one to be there.
package request

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// A Record is what the guards know of one request in common. It is itself the
// request's context below the guard that made it, which saves an allocation.
// Its fields are set when it is made.
type Record struct {
	context.Context // the request's own: cancellation and values come from it

	// ID is unguessable and never used twice, not even after the request has
	// ended: background goroutines keep the label of whoever started them. It is
	// empty in the record of a guard that needs none.
	ID string
	// Start is when the guard saw the request, on deadline's clock.
	Start time.Duration
	// Watcher is told of deadlines; nil if nobody is.
	Watcher Watcher
	// Outer is the record of a guard further out; nil if there is none. It is
	// told whatever this one is.
	Outer *Record
	// Guard is who made the record, if it wants to know its own requests again:
	// a guard may be wrapped around itself. Nil if it does not.
	Guard any
	// Lift says that the request has no deadline inside of this guard, and that
	// limits further out, which the context may still know, are none of it. See
	// also the function Lift, which is for the guards further out.
	Lift bool

	fate  atomic.Int32
	tally atomic.Pointer[tally]
}

// A Refuser is an error that says which backend, or host, takes no calls and
// for how much longer. A breaker's OpenError is one, and backoff's Error; backoff turns
// it into an answer.
type Refuser interface {
	error
	Refused() (name string, left time.Duration)
}

// A Watcher is told what becomes of the request's deadline after its start.
type Watcher interface {
	DeadlineSet(at time.Duration) // on deadline's clock
	Lifted()                      // there is none from now on, and to be late is no fault
}

type key struct{}

// From finds the record of the request whose context ctx comes from; nil if
// there is none.
func From(ctx context.Context) *Record {
	rec, _ := ctx.Value(key{}).(*Record)
	return rec
}

// Value is the context's; the record finds itself. One that lifts the deadline
// hides the limits outside.
func (rec *Record) Value(k any) any {
	if k == (key{}) {
		return rec
	}
	if rec.Lift && k == (LimitKey{}) {
		return nil
	}
	return rec.Context.Value(k)
}

// AfterFunc is what the context package looks for in contexts not its own: if the
// one inside has it, what is derived from the record costs no goroutine either.
func (rec *Record) AfterFunc(f func()) (stop func() bool) {
	return context.AfterFunc(rec.Context, f)
}

// MadeBy reports whether the guard has made this record or one further out. It
// may be called on a nil record.
func (rec *Record) MadeBy(guard any) bool {
	for ; rec != nil; rec = rec.Outer {
		if rec.Guard == guard {
			return true
		}
	}
	return false
}

// SetDeadline says that the request will be answered at the given time at the
// latest, on deadline's clock. It may be called on a nil record.
func (rec *Record) SetDeadline(at time.Duration) {
	for ; rec != nil; rec = rec.Outer {
		if rec.Watcher != nil {
			rec.Watcher.DeadlineSet(at)
		}
	}
}

// A Fate is what a box did with a request at its limit.
type Fate int32

const (
	Own     Fate = iota // nothing: the response is the handler's own
	Refused             // answered 503
	Cut                 // closed the connection, since the response had begun
	Left                // closed the connection, since the client had left
)

// Settle says what a box does with the request, before it does it: a takeover
// of the connection that follows is not the handler's. It may be called on a
// nil record.
func (rec *Record) Settle(f Fate) {
	for ; rec != nil; rec = rec.Outer {
		rec.fate.Store(int32(f))
	}
}

// Fate is what a box has done with the request.
func (rec *Record) Fate() Fate { return Fate(rec.fate.Load()) }

// An Inner is a handler that can be given the record before it is in the
// request's context. A guard directly inside another one copies the request
// once for both.
type Inner interface {
	ServeRecord(w http.ResponseWriter, r *http.Request, rec *Record)
}

// Serve calls next with ctx as the request's context, copying the request only
// if it has another.
func Serve(next http.Handler, w http.ResponseWriter, r *http.Request, ctx context.Context) {
	if r.Context() == ctx {
		next.ServeHTTP(w, r)
		return
	}
	inside := r.WithContext(ctx)
	defer HandBack(r, inside) // after a panic, too: a guard further out may answer for it
	next.ServeHTTP(w, inside)
}

// Outside is what a guard finds of a request that it was given with the record of
// the guard directly outside, or nil: the context, and the record around.
func Outside(r *http.Request, rec *Record) (context.Context, *Record) {
	if rec != nil {
		return rec, rec
	}
	ctx := r.Context()
	return ctx, From(ctx)
}

// Inside is what a guard around next passes its requests to: next, or if that is
// no guard, what makes the record the context of a copy of the request.
func Inside(next http.Handler) Inner {
	if inner, ok := next.(Inner); ok {
		return inner
	}
	return &innermost{next}
}

// An innermost has no guard directly inside.
type innermost struct{ next http.Handler }

func (h *innermost) ServeRecord(w http.ResponseWriter, r *http.Request, rec *Record) {
	inside := r.WithContext(rec)
	defer HandBack(r, inside) // after a panic, too: a guard further out may answer for it
	h.next.ServeHTTP(w, inside)
}

// Gone reports whether the client has left, as far as can be known: then the
// server cancels the request's context, and gives no cause. A deadline outside
// is none of it, nor a shutdown that has one.
func Gone(ctx context.Context) bool { return context.Cause(ctx) == context.Canceled }

// HandBack gives a request what was written into its copy: the pattern, by a
// mux, and the form, whose files the server removes at the end.
func HandBack(r, inside *http.Request) {
	r.Pattern, r.MultipartForm = inside.Pattern, inside.MultipartForm
}
