package spool_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/spool"
)

// opened gives an open spool in a directory of its own, closed at the test's end.
func opened(t testing.TB, s *spool.Spool) *spool.Spool {
	t.Helper()
	if s.Path == "" {
		s.Path = filepath.Join(t.TempDir(), "test.spool")
	}
	if s.OnLost == nil {
		s.OnLost = func(l spool.Lost) { t.Errorf("a sound file has lost something: %v", l) }
	}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// publish stores a body and gives its ID.
func publish(t testing.TB, s *spool.Spool, body string) string {
	t.Helper()
	e := &spool.Entry{Method: "POST", URI: "/in"}
	if err := s.Publish(t.Context(), e, strings.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	return e.ID
}

// consume runs s until n entries have been acknowledged and gives them with their bodies.
func consume(t testing.TB, s *spool.Spool, n int) (entries []spool.Entry, bodies []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := s.Run(ctx, func(ctx context.Context, e *spool.Entry) error {
		entries, bodies = append(entries, *e), append(bodies, read(t, e.Body()))
		if len(entries) == n {
			cancel()
		}
		return nil
	})
	if err != context.Canceled {
		t.Errorf("Run says %v", err)
	}
	if len(entries) != n {
		t.Errorf("%d entries were delivered, want %d", len(entries), n)
	}
	return entries, bodies
}

func read(t testing.TB, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error("reading a body:", err)
	}
	return string(b)
}

// words is n bytes that do not repeat soon.
func words(n int) string {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		b.WriteString(time.Duration(i * 7919).String())
	}
	return b.String()[:n]
}
