//go:build linux

package journal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/offpath/journal"
)

func TestAKilledJournalctlLosesNothing(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s, l := sender(t, j), new(log)
	following(t, &journal.Follower{Match: []string{"TEST_KIND=killed"}, Journalctl: j.Journalctl(), Handle: l.handle, OnError: l.onError, Retry: time.Second})
	settled(t, "killed")
	for turn := range 5 {
		sendNumbers(t, s, "killed", 100*turn+1, 100*turn+50)
		pid := settled(t, "killed")
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		sendNumbers(t, s, "killed", 100*turn+51, 100*turn+100)
		until(t, "its end", func() bool { return gone(fmt.Sprint(pid)) })
	}
	until(t, "all", func() bool { return len(l.messages()) >= 500 })
	if got := l.messages(); !slices.Equal(got, numbers(1, 500)) {
		t.Errorf("got %q", got)
	}
	if errs := l.errors(); len(errs) != 5 || !strings.Contains(errs[0].Error(), "killed") {
		t.Errorf("told %q", errs)
	}
}

func TestJournaldIsStartedAgainAndNothingIsLost(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s, l := sender(t, j), new(log)
	following(t, &journal.Follower{Match: []string{"TEST_KIND=again"}, Journalctl: j.Journalctl(), Handle: l.handle, OnError: l.onError})
	settled(t, "again")
	for turn := range 3 {
		sendNumbers(t, s, "again", 100*turn+1, 100*turn+50)
		j.Restart()
		sendNumbers(t, s, "again", 100*turn+51, 100*turn+100)
	}
	until(t, "all", func() bool { return len(l.messages()) >= 300 })
	if got := l.messages(); !slices.Equal(got, numbers(1, 300)) {
		t.Errorf("got %q", got)
	}
}

func TestAHandleThatFailsForAWhileLosesNothing(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s, l := sender(t, j), new(log)
	var down atomic.Bool
	down.Store(true)
	f := &journal.Follower{Match: []string{"TEST_KIND=fails"}, Journalctl: j.Journalctl(), OnError: l.onError, Retry: 200 * time.Millisecond}
	f.Handle = func(ctx context.Context, r journal.Record) error {
		if down.Load() {
			return errors.New("down")
		}
		return l.handle(ctx, r)
	}
	following(t, f)
	settled(t, "fails")
	sendNumbers(t, s, "fails", 1, 3000)
	until(t, "failures", func() bool { return len(l.errors()) >= 3 })
	down.Store(false)
	until(t, "all", func() bool { return len(l.messages()) >= 3000 })
	if got := l.messages(); !slices.Equal(got, numbers(1, 3000)) {
		t.Errorf("got %d", len(got))
	}
}

// An entry of 40 MB that is no text is 1.6 GB to journalctl, which may have less. Any user may send one.
func TestAnEntryThatIsTooMuchForJournalctlIsNotTheEnd(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	j := journald.Start(t)
	s, l := sender(t, j), new(log)
	following(t, &journal.Follower{Match: []string{"TEST_KIND=huge"}, Journalctl: j.Journalctl(), Handle: l.handle, OnError: l.onError, Retry: time.Second})
	settled(t, "huge")
	persist(t, s, entry("huge", "before"))
	persist(t, s, entry("huge", strings.Repeat("\xff", 40<<20)))
	persist(t, s, entry("huge", strings.Repeat("5 KB ", 1024)))
	persist(t, s, entry("huge", "behind"))
	until(t, "all", func() bool { return slices.Contains(l.messages(), "behind") })
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.records) != 4 || !l.records[1].Truncated || l.records[1].Get("TEST_KIND") != "huge" || l.records[1].Message() != "" || l.records[2].Truncated {
		t.Errorf("got %d records", len(l.records))
	}
	if len(l.errs) < 2 || len(l.errs) > 4 {
		t.Errorf("told %q", l.errs)
	}
}
