//go:build linux

package journal_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/offpath/journal"
)

func TestItBeginsNowAndGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := sender(t, j)
	sendNumbers(t, s, "on", 1, 15)
	j.Sync()
	cursor := filepath.Join(t.TempDir(), "cursor")
	for turn := range 3 {
		l := new(log)
		begun := time.Now()
		end := following(t, &journal.Follower{Match: []string{"TEST_KIND=on"}, Cursor: cursor, Journalctl: j.Journalctl(), Handle: l.handle, OnError: l.onError})
		from := 16 + 35*turn - 20*min(turn, 1)
		if turn == 0 {
			settled(t, "on")
		}
		sendNumbers(t, s, "on", 16+35*turn, 30+35*turn)
		want := numbers(from, 30+35*turn)
		until(t, "the records", func() bool { return len(l.messages()) == len(want) })
		end()
		if got := l.messages(); !slices.Equal(got, want) {
			t.Errorf("turn %d: %q, want %q", turn, got, want)
		}
		if errs := l.errors(); len(errs) > 0 {
			t.Errorf("turn %d, after %s: told %q", turn, time.Since(begun), errs)
		}
		sendNumbers(t, s, "on", 31+35*turn, 50+35*turn) // while it is away
		j.Sync()
	}
}

// An entry that does not match is the last at the first start: --after-cursor would skip the first that does.
func TestTheFirstRecordBehindAnotherKindIsNotSkipped(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := sender(t, j)
	persist(t, s, entry("other", "0"))
	j.Sync()
	cursor := filepath.Join(t.TempDir(), "cursor")
	f := &journal.Follower{Match: []string{"TEST_KIND=behind"}, Cursor: cursor, Journalctl: j.Journalctl(), Handle: acknowledge}
	end := following(t, f)
	settled(t, "behind")
	end()
	sendNumbers(t, s, "behind", 1, 50)
	j.Sync()
	l := new(log)
	f.Handle = l.handle
	following(t, f)
	until(t, "all", func() bool { return slices.Contains(l.messages(), "50") })
	if got := l.messages(); !slices.Equal(got, numbers(1, 50)) {
		t.Errorf("got %q", got)
	}
}

func TestAnEmptyJournalIsFollowedFromItsFirstRecord(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	j.Stop()
	empty := t.TempDir()
	command := []string{"journalctl", "--directory=" + empty}
	cursor := filepath.Join(t.TempDir(), "cursor")
	l := new(log)
	f := &journal.Follower{Match: []string{"TEST_KIND=first"}, Cursor: cursor, Journalctl: command, Handle: l.handle, OnError: l.onError, Retry: time.Second}
	end := following(t, f)
	until(t, "the place to be kept", func() bool { data, _ := os.ReadFile(cursor); return string(data) == "t=1\n" })
	end() // it has seen nothing when it ends, and the journal begins
	if errs := l.errors(); len(errs) != 1 || !strings.Contains(errs[0].Error(), "no record in the journal that this process may read") {
		t.Errorf("told %q", errs)
	}
	j.Restart()
	s := sender(t, j)
	sendNumbers(t, s, "first", 1, 20)
	j.Sync()
	f.Journalctl = j.Journalctl()
	following(t, f)
	until(t, "all", func() bool { return len(l.messages()) == 20 })
	if got := l.messages(); !slices.Equal(got, numbers(1, 20)) {
		t.Errorf("got %q", got)
	}
}

func TestACursorThatWasRotatedAwayIsAGapAndNothingElseIsLost(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s, l := sender(t, j), new(log)
	f := &journal.Follower{Match: []string{"TEST_KIND=gap"}, Cursor: filepath.Join(t.TempDir(), "cursor"), Journalctl: j.Journalctl(), Handle: l.handle, OnError: l.onError}
	end := following(t, f)
	settled(t, "gap")
	sendNumbers(t, s, "gap", 1, 10)
	until(t, "the first", func() bool { return len(l.messages()) == 10 })
	end()
	sendNumbers(t, s, "gap", 11, 20)
	j.Sync()
	files := func() int { found, _ := filepath.Glob(j.Directory + "/*/*.journal"); return len(found) }
	before := files()
	j.Signal(syscall.SIGUSR2) // rotate
	until(t, "a new file", func() bool { return files() > before })
	j.Sync()
	vacuum := exec.Command("journalctl", "--directory="+j.Directory, "--vacuum-files=1")
	if output, err := vacuum.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	sendNumbers(t, s, "gap", 21, 40)
	j.Sync()
	following(t, f)
	until(t, "the others", func() bool { return slices.Contains(l.messages(), "40") })
	if got, want := l.messages(), append(numbers(1, 10), numbers(21, 40)...); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	var gap *journal.GapError
	if errs := l.errors(); len(errs) != 1 || !errors.As(errs[0], &gap) || gap.Next == "" {
		t.Errorf("told %q", errs)
	}
}

func TestTwoFollowersDoNotShareACursor(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s, one, two := sender(t, j), new(log), new(log)
	dir := t.TempDir()
	follower := func(name string, l *log) *journal.Follower {
		return &journal.Follower{Match: []string{"TEST_KIND=two"}, Cursor: filepath.Join(dir, name), Journalctl: j.Journalctl(), Handle: l.handle, OnError: l.onError}
	}
	end := following(t, follower("one", one))
	following(t, follower("two", two))
	until(t, "both", func() bool { return len(journalctlOf(t, os.Getpid(), "two")) == 2 })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := follower("one", two).Run(ctx); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "one")) || !strings.Contains(err.Error(), "another Follower") {
		t.Errorf("a third with the cursor of the first: %v", err)
	}
	sendNumbers(t, s, "two", 1, 20)
	until(t, "all", func() bool { return len(one.messages()) == 20 && len(two.messages()) == 20 })
	end()
	following(t, follower("one", one))
	until(t, "the lock to be free again", func() bool { return len(journalctlOf(t, os.Getpid(), "two")) == 2 })
}

// journalctl --follow shows only records of the boot that is; here the machine seems to have started again.
func TestRecordsOfTheBootBeforeAreNotLost(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s, l := sender(t, j), new(log)
	f := &journal.Follower{Match: []string{"TEST_KIND=boot"}, Cursor: filepath.Join(t.TempDir(), "cursor"), Journalctl: j.Journalctl(), Handle: l.handle, OnError: func(error) {}}
	end := following(t, f)
	settled(t, "boot")
	end()
	sendNumbers(t, s, "boot", 1, 20)
	j.Sync()
	other := filepath.Join(t.TempDir(), "boot_id")
	if err := os.WriteFile(other, []byte("01234567-89ab-4def-8123-456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	namespace := []string{"unshare", "--mount"}
	if os.Geteuid() != 0 {
		namespace = append(namespace, "--user", "--map-root-user")
	}
	f.Journalctl = append(namespace, "sh", "-c", `mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"`, other)
	copied := t.TempDir() // one who is root in another namespace only cannot look into journald's
	if err := os.CopyFS(copied, os.DirFS(j.Directory)); err != nil {
		t.Fatal(err)
	}
	f.Journalctl = append(f.Journalctl, "journalctl", "--directory="+copied)
	following(t, f)
	until(t, "all", func() bool { return len(l.messages()) == 20 })
	if got := l.messages(); !slices.Equal(got, numbers(1, 20)) {
		t.Errorf("got %q", got)
	}
}
