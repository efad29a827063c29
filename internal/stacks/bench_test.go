package stacks_test

import (
	"fmt"
	"testing"

	"github.com/heeler-go/heeler/internal/stacks"
)

// BenchmarkSweep sweeps a process of idle goroutines, one of which bears a label.
func BenchmarkSweep(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			stop := make(chan struct{})
			defer close(stop)
			for range n {
				go child(stop)
			}
			labelled(newID(), func() { <-stop })
			b.ReportAllocs()
			for b.Loop() {
				if _, err := stacks.Sweep(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	data := labelledProfile(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := stacks.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
