package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/heeler-go/heeler/offpath"
)

// queueYardstick is the least that one can do: it loses what does not fit, and does not know how much.
const queueYardstick = "channel, select and default"

// A mailbox is one way to hand values to a worker without ever waiting for it.
type mailbox struct {
	name string
	// open makes one for size values, with a worker that calls work for each. It gives a function that
	// offers a value and says whether it was taken, and one that ends the worker once all is done.
	open func(size int, work func()) (offer func() bool, end func())
}

func mailboxes() []mailbox {
	return []mailbox{
		{queueYardstick, func(size int, work func()) (func() bool, func()) {
			c := make(chan int, size)
			go receive(c, work)
			return func() bool { return send(c) }, func() { close(c) }
		}},
		{"the same, and what is lost is counted", func(size int, work func()) (func() bool, func()) {
			c, lost := make(chan int, size), new(atomic.Int64)
			go receive(c, work)
			return func() bool {
				taken := send(c)
				if !taken {
					lost.Add(1)
				}
				return taken
			}, func() { close(c) }
		}},
		{"heeler Offer", func(size int, work func()) (func() bool, func()) {
			q := &offpath.Queue[int]{Do: func(context.Context, int) { work() }, Size: size}
			return func() bool { return q.Offer(1) }, func() { q.Close(context.Background()) }
		}},
	}
}

func send(c chan<- int) bool {
	select {
	case c <- 1:
		return true
	default:
		return false
	}
}

func receive(c <-chan int, work func()) {
	for range c {
		work()
	}
}

// A plight is the state of a mailbox's worker while values are offered.
type plight struct {
	name  string
	bench func(*testing.B, mailbox)
}

func plights() []plight {
	return []plight{
		{"the worker is stuck, and there is room", stuckWithRoom},
		{"it is stuck, and there is none", func(b *testing.B, m mailbox) { stuckAndFull(b, m, oneAfterAnother) }},
		{"there is none, and as many goroutines offer as there are CPUs", func(b *testing.B, m mailbox) { stuckAndFull(b, m, atOnce) }},
		{"the worker is at work all the time", func(b *testing.B, m mailbox) { atWork(b, m, oneAfterAnother) }},
		{"it is, and as many goroutines offer as there are CPUs", func(b *testing.B, m mailbox) { atWork(b, m, atOnce) }},
		{"the worker is idle, and has done the work when the next value is offered", thereAndBack},
	}
}

// stuckWithRoom lets the worker have its way whenever the mailbox is full, while nobody measures.
func stuckWithRoom(b *testing.B, m mailbox) {
	const room = 4096
	var (
		gate sync.RWMutex
		done atomic.Int64
	)
	offer, end := m.open(room, func() {
		gate.RLock()
		defer gate.RUnlock()
		done.Add(1)
	})
	defer end()
	taken := int64(0)
	offerAll := func(n int) {
		for range n {
			if offer() {
				taken++
			}
		}
	}
	gate.Lock()
	offerAll(room) // whoever grows has grown then
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; left -= room {
		b.StopTimer()
		gate.Unlock()
		for done.Load() < taken {
			runtime.Gosched()
		}
		gate.Lock()
		b.StartTimer()
		offerAll(min(left, room))
	}
	b.StopTimer()
	gate.Unlock()
	if want := int64(b.N) + room; taken != want {
		b.Errorf("%s: %d were taken, want %d", m.name, taken, want)
	}
}

func stuckAndFull(b *testing.B, m mailbox, offered func(*testing.B, func() bool)) {
	release := make(chan struct{})
	offer, end := m.open(1, func() { <-release })
	defer end()
	defer close(release)
	for offer() {
	}
	offered(b, offer)
}

func atWork(b *testing.B, m mailbox, offered func(*testing.B, func() bool)) {
	offer, end := m.open(256, func() {})
	defer end()
	offered(b, offer)
}

func thereAndBack(b *testing.B, m mailbox) {
	done := make(chan struct{})
	offer, end := m.open(256, func() { done <- struct{}{} })
	defer end()
	b.ReportAllocs()
	for b.Loop() {
		offer()
		<-done
	}
}

// on makes what is measured of the mailboxes in a plight.
func (p plight) on(all []mailbox) []trial {
	var trials []trial
	for _, m := range all {
		trials = append(trials, trial{m.name, func(b *testing.B) { p.bench(b, m) }})
	}
	return trials
}

func reportQueues(w io.Writer, p plan) error {
	fmt.Fprintf(w, "\nThe cost of one value offered to a worker: medians of %d rounds, with %d MB in use.\n"+
		"The ratio is to %s in the same round, which only looks where it is full,\n"+
		"while who counts what is lost writes, each in turn.\n", p.rounds, heap>>20, queueYardstick)
	for _, one := range plights() {
		costs, err := measure(one.on(mailboxes()), p.rounds, p.each)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\nWhen %s:\n\n", one.name)
		costTable(costs, queueYardstick).writeTo(w)
	}
	return nil
}
