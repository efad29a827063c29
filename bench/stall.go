package main

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A gap is a time during which a running goroutine was held up.
type gap struct {
	at   time.Time
	long time.Duration
}

// floor is the shortest gap that is noted. It is longer than it takes to note one.
const floor = 20 * time.Microsecond

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
// may end only with the work itself. What the thread waited for a CPU, because other processes had
// them all, is taken off a gap.
func watchClock(stop *atomic.Bool, ready chan<- struct{}, gaps chan<- []gap) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	queue := newRunQueue()
	defer queue.close()
	seen := make([]gap, 0, 1<<16)
	waited, last := queue.waited(), time.Now()
	close(ready)
	for stopped := false; !stopped && len(seen) < cap(seen); {
		stopped = stop.Load()
		now := time.Now()
		if long := now.Sub(last); long > floor {
			before := waited
			waited = queue.waited()
			seen = append(seen, gap{last, long - (waited - before)})
		}
		last = now
	}
	gaps <- seen
}

// runQueue knows how long its thread has been ready to run and has had to wait for a CPU. Linux tells;
// elsewhere it knows nothing and says zero.
type runQueue struct{ stat *os.File }

func newRunQueue() runQueue {
	stat, err := os.Open("/proc/thread-self/schedstat") // stays that of the thread that opened it
	if err != nil {
		return runQueue{}
	}
	return runQueue{stat}
}

func (q runQueue) close() {
	if q.stat != nil {
		q.stat.Close()
	}
}

// waited reads the second number of schedstat: see Documentation/scheduler/sched-stats.rst of Linux.
func (q runQueue) waited() time.Duration {
	if q.stat == nil {
		return 0
	}
	var line [64]byte
	n, _ := q.stat.ReadAt(line[:], 0) // the end of the file is no fault
	fields := bytes.Fields(line[:n])
	if len(fields) < 2 {
		return 0
	}
	waited, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(waited)
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
