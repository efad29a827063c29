package page_test

import (
	"testing"

	"github.com/heeler-go/heeler/profile/internal/result"
)

func BenchmarkPage(b *testing.B) {
	for name, res := range map[string]*result.Result{"usual": repository(b, 20), "huge": huge(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.SetBytes(int64(get(res, "").Body.Len()))
			}
		})
	}
}
