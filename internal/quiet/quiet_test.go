package quiet_test

import (
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/quiet"
)

func TestOneReportGoesOutInASpanAndSaysHowManyDidNot(t *testing.T) {
	var g quiet.Gate
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		after time.Duration
		more  int
		ok    bool
	}{
		{0, 0, true}, {0, 0, false}, {time.Minute - 1, 0, false}, {time.Minute, 2, true}, {time.Minute, 0, false},
		{3 * time.Minute, 1, true}, {5 * time.Minute, 0, true},
	} {
		if more, ok := g.Ask(start.Add(c.after), time.Minute); more != c.more || ok != c.ok {
			t.Errorf("after %v: %d more, %v; want %d, %v", c.after, more, ok, c.more, c.ok)
		}
	}
}
