//go:build linux

package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/journal"
)

// A log has what a Follower did, in order.
type log struct {
	mu      sync.Mutex
	records []journal.Record
	errs    []error
}

func (l *log) handle(_ context.Context, r journal.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	return nil
}

func (l *log) onError(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
}

func (l *log) messages() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.records {
		all = append(all, r.Message())
	}
	return all
}

func (l *log) errors() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.errs)
}

// until waits for something that processes do.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("waited 20s for %s", what)
		}
	}
}

// fake writes a journalctl of a shell's words and gives its command. In them $here is a directory of
// its own, in which the file "calls" has the arguments of each call, and say NUMBER prints a record.
func fake(t *testing.T, script string) (command []string, here string) {
	t.Helper()
	here = t.TempDir()
	path := filepath.Join(here, "journalctl")
	script = "#!/bin/sh\nhere='" + here + "'\necho \"$*\" >>\"$here/calls\"\n" +
		`say() { echo '{"MESSAGE":"'$1'","__CURSOR":"s=1;i='$1'"}'; }` + "\n" + script
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{"/bin/sh", path}, here
}

func calls(t *testing.T, here string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(here, "calls"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func TestJournalctlIsAskedSoThatNothingIsLeftOut(t *testing.T) {
	command, here := fake(t, `case "$*" in *--lines=1*) say 1;; *--follow*) say 2; exec sleep 1000;; esac`)
	l := new(log)
	end := following(t, &journal.Follower{Match: []string{"A=1", "+", "_UID=0"}, Journalctl: append(command, "--namespace=x"), Handle: l.handle, OnError: l.onError})
	until(t, "the record", func() bool { return len(l.messages()) == 1 })
	if err := end(); err != context.Canceled {
		t.Errorf("Run returned %v", err)
	}
	const common = "--namespace=x --output=json --no-pager --quiet "
	want := []string{
		common + "--lines=1 --output-fields=_BOOT_ID --",
		common + "--all --cursor=s=1;i=1 -- A=1 + _UID=0",
		common + "--follow --no-tail --all --cursor=s=1;i=1 -- A=1 + _UID=0",
	}
	if got := calls(t, here); !slices.Equal(got, want) {
		t.Errorf("called with\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if errs := l.errors(); len(errs) > 0 {
		t.Errorf("told %q", errs)
	}
}

func TestAJournalctlThatCannotBeginIsAnErrorWithItsWords(t *testing.T) {
	command, _ := fake(t, `yes noise | head -c 100000 >&2; echo 'Failed to open files: Permission denied' >&2; exit 1`)
	f := &journal.Follower{Journalctl: command, Handle: acknowledge}
	err := f.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "Failed to open files: Permission denied") || !strings.Contains(err.Error(), "exit status 1") || len(err.Error()) > 2000 {
		t.Errorf("%v", err)
	}
	f.Journalctl = []string{"/nowhere/journalctl"}
	if err := f.Run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	f.Cursor = filepath.Join(t.TempDir(), "cursor")
	if err := os.WriteFile(f.Cursor, []byte("s=1;i=2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.Journalctl = command
	if err := f.Run(t.Context()); err == nil || !strings.Contains(err.Error(), f.Cursor) || !strings.Contains(err.Error(), "s=1;i=2") {
		t.Errorf("a cursor that it refuses: %v", err)
	}
}

func TestAGapIsTold(t *testing.T) {
	for name, story := range map[string]struct{ probe, next, from string }{
		"there are later ones": {"say 9", "s=1;i=9", "s=1;i=5"},
		"there is none behind": {"true", "", "t=1"},
	} {
		t.Run(name, func(t *testing.T) {
			command, here := fake(t, `case "$*" in *--lines=1*) `+story.probe+`;; *--follow*) exec sleep 1000;; *) say 9; say a;; esac`)
			cursor := filepath.Join(here, "cursor")
			if err := os.WriteFile(cursor, []byte("s=1;i=5"), 0o600); err != nil {
				t.Fatal(err)
			}
			l := new(log)
			end := following(t, &journal.Follower{Cursor: cursor, Journalctl: command, Handle: l.handle, OnError: l.onError})
			until(t, "the records behind", func() bool { return len(l.messages()) == 2 })
			end()
			var gap *journal.GapError
			if errs := l.errors(); len(errs) != 1 || !errors.As(errs[0], &gap) || gap.Cursor != "s=1;i=5" || gap.Next != story.next || !strings.Contains(gap.Error(), "s=1;i=5") {
				t.Errorf("told %q", errs)
			}
			if call := calls(t, here)[1]; !strings.Contains(call, "--cursor="+story.from+" ") {
				t.Errorf("called with %s", call)
			}
			if data, _ := os.ReadFile(cursor); string(data) != "s=1;i=a\n" {
				t.Errorf("kept %q", data)
			}
		})
	}
}

func TestACauseIsRunsError(t *testing.T) {
	cause := errors.New("enough")
	for _, when := range []string{"--lines=1", "--all --cursor", "--follow"} {
		command, here := fake(t, `case "$*" in *"`+when+`"*) echo >"$here/there"; exec sleep 1000;; *--lines=1*) say 1;; esac`)
		ctx, cancel := context.WithCancelCause(t.Context())
		result := make(chan error, 1)
		go func() { result <- (&journal.Follower{Journalctl: command, Handle: acknowledge}).Run(ctx) }()
		until(t, when, func() bool { _, err := os.Stat(filepath.Join(here, "there")); return err == nil })
		cancel(cause)
		if err := <-result; err != cause {
			t.Errorf("during %s: %v", when, err)
		}
	}
}

func TestACursorThatCannotBeWrittenIsToldAndNothingStops(t *testing.T) {
	command, here := fake(t, `case "$*" in *--lines=1*) say 1;; *--follow*) while [ ! -e "$here/go" ]; do sleep 0.05; done; say 2; say 3; exec sleep 1000;; esac`)
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l := new(log)
	end := following(t, &journal.Follower{Cursor: filepath.Join(dir, "cursor"), Journalctl: command, Handle: l.handle, OnError: l.onError})
	until(t, "its beginning", func() bool { return len(calls(t, here)) == 3 })
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(here, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the records and the error", func() bool { return len(l.messages()) == 2 && len(l.errors()) > 0 })
	err := end()
	if !errors.Is(err, context.Canceled) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(fmt.Sprint(err), dir) {
		t.Errorf("Run returned %v", err)
	}
}
