//go:build linux

package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/offpath/journal"
)

func TestAJournaldThatHangsHoldsUpNobodyAndEachDropIsCounted(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := sender(t, j)
	j.Signal(syscall.SIGSTOP)
	const asked = 10_000
	sent := 0
	for i := range asked {
		e := journal.Entry{Message: fmt.Sprint(i), Fields: []journal.Field{kind("x")}}
		if i%100 == 0 {
			e.Message = strings.Repeat("x", 100<<10)
		}
		switch err := s.Send(e); err {
		case nil:
			sent++
		case journal.ErrFull:
		default:
			t.Fatal(err)
		}
	}
	if stats, want := s.Stats(), (journal.Stats{Sent: int64(sent), Dropped: int64(asked - sent)}); stats != want {
		t.Errorf("counted %+v, not %+v", stats, want)
	}
	if sent < 100 || sent > 1000 {
		t.Errorf("%d were sent, which is not as much as waits for a journald", sent)
	}
	j.Signal(syscall.SIGCONT)
	if found := j.Entries("TEST_KIND=x"); len(found) != sent {
		t.Errorf("%d were sent and %d are in the journal", sent, len(found))
	}
	mustSend(t, s, journal.Entry{Message: "after", Fields: []journal.Field{kind("y")}})
	if found := j.Entries("TEST_KIND=y"); len(found) != 1 {
		t.Errorf("%d entries after it went on", len(found))
	}
}

func TestASenderOutlivesJournald(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := sender(t, j)
	mustSend(t, s, journal.Entry{Message: "before", Fields: []journal.Field{kind("x")}})
	j.Sync()
	j.Stop()
	for _, message := range []string{"small", strings.Repeat("large", 1<<20)} {
		if err := s.Send(journal.Entry{Message: message}); err != journal.ErrAbsent {
			t.Errorf("while there is a socket and no journald: %v", err)
		}
	}
	if err := os.Remove(j.Socket); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(journal.Entry{Message: "lost"}); err != journal.ErrAbsent {
		t.Errorf("while there is no socket: %v", err)
	}
	j.Restart()
	mustSend(t, s, journal.Entry{Message: "after", Fields: []journal.Field{kind("x")}})
	var found []string
	for _, entry := range j.Entries("TEST_KIND=x") {
		found = append(found, entry["MESSAGE"]...)
	}
	if want := []string{"before", "after"}; !slices.Equal(found, want) {
		t.Errorf("found %q, not %q", found, want)
	}
	if stats, want := s.Stats(), (journal.Stats{Sent: 2, Dropped: 3}); stats != want {
		t.Errorf("counted %+v, not %+v", stats, want)
	}
}

func TestManySendWhileJournaldStartsAgain(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := sender(t, j)
	const senders = 8
	quit := make(chan struct{})
	var asked [senders]int64
	var all sync.WaitGroup
	for n := range senders {
		all.Go(func() {
			for ; ; asked[n]++ {
				select {
				case <-quit:
					return
				default:
				}
				err := s.Send(journal.Entry{Message: fmt.Sprintf("%d %d\n", n, asked[n]), Fields: []journal.Field{kind(fmt.Sprint(n))}})
				if err != nil && err != journal.ErrFull && err != journal.ErrAbsent {
					t.Error(err)
				}
				time.Sleep(100 * time.Microsecond) // real: a real journald is to keep up
			}
		})
	}
	for range 3 {
		j.Restart()
	}
	close(quit)
	all.Wait()
	total := int64(0)
	for _, n := range asked {
		total += n
	}
	if stats := s.Stats(); stats.Sent+stats.Dropped != total || stats.Sent == 0 {
		t.Errorf("%d were asked for, counted %+v", total, stats)
	}
	for n := range senders {
		last := int64(-1)
		for _, entry := range j.Entries(fmt.Sprintf("TEST_KIND=%d", n)) {
			var from, number int64
			if _, err := fmt.Sscanf(entry["MESSAGE"][0], "%d %d\n", &from, &number); err != nil || from != int64(n) || number <= last {
				t.Fatalf("after number %d of sender %d comes %q (%v)", last, n, entry["MESSAGE"], err)
			}
			last = number
		}
	}
}

func TestWithoutASocketEntriesAreDropped(t *testing.T) {
	t.Parallel()
	s := &journal.Sender{Path: filepath.Join(t.TempDir(), "none")}
	defer s.Close()
	if err := s.Send(journal.Entry{Message: "x"}); err != journal.ErrAbsent {
		t.Errorf("the error is %v", err)
	}
	if stats := s.Stats(); stats != (journal.Stats{Dropped: 1}) {
		t.Errorf("counted %+v", stats)
	}
}

func TestWhatTheSystemRefusesIsDroppedAndSaidWithThePath(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &journal.Sender{Path: path + "/socket"}
	defer s.Close()
	if err := s.Send(journal.Entry{}); !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v", err)
	}
	if stats := s.Stats(); stats != (journal.Stats{Dropped: 1}) {
		t.Errorf("counted %+v", stats)
	}
}

func TestAClosedSenderSaysSo(t *testing.T) {
	t.Parallel()
	for _, used := range []bool{false, true} {
		s := &journal.Sender{Path: filepath.Join(t.TempDir(), "none")}
		if used {
			s.Send(journal.Entry{})
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := s.Send(journal.Entry{}); err != journal.ErrClosed {
			t.Errorf("used: %t: the error is %v", used, err)
		}
	}
}

func TestASendersPathIsChecked(t *testing.T) {
	for path, fault := range map[string]bool{
		"": false, journal.Socket: false, strings.Repeat("p", 107): false, strings.Repeat("p", 108): true, "a\x00b": true,
	} {
		err := (&journal.Sender{Path: path}).Validate()
		if (err != nil) != fault || fault && !strings.Contains(err.Error(), "Sender.Path") {
			t.Errorf("%q: %v", path, err)
		}
	}
}
