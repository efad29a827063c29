package request

import "context"

// LimitKey is the key under which the context of a guard that limits the
// request's time has that guard's Limit.
type LimitKey struct{}

// A Limit is a guard's limit on the time of a request.
type Limit interface {
	// Lift takes the limit off, unless it has been reached.
	Lift()
	// Outside is the request's context outside of the guard.
	Outside() context.Context
}

// LimitOf finds the innermost limit that ctx has come through; nil if there is
// none, or a record further in lifts it.
func LimitOf(ctx context.Context) Limit {
	l, _ := ctx.Value(LimitKey{}).(Limit)
	return l
}

// Lift tells the guards that ctx has come through that the request has no
// deadline from now on: those with a limit take it off, and those that watch for
// it watch no more. A limit that has been reached already stays. Guards further
// in learn of it from a record whose Lift is set.
func Lift(ctx context.Context) {
	for rec := From(ctx); rec != nil; rec = rec.Outer {
		if rec.Watcher != nil {
			rec.Watcher.Lifted()
		}
	}
	for l := LimitOf(ctx); l != nil; l = LimitOf(l.Outside()) {
		l.Lift()
	}
}

// Lifted reports whether this record, or one further out, lifts the request's
// deadline. It may be called on a nil record.
func (rec *Record) Lifted() bool {
	for ; rec != nil; rec = rec.Outer {
		if rec.Lift {
			return true
		}
	}
	return false
}
