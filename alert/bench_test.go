package alert_test

import (
	"context"
	"log/slog"
	"strconv"
	"testing"

	"github.com/heeler-go/heeler/alert"
)

// What a caller pays. "fold" is a storm of one alert, "full" one that meets a
// stuck sink, "new" one that goes straight to an idle sink.
func BenchmarkOffer(b *testing.B) {
	stuck := make(chan struct{})
	defer close(stuck)
	hang := &recorder{do: func(context.Context, alert.Alert) error { <-stuck; return nil }}

	b.Run("fold", func(b *testing.B) {
		q := &alert.Queue{Sinks: []alert.Sink{&recorder{}}}
		defer q.Close(context.Background())
		q.Offer(example)
		b.ReportAllocs()
		for b.Loop() {
			q.Offer(example)
		}
	})
	b.Run("fold/parallel", func(b *testing.B) {
		q := &alert.Queue{Sinks: []alert.Sink{&recorder{}}}
		defer q.Close(context.Background())
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				q.Offer(example)
			}
		})
	})
	b.Run("full", func(b *testing.B) {
		q := &alert.Queue{Sinks: []alert.Sink{hang}, Size: 1}
		q.Offer(alert.Alert{Title: "a"})
		q.Offer(alert.Alert{Title: "b"})
		q.Offer(alert.Alert{Title: "c"})
		b.ReportAllocs()
		for b.Loop() {
			q.Offer(example)
		}
	})
	b.Run("new", func(b *testing.B) {
		q := &alert.Queue{Sinks: []alert.Sink{alert.Log{Level: slog.Level(-8)}}, PerMinute: -1, Fold: -1}
		defer q.Close(context.Background())
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			q.Offer(alert.Alert{Title: strconv.Itoa(i)})
		}
	})
}
