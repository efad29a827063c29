package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// longestGap runs work and gives the longest time during it that a running goroutine was held up: one
// looks at the clock without pause, on an operating system thread of its own, and notes the widest gap
// between two looks. It gives the time that work took, too.
func longestGap(work func() error) (gap, took time.Duration, err error) {
	runtime.GC()
	var stop atomic.Bool
	ready, widest := make(chan struct{}), make(chan time.Duration)
	go watchClock(&stop, ready, widest)
	<-ready
	start := time.Now()
	err = work()
	took = time.Since(start)
	stop.Store(true)
	return <-widest, took, err
}

// watchClock is the goroutine that looks at the clock, until stop says so, and then once more: a gap
// may end only with the work itself.
func watchClock(stop *atomic.Bool, ready chan<- struct{}, widest chan<- time.Duration) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	close(ready)
	var gap time.Duration
	last := time.Now()
	for stopped := false; !stopped; {
		stopped = stop.Load()
		now := time.Now()
		gap = max(gap, now.Sub(last))
		last = now
	}
	widest <- gap
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

func (d *dumper) dump() error {
	runtime.Stack(d.buf, true)
	return nil
}

// A stall is how long others were held up at one number of goroutines: medians over the captures of
// the longest gap in each.
type stall struct {
	goroutines          int
	dump, capture, idle time.Duration
	dumpTook, tookUntil time.Duration
}
