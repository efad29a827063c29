package journal_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/offpath/journal"
)

// entry is one of a kind.
func entry(of, message string, more ...journal.Field) journal.Entry {
	return journal.Entry{Message: message, Fields: append([]journal.Field{kind(of)}, more...)}
}

// numbers are the texts from one number to another.
func numbers(from, to int) (all []string) {
	for n := from; n <= to; n++ {
		all = append(all, fmt.Sprint(n))
	}
	return all
}

// sendNumbers sends entries with these texts.
func sendNumbers(t *testing.T, s *journal.Sender, of string, from, to int) {
	t.Helper()
	for _, n := range numbers(from, to) {
		persist(t, s, entry(of, n))
	}
}

// journalctlOf finds the processes of journalctl --follow below a parent.
func journalctlOf(t *testing.T, parent int, of string) (pids []int) {
	t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		line, _ := os.ReadFile(path)
		stat, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "stat"))
		var pid, ppid int
		var state string
		if at := strings.LastIndex(string(stat), ")"); at > 0 {
			fmt.Sscan(string(stat), &pid)
			fmt.Sscan(string(stat[at+1:]), &state, &ppid)
		}
		if ppid == parent && strings.Contains(string(line), "--follow") && strings.Contains(string(line), "TEST_KIND="+of) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// settled waits until journalctl --follow runs for a kind.
func settled(t *testing.T, of string) (pid int) {
	t.Helper()
	until(t, "journalctl --follow", func() bool {
		pids := journalctlOf(t, os.Getpid(), of)
		if len(pids) == 1 {
			pid = pids[0]
		}
		return len(pids) == 1
	})
	return pid
}

func TestAllShapesArriveAsTheyWereSent(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s, l := sender(t, j), new(log)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	values := []string{
		"plain", "", "two\nlines", strings.Repeat("5 KB ", 1024), "\x1b[31mred\x1b[0m", "\xff\xfe", string(all), strings.Repeat("\x1b", 5000), "ä€😀", `"\/ ` + "\t\r\b\f\x01",
		strings.Repeat("x", 700_000), "SLACK: plain\n{\"MESSAGE\":\"forged\"}",
	}
	following(t, &journal.Follower{Match: []string{"TEST_KIND=shapes"}, Journalctl: j.Journalctl(), Handle: l.handle, OnError: l.onError})
	settled(t, "shapes")
	for _, v := range values {
		persist(t, s, entry("shapes", v))
	}
	persist(t, s, entry("shapes", "one", journal.Field{Name: "MESSAGE", Value: "two\x1b"}, journal.Field{Name: "MESSAGE", Value: strings.Repeat("3", 5000)}))
	persist(t, s, entry("shapes", strings.Repeat("too long ", 200_000)))
	until(t, "all", func() bool { return len(l.messages()) == len(values)+2 })
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, v := range values {
		if r := l.records[i]; !slices.Equal(r.Fields["MESSAGE"], []string{v}) || r.Truncated {
			t.Errorf("sent %.60q, got %.60q, truncated %v", v, r.Fields["MESSAGE"], r.Truncated)
		}
	}
	several := slices.Sorted(slices.Values(l.records[len(values)].Fields["MESSAGE"]))
	if want := []string{strings.Repeat("3", 5000), "one", "two\x1b"}; !slices.Equal(several, want) {
		t.Errorf("several: %.100q", several)
	}
	if long := l.records[len(values)+1]; !long.Truncated || len(long.Message()) > 1<<20 || len(long.Message()) < 1<<19 {
		t.Errorf("%d bytes, truncated %v", len(long.Message()), long.Truncated)
	}
	r := l.records[0]
	if uid, ok := r.UID(); !ok || uid != uint32(os.Getuid()) && os.Getuid() == 0 || r.Get("_PID") != fmt.Sprint(os.Getpid()) || time.Since(r.Time).Abs() > time.Minute {
		t.Errorf("%d, %v, %s, %s", uid, ok, r.Get("_PID"), r.Time)
	}
	if len(l.errs) > 0 {
		t.Errorf("told %q", l.errs)
	}
}

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
	f.Journalctl = append(f.Journalctl, j.Journalctl()...)
	following(t, f)
	until(t, "all", func() bool { return len(l.messages()) == 20 })
	if got := l.messages(); !slices.Equal(got, numbers(1, 20)) {
		t.Errorf("got %q", got)
	}
}

func TestWhatASenderSaysAboutItselfIsNotBelieved(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	l := new(log)
	following(t, &journal.Follower{Match: []string{"TEST_KIND=trust", "_COMM=forged", "+", "TEST_KIND=trust", "TEST_HONEST=1"}, Journalctl: j.Journalctl(), Handle: l.handle})
	settled(t, "trust")
	raw(t, j, "MESSAGE=forged\nTEST_KIND=trust\n_COMM=forged\n_UID=4711\n_SYSTEMD_UNIT=shop.service\n")
	raw(t, j, "MESSAGE=honest\nTEST_KIND=trust\n_COMM=forged\n_UID=4711\n_SYSTEMD_UNIT=shop.service\nTEST_HONEST=1\n")
	until(t, "the honest one", func() bool { return len(l.messages()) > 0 })
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[0]
	if uid, _ := r.UID(); r.Message() != "honest" || uid == 4711 || r.Unit() == "shop.service" || r.Get("_COMM") == "forged" {
		t.Errorf("%+v", r)
	}
}

// raw sends a datagram that no Sender would.
func raw(t *testing.T, j *journald.Journald, datagram string) {
	t.Helper()
	conn, err := net.Dial("unixgram", j.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(datagram)); err != nil {
		t.Fatal(err)
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
