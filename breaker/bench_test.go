package breaker_test

import (
	"context"
	"testing"

	"github.com/heeler-go/heeler/breaker"
	"github.com/sony/gobreaker/v2"
)

func BenchmarkDo(b *testing.B) {
	ctx := context.Background()
	nothing := func(context.Context) error { return nil }
	b.Run("heeler", func(b *testing.B) {
		br := &breaker.Breaker{Name: "mysql"}
		b.ReportAllocs()
		for b.Loop() {
			br.Do(ctx, nothing)
		}
	})
	b.Run("gobreaker", func(b *testing.B) {
		br := gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{Interval: 10e9, BucketPeriod: 1e9})
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
			br.Do(ctx, nothing)
		}
	})
}
