package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A gap is a time during which a running goroutine was held up.
type gap struct {
	at   time.Time
	long time.Duration
}

// floor is the shortest gap that is noted: less is a look at the clock that missed the cache.
const floor = 10 * time.Microsecond

// longestGap gives the longest time that a running goroutine was held up by work: one looks at the
// clock without pause, on an operating system thread of its own, and notes the gaps between two looks.
// Work says between which times it did what is to be measured.
func longestGap(work func() (from, to time.Time)) time.Duration {
	runtime.GC()
	var stop atomic.Bool
	ready, gaps := make(chan struct{}), make(chan []gap)
	go watchClock(&stop, ready, gaps)
	<-ready
	from, to := work()
	stop.Store(true)
	longest := floor
	for _, g := range <-gaps {
		if g.at.Before(to) && g.at.Add(g.long).After(from) {
			longest = max(longest, g.long)
		}
	}
	return longest
}

// watchClock is the goroutine that looks at the clock, until stop says so, and then once more: a gap
// may end only with the work itself.
func watchClock(stop *atomic.Bool, ready chan<- struct{}, gaps chan<- []gap) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	seen := make([]gap, 0, 1<<16)
	close(ready)
	last := time.Now()
	for stopped := false; !stopped && len(seen) < cap(seen); {
		stopped = stop.Load()
		now := time.Now()
		if long := now.Sub(last); long > floor {
			seen = append(seen, gap{last, long})
		}
		last = now
	}
	gaps <- seen
}

// crowd is a number of goroutines that wait, as those of idle connections do.
type crowd struct {
	leave chan struct{}
	gone  sync.WaitGroup
}

// newCrowd starts n goroutines and returns when all of them wait.
func newCrowd(n int) *crowd {
	c := &crowd{leave: make(chan struct{})}
	var here sync.WaitGroup
	here.Add(n)
	for range n {
		c.gone.Go(func() { c.stand(depth, &here) })
	}
	here.Wait()
	return c
}

// depth is how many calls deep a goroutine of the crowd stands. One that waits for the next request of
// a kept connection stands about as deep.
const depth = 8

//go:noinline
func (c *crowd) stand(calls int, here *sync.WaitGroup) {
	if calls > 1 {
		c.stand(calls-1, here)
		return
	}
	here.Done()
	<-c.leave
}

func (c *crowd) disperse() {
	close(c.leave)
	c.gone.Wait()
}

// dumper takes the stacks of all goroutines with runtime.Stack, which stops the world until the buffer
// is written. The buffer is kept, so that only the first dump pays for its memory.
type dumper struct{ buf []byte }

// newDumper finds out how much room a whole dump takes.
func newDumper() *dumper {
	d := &dumper{buf: make([]byte, 1<<20)}
	for runtime.Stack(d.buf, true) == len(d.buf) {
		d.buf = make([]byte, 2*len(d.buf))
	}
	return d
}

func (d *dumper) dump() (from, to time.Time) {
	from = time.Now()
	runtime.Stack(d.buf, true)
	return from, time.Now()
}
