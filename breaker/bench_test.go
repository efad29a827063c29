package breaker_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/sony/gobreaker/v2"

	"github.com/heeler-go/heeler/breaker"
)

func nothingToDo(context.Context) error { return nil }

// heap keeps the garbage collector as rare as it is in a small server.
func heap(b *testing.B) {
	live := make([]byte, 32<<20)
	b.Cleanup(func() { runtime.KeepAlive(live) })
}

func BenchmarkDo(b *testing.B) {
	heap(b)
	ctx := context.Background()
	b.Run("heeler", func(b *testing.B) {
		br := &breaker.Breaker{Name: "mysql"}
		b.ReportAllocs()
		for b.Loop() {
			br.Do(ctx, nothingToDo)
		}
	})
	b.Run("gobreaker", func(b *testing.B) {
		br := newGobreaker()
		b.ReportAllocs()
		for b.Loop() {
			br.Execute(func() (struct{}, error) { return struct{}{}, nil })
		}
	})
	b.Run("refused", func(b *testing.B) {
		br := &breaker.Breaker{Name: "mysql"}
		br.Open(0)
		b.ReportAllocs()
		for b.Loop() {
			br.Do(ctx, nothingToDo)
		}
	})
}

func BenchmarkDoAtOnce(b *testing.B) {
	heap(b)
	ctx := context.Background()
	b.Run("heeler", func(b *testing.B) {
		br := &breaker.Breaker{Name: "mysql"}
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				br.Do(ctx, nothingToDo)
			}
		})
	})
	b.Run("gobreaker", func(b *testing.B) {
		br := newGobreaker()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				br.Execute(func() (struct{}, error) { return struct{}{}, nil })
			}
		})
	})
}

// newGobreaker is one with a window as ours.
func newGobreaker() *gobreaker.CircuitBreaker[struct{}] {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{Interval: 10e9, BucketPeriod: 1e9})
}

func TestACallCostsOneAllocation(t *testing.T) {
	ctx := context.Background()
	b := &breaker.Breaker{Name: "mysql"}
	b.Do(ctx, nothingToDo)
	if n := testing.AllocsPerRun(1000, func() { b.Do(ctx, nothingToDo) }); n > 1 {
		t.Errorf("%v allocations, want one", n)
	}
	b.Open(0)
	if n := testing.AllocsPerRun(1000, func() { b.Do(ctx, nothingToDo) }); n > 1 {
		t.Errorf("%v allocations for a refusal, want one", n)
	}
}
