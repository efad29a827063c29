package offpath_test

import (
	"context"
	"testing"

	"github.com/heeler-go/heeler/offpath"
)

// What a caller pays, beside a send on a channel with select and default: "idle" is the whole way to Do and
// back, each value starting a worker, "room" meets a stuck worker, "full" that and no room, "busy" a worker
// that is at work all the time. The comparison in one run is bench's.
func BenchmarkOffer(b *testing.B) {
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
	// A stuck worker comes free when its context ends.
	stuck := func(ctx context.Context, _ int) { <-ctx.Done() }
	ended, end := context.WithCancel(context.Background())
	end()
	b.Run("queue/room", func(b *testing.B) {
		q := &offpath.Queue[int]{Do: stuck, Size: b.N + 1}
		defer q.Close(ended)
		b.ReportAllocs()
		for range b.N {
			q.Offer(1)
		}
	})
	b.Run("channel/room", func(b *testing.B) {
		c := make(chan int, b.N)
		for range b.N {
			send(c)
		}
	})
	b.Run("queue/full", func(b *testing.B) {
		q := &offpath.Queue[int]{Do: stuck, Size: 1}
		defer q.Close(ended)
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
