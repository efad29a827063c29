package offpath

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// A Func is a piece of work. The zero Queue[Func] does such.
type Func func(ctx context.Context)

// Go has q do f after the response: f begins when ctx has ended, which for the context of a request in
// net/http is when its handler has returned, at once where ctx never ends. It does not block, and says
// whether q took f. The place in q is taken now, and kept until f begins: many requests that last, each
// with something to do after it, fill the queue.
//
// The context of f has the values of ctx, such as the request's ID, its trace and its user, but neither its
// deadline nor its cancellation: it ends when the context given to [Queue.Close] does, and when f has
// returned, so that f may itself use Go. What a router keeps for the next request, such as chi's URL
// parameters, is to be read before: by then it may be another's.
//
// A context also ends when the client hangs up, or when a time limit is over, and then the handler may
// still be at work: what f shares with it needs a lock, and what f needs of the request, its body above
// all, is to be read before. No client waits for f: net/http sends the rest of the answer while f
// begins.
func Go(ctx context.Context, q *Queue[Func], f Func) bool {
	if f == nil {
		panic("offpath: Go: f is nil; a function is needed")
	}
	values := context.WithoutCancel(ctx)
	after := func(own context.Context) { f(heir{own, values}) }
	if ctx.Done() == nil {
		return q.Offer(after)
	}
	return q.hold(ctx, after)
}

// An heir is a context of its own with the values of another.
type heir struct {
	context.Context
	values context.Context
}

// Value asks values first. Being without cancellation, they do not answer when package context asks for
// the inner life of what can be cancelled, and the heir's own does.
func (h heir) Value(key any) any {
	if v := h.values.Value(key); v != nil {
		return v
	}
	return h.Context.Value(key)
}

// A hold is a value that waits for a context to end.
type hold[T any] struct {
	v      T
	number int64
}

// hold takes v, and lets it wait with the others once ctx has ended.
func (q *Queue[T]) hold(ctx context.Context, v T) bool {
	if !q.enter() {
		return false
	}
	q.number++
	h := &hold[T]{v: v, number: q.number}
	if q.held == nil {
		q.held = make(map[*hold[T]]struct{})
	}
	q.held[h] = struct{}{}
	q.mu.Unlock()
	context.AfterFunc(ctx, func() { q.release(h) })
	return true
}

// release lets h wait for a worker, unless Close has returned it.
func (q *Queue[T]) release(h *hold[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.held[h]; !ok {
		return
	}
	delete(q.held, h)
	q.waiting.push(h.v)
	q.staff()
}

// letGo removes all that is held and returns it in the order in which it came. q.mu is held.
func (q *Queue[T]) letGo() (values []T) {
	byNumber := func(a, b *hold[T]) int { return cmp.Compare(a.number, b.number) }
	for _, h := range slices.SortedFunc(maps.Keys(q.held), byNumber) {
		values = append(values, h.v)
		var none T
		h.v = none // what it waits for knows it until the end
	}
	clear(q.held)
	return values
}
