//go:build linux

package journal_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/journal"
)

func TestJournalctlIsStartedAgainWhereItWas(t *testing.T) {
	command, here := fake(t, `case "$*" in
*--lines=1*"--cursor=s=1;i=3"*) say 3;;
*--lines=1*) say 1;;
*"--follow"*"--cursor=s=1;i=1"*) say 1; say 2; say 3; printf '{"MESSAGE":"half'; echo 'I am ill' >&2; exit 3;;
*"--follow"*"--cursor=s=1;i=3"*) say 3; echo '-- garbage --'; say 4; exec sleep 1000;;
esac`)
	l := new(log)
	following(t, &journal.Follower{Journalctl: command, Handle: l.handle, OnError: l.onError})
	until(t, "record 4", func() bool { return slices.Contains(l.messages(), "4") })
	if got := l.messages(); !slices.Equal(got, []string{"2", "3", "4"}) {
		t.Errorf("handled %q", got)
	}
	errs := l.errors()
	if len(errs) != 2 || !strings.Contains(errs[0].Error(), "exit status 3: I am ill") || !strings.Contains(errs[1].Error(), "'-'") {
		t.Errorf("told %q; called %q", errs, calls(t, here))
	}
}

func TestARecordThatJournalctlCannotPrintComesWithoutItsLongValues(t *testing.T) {
	command, _ := fake(t, `case "$*" in
*--lines=1*) say 1;;
*"--all --cursor=s=1;i="[12]" "*) kill -9 $$;;
*"--follow --no-tail --all --after-cursor=s=1;i=2 "*) say 3; exec sleep 1000;;
*--all*) ;;
*) say 1; echo '{"MESSAGE":null,"_UID":"7","__CURSOR":"s=1;i=2"}'; say 3;;
esac`)
	l := new(log)
	following(t, &journal.Follower{Journalctl: command, Handle: l.handle, OnError: l.onError})
	until(t, "record 3", func() bool { return slices.Contains(l.messages(), "3") })
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.records) != 2 || !l.records[0].Truncated || l.records[0].Cursor != "s=1;i=2" || l.records[0].Get("_UID") != "7" || l.records[1].Truncated {
		t.Errorf("handled %+v", l.records)
	}
	if len(l.errs) != 2 || !strings.Contains(l.errs[0].Error(), "signal: killed") {
		t.Errorf("told %q", l.errs)
	}
}

func TestTheRecordBehindOneThatJournalctlCannotPrintIsWhole(t *testing.T) {
	command, here := fake(t, `case "$*" in
*--lines=1*) say 2;;
*"--all --cursor=s=1;i=2 "*) kill -9 $$;;
*"--follow --no-tail --all --after-cursor=s=1;i=2 "*) say 3; exec sleep 1000;;
*--all*) ;;
*) echo '{"MESSAGE":null,"__CURSOR":"s=1;i=2"}'; echo '{"MESSAGE":null,"__CURSOR":"s=1;i=3"}';;
esac`)
	cursor := filepath.Join(here, "cursor")
	if err := os.WriteFile(cursor, []byte("s=1;i=2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := new(log)
	following(t, &journal.Follower{Cursor: cursor, Journalctl: command, Handle: l.handle, OnError: l.onError})
	until(t, "record 3", func() bool { return slices.Contains(l.messages(), "3") })
	if got := l.messages(); len(got) != 1 || len(l.errors()) != 2 {
		t.Errorf("handled %q, told %q", got, l.errors())
	}
}

// gone says whether no process has this number, not even a zombie.
func gone(pid string) bool {
	_, err := os.Stat("/proc/" + strings.TrimSpace(pid))
	return os.IsNotExist(err)
}

func TestNothingIsLeftOfAJournalctlThatDoesNotWantToEnd(t *testing.T) {
	command, here := fake(t, `case "$*" in
*--lines=1*) say 1;;
*--follow*) trap '' TERM INT HUP; sleep 15 & echo $! >"$here/child"; echo $$ >"$here/pid"; say 2; wait; wait; sleep 15;;
esac`)
	l := new(log)
	end := following(t, &journal.Follower{Journalctl: command, Handle: l.handle, OnError: l.onError})
	until(t, "the record", func() bool { return len(l.messages()) == 1 })
	begun := time.Now()
	if err := end(); err != context.Canceled {
		t.Errorf("Run returned %v", err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if child, err := os.ReadFile(filepath.Join(here, "child")); err != nil || exec.Command("kill", "-9", strings.TrimSpace(string(child))).Run() != nil {
		t.Errorf("what the journalctl has started itself: %q, %v", child, err)
	}
	pid, err := os.ReadFile(filepath.Join(here, "pid"))
	if err != nil || !gone(string(pid)) {
		t.Errorf("process %q is still there, %v", pid, err)
	}
}
