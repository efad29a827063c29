package capture_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/capture"
)

// idle has n goroutines wait until the function that it returns is called.
func idle(n int) (end func()) {
	quit := make(chan struct{})
	var all sync.WaitGroup
	for range n {
		all.Go(func() { <-quit })
	}
	return func() {
		close(quit)
		all.Wait()
	}
}

// BenchmarkRecording is what a recording costs around a function that does nothing: in all, and from the
// moment that it has its turn until the function is called, and from its return.
func BenchmarkRecording(b *testing.B) {
	for _, n := range []int{0, 10_000, 100_000} {
		for _, allocs := range []bool{false, true} {
			b.Run(fmt.Sprintf("idle=%d/allocs=%v", n, allocs), func(b *testing.B) {
				defer idle(n)()
				var start, stop time.Duration
				var size int
				for b.Loop() {
					began := time.Now()
					r, err := capture.Start(context.Background(), capture.Options{Allocs: allocs})
					if err != nil {
						b.Fatal(err)
					}
					start += time.Since(began)
					r.Do(func() {})
					began = time.Now()
					size += len(r.Stop().Trace)
					stop += time.Since(began)
				}
				b.ReportMetric(float64(start.Microseconds())/float64(b.N), "start-µs/op")
				b.ReportMetric(float64(stop.Microseconds())/float64(b.N), "stop-µs/op")
				b.ReportMetric(float64(size)/float64(b.N), "trace-B/op")
			})
		}
	}
}
