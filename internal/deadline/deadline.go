// Package deadline watches many deadlines with one timer.
//
// A guard enters every request with the time at which it becomes due and takes
// it out when it ends. Nearly all end before they are due, so a timer for each
// would be made and stopped for nothing: 220 ns and an allocation a request,
// against some 40 ns and none here. The entry is embedded in the guard's own
// record of the request.
//
// The clock is the monotonic one, as a [time.Duration] since the process
// started; see [Now].
package deadline

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Never is the time of an entry that is in the list but not due at all.
const Never time.Duration = math.MaxInt64

var epoch = time.Now()

// Now is the time since the process started. It is negative inside a
// testing/synctest bubble, whose clock stands in the year 2000.
func Now() time.Duration { return time.Since(epoch) }

// At turns a time on this package's clock into one that the time and context
// packages understand.
func At(t time.Duration) time.Time { return epoch.Add(t) }

// Of turns a time into one on this package's clock.
func Of(t time.Time) time.Duration { return t.Sub(epoch) }

const shards = 32 // a power of two; more than the cores that meet here at once

// A List holds entries until they are removed and calls Fire when the first of
// them is due. The zero List with Fire set is ready. All methods may be called
// from several goroutines.
//
// The list owns no goroutine. Its timer ends by itself once nothing is due.
type List[T any] struct {
	// Fire is called in a goroutine of its own when an entry may be due. It
	// calls Collect and acts on what it gets. It may be called for nothing,
	// and again before an earlier call has returned.
	Fire func(now time.Duration)

	mu     sync.Mutex
	alarms []time.Duration // when the timers fire that are there, the earliest last
	wake   atomic.Int64    // the earliest of them; 0 if there is none

	shard [shards]struct {
		mu    sync.Mutex
		first *Entry[T]
		added uint64
		size  int
		_     [32]byte // a cache line to each
	}
}

// An Entry is a place in a List, embedded in what it stands for.
type Entry[T any] struct {
	// Item is what the entry stands for, set before Add.
	Item T
	// Early is how much before its time Collect may return the entry when it
	// is called for another one, so that what is nearly due is done in one go.
	// It is set before Add or by Set.
	Early time.Duration

	next, prev *Entry[T]
	at         time.Duration
	shard      uint8
	linked     bool
	given      bool
}

// Add enters e, due at the given time.
func (l *List[T]) Add(e *Entry[T], at time.Duration) {
	e.shard = uint8(rand.Uint32() % shards)
	e.at = at
	s := &l.shard[e.shard]
	s.mu.Lock()
	if e.next = s.first; e.next != nil {
		e.next.prev = e
	}
	s.first = e
	e.linked = true
	s.size++
	s.added++
	s.mu.Unlock()
	l.Arm(at)
}

// Set makes e due at another time, or early before it. An entry that has been
// removed stays out.
func (l *List[T]) Set(e *Entry[T], at, early time.Duration) {
	s := &l.shard[e.shard]
	s.mu.Lock()
	linked := e.linked
	e.at, e.Early = at, early
	s.mu.Unlock()
	if linked {
		l.Arm(at)
	}
}

// Remove takes e out, if it is in, and reports whether Collect or All ever
// gave it out. Whoever was not need not wait for anybody.
func (l *List[T]) Remove(e *Entry[T]) (given bool) {
	s := &l.shard[e.shard]
	s.mu.Lock()
	if e.linked {
		if e.prev != nil {
			e.prev.next = e.next
		} else {
			s.first = e.next
		}
		if e.next != nil {
			e.next.prev = e.prev
		}
		e.next, e.prev, e.linked = nil, nil, false
		s.size--
	}
	given = e.given
	s.mu.Unlock()
	return given
}

// Collect appends the items that are due to items. They stay in the list, due
// Never, until Set or Remove. The timer is armed for the next one.
func (l *List[T]) Collect(now time.Duration, items []T) []T {
	next := Never
	for i := range l.shard {
		s := &l.shard[i]
		s.mu.Lock()
		for e := s.first; e != nil; e = e.next {
			if (e.at < 0) != (now < 0) {
				continue // it goes by the clock of a bubble, or we do
			}
			if e.at-e.Early <= now {
				e.at = Never
				e.given = true
				items = append(items, e.Item)
			}
			next = min(next, e.at)
		}
		s.mu.Unlock()
	}
	if now >= 0 { // in a bubble each has a timer of its own
		l.Arm(next)
	}
	return items
}

// All returns every item in the list.
func (l *List[T]) All() (items []T) {
	for i := range l.shard {
		s := &l.shard[i]
		s.mu.Lock()
		for e := s.first; e != nil; e = e.next {
			e.given = true
			items = append(items, e.Item)
		}
		s.mu.Unlock()
	}
	return items
}

// Len reports how many entries are in the list and how many were ever added.
func (l *List[T]) Len() (size int, added uint64) {
	for i := range l.shard {
		s := &l.shard[i]
		s.mu.Lock()
		size += s.size
		added += s.added
		s.mu.Unlock()
	}
	return size, added
}

// Arm sees to it that Fire is called at the given time or soon after.
//
// Timers are made anew and never stopped or reset, because a guard may be
// shared by several synctest bubbles and a timer may not leave its bubble. For
// the same reason a time inside a bubble, which is negative, always gets a
// timer: one that was armed before may have gone with its bubble. Any other
// time gets one only if none will fire before it.
func (l *List[T]) Arm(at time.Duration) {
	if at == Never {
		return
	}
	if at >= 0 && !l.alarm(at) {
		return
	}
	time.AfterFunc(at-Now(), l.fire)
}

// alarm notes that there will be a timer for the given time, unless one that
// is there fires early enough.
func (l *List[T]) alarm(at time.Duration) bool {
	if wake := l.wake.Load(); wake != 0 && wake <= int64(at) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.alarms); n > 0 && l.alarms[n-1] <= at {
		return false
	}
	l.alarms = append(l.alarms, at)
	l.wake.Store(max(int64(at), 1))
	return true
}

// rung forgets the timers that have fired by now.
func (l *List[T]) rung(now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.alarms)
	for n > 0 && l.alarms[n-1] <= now {
		n--
	}
	l.alarms = l.alarms[:n]
	wake := int64(0)
	if n > 0 {
		wake = max(int64(l.alarms[n-1]), 1)
	}
	l.wake.Store(wake)
}

func (l *List[T]) fire() {
	now := Now()
	if now >= 0 {
		l.rung(now)
	}
	l.Fire(now)
}
