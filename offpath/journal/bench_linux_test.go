package journal_test

import (
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/heeler-go/heeler/offpath/journal"
)

// drained is a socket that is read as fast as may be.
func drained(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		b.Fatal(err)
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		for buf := make([]byte, 1<<16); ; {
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
	})
	b.Cleanup(func() {
		conn.Close()
		reader.Wait()
	})
	return path
}

// BenchmarkSend is an entry of usual size, to a journald that takes it, to one that hangs, and to none.
func BenchmarkSend(b *testing.B) {
	entry := journal.Entry{Message: "order placed", Fields: []journal.Field{{Name: "SHOP_ORDER", Value: "17"}, {Name: "SHOP_USER", Value: "bob"}}}
	for _, to := range []struct{ name, path string }{
		{"taken", drained(b)}, {"full", listen(b).path}, {"absent", filepath.Join(b.TempDir(), "none")},
	} {
		b.Run(to.name, func(b *testing.B) {
			s := &journal.Sender{Path: to.path}
			defer s.Close()
			b.ReportAllocs()
			for b.Loop() {
				s.Send(entry)
			}
			stats := s.Stats()
			b.ReportMetric(float64(stats.Dropped)/float64(stats.Sent+stats.Dropped), "dropped/op")
		})
	}
}

// BenchmarkHandler is a record with three attributes, next to what slog's own handler takes to format it and
// write it nowhere.
func BenchmarkHandler(b *testing.B) {
	s := &journal.Sender{Path: drained(b)}
	defer s.Close()
	for name, handler := range map[string]slog.Handler{
		"journal": &journal.Handler{Sender: s}, "text to nowhere": slog.NewTextHandler(io.Discard, &slog.HandlerOptions{AddSource: true}),
	} {
		b.Run(name, func(b *testing.B) {
			logger := slog.New(handler)
			b.ReportAllocs()
			for b.Loop() {
				logger.Info("order placed", "order", 17, "user", "bob", "page", "/cart")
			}
		})
	}
}
