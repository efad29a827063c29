package offpath_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/heeler-go/heeler/offpath"
)

// What a caller pays, beside a send on a channel with select and default: "idle" is the whole way to Do and
// back, each value starting a worker, "room" meets a stuck worker, "full" that and no room, "busy" a worker
// that is at work all the time. The comparison in one run is bench's.
func BenchmarkOffer(b *testing.B) {
	const room, hold = 1 << 12, -1
	b.Run("queue/idle", func(b *testing.B) {
		done := make(chan struct{})
		q := &offpath.Queue[int]{Do: func(context.Context, int) { done <- struct{}{} }}
		b.ReportAllocs()
		for b.Loop() {
			q.Offer(1)
			<-done
		}
	})
	b.Run("channel/idle", func(b *testing.B) {
		done, c := make(chan struct{}), make(chan int, 256)
		defer close(c)
		go func() {
			for range c {
				done <- struct{}{}
			}
		}()
		for b.Loop() {
			send(c)
			<-done
		}
	})
	b.Run("queue/room", func(b *testing.B) {
		release := make(chan struct{})
		q := &offpath.Queue[int]{Size: room, Do: func(_ context.Context, v int) {
			if v == hold {
				<-release
			}
		}}
		b.ReportAllocs()
		for i := range b.N {
			if i%room == 0 {
				b.StopTimer()
				if i > 0 {
					release <- struct{}{}
				}
				for q.Stats().Waiting > 0 {
					runtime.Gosched()
				}
				q.Offer(hold)
				for q.Stats().Waiting > 0 {
					runtime.Gosched()
				}
				b.StartTimer()
			}
			q.Offer(1)
		}
		close(release)
		if n := q.Stats().Dropped; n > 0 {
			b.Errorf("%d were dropped", n)
		}
	})
	b.Run("channel/room", func(b *testing.B) {
		c := make(chan int, room)
		for i := range b.N {
			if i%room == 0 {
				b.StopTimer()
				for len(c) > 0 {
					<-c
				}
				b.StartTimer()
			}
			send(c)
		}
	})
	b.Run("queue/full", func(b *testing.B) {
		release := make(chan struct{})
		defer close(release)
		q := &offpath.Queue[int]{Do: func(context.Context, int) { <-release }, Size: 1}
		for b.Loop() {
			q.Offer(1)
		}
	})
	b.Run("channel/full", func(b *testing.B) {
		c := make(chan int, 1)
		for b.Loop() {
			send(c)
		}
	})
	b.Run("queue/busy", func(b *testing.B) {
		q := &offpath.Queue[int]{Do: func(context.Context, int) {}}
		for b.Loop() {
			q.Offer(1)
		}
	})
	b.Run("channel/busy", func(b *testing.B) {
		c := make(chan int, 256)
		defer close(c)
		go func() {
			for range c {
			}
		}()
		for b.Loop() {
			send(c)
		}
	})
}

// send offers to a bare channel.
func send(c chan<- int) bool {
	select {
	case c <- 1:
		return true
	default:
		return false
	}
}
