package drain

import (
	"context"
	"iter"
)

// The kinds of what is kept.
const (
	stream = iota
	hijacked
)

// The states of what is kept. Whoever moves it on does what follows.
const (
	open  uint8 = iota
	told        // its turn has come
	cut         // by force
	ended       // it is in the list no more
)

// A kept is a long-lived connection or stream, in the list of its Drainer. It is embedded in what stands for
// it. Of a hijacked connection it is all that there is once the handler has returned: it refers to no
// request and to no context. Its links, its state and its hook are guarded by the Drainer's mu.
type kept struct {
	next, prev *kept
	drainer    *Drainer
	client     uint64
	self       peer
	say        func(context.Context) // the hook; nil if there is none
	kind       uint8
	state      uint8
}

// A peer is who is at the other end.
type peer interface {
	goodbye() // ends it in its turn, where there is no hook
	cut()     // ends it by force
}

// list is a list of what is kept. What enters is in front.
type list struct{ first *kept }

func (l *list) add(k *kept) {
	if k.next = l.first; k.next != nil {
		k.next.prev = k
	}
	l.first = k
}

func (l *list) remove(k *kept) {
	if k.prev != nil {
		k.prev.next = k.next
	} else {
		l.first = k.next
	}
	if k.next != nil {
		k.next.prev = k.prev
	}
	k.next, k.prev = nil, nil
}

func (l *list) all() iter.Seq[*kept] {
	return func(yield func(*kept) bool) {
		for k := l.first; k != nil; k = k.next {
			if !yield(k) {
				return
			}
		}
	}
}

// keep enters what has a slot of the client's.
func (d *Drainer) keep(k *kept, kind uint8, client uint64, self peer) {
	d.mu.Lock()
	if k.state == ended { // by a handler that goes on without anybody waiting for it
		d.give(client)
		d.mu.Unlock()
		return
	}
	k.drainer, k.kind, k.client, k.self = d, kind, client, self
	d.kept.add(k)
	d.kinds[kind]++
	late := d.late != nil
	if late {
		*d.late = append(*d.late, k)
	}
	d.mu.Unlock()
	if late {
		d.notify()
	}
}

// leave takes it out and gives its slot back, once.
func (k *kept) leave() {
	if k.drainer.remove(k) {
		k.drainer.notify()
	}
}

func (d *Drainer) remove(k *kept) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	entered := k.self != nil && k.state != ended
	k.state, k.say = ended, nil
	if entered {
		d.kept.remove(k)
		d.kinds[k.kind]--
		d.give(k.client)
	}
	return entered
}

// hook sets the hook and reports whether that was in time.
func (k *kept) hook(say func(context.Context)) bool {
	k.drainer.mu.Lock()
	defer k.drainer.mu.Unlock()
	if k.state != open {
		return false
	}
	k.say = say
	return true
}
