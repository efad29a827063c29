//go:build linux

package journal_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
