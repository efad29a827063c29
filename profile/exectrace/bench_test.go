package exectrace_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/exectrace"
)

// BenchmarkRead reads the trace of a request with some children among 200 busy strangers.
func BenchmarkRead(b *testing.B) {
	stop := crowd(200)
	defer stop()
	traced := taken(b, func() {
		enter(func() {
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() { time.Sleep(100 * time.Millisecond) })
			}
			wg.Wait()
		})
	})
	b.SetBytes(int64(len(traced)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := exectrace.Read(bytes.NewReader(traced), region); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProfileAndPath are for an execution of 200 goroutines with 1,000 waits each.
func BenchmarkProfileAndPath(b *testing.B) {
	x := execution(b, func() {
		var wg sync.WaitGroup
		c := make(chan int)
		for range 100 {
			wg.Go(func() {
				for n := range 1000 {
					c <- n
				}
			})
			wg.Go(func() {
				for range 1000 {
					<-c
				}
			})
		}
		wg.Wait()
	})
	b.Run("profile", func(b *testing.B) {
		for b.Loop() {
			x.Profile()
		}
	})
	b.Run("path", func(b *testing.B) {
		for b.Loop() {
			x.Path()
		}
	})
}
