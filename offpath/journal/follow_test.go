package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/offpath"
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

// fake writes a journalctl of a shell's words and gives its command. In them $here is a directory of its own, in which
// the file "calls" has the arguments of each call, and say NUMBER prints a record.
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

func TestAFollowersFieldsAreChecked(t *testing.T) {
	for _, story := range []struct {
		f    journal.Follower
		want string
	}{
		{journal.Follower{}, "Handle"},
		{journal.Follower{Handle: acknowledge, Retry: -1}, "Retry"},
		{journal.Follower{Handle: acknowledge, MaxBytes: 4095}, "MaxBytes"},
		{journal.Follower{Handle: acknowledge, MaxBytes: 256<<20 + 1}, "MaxBytes"},
		{journal.Follower{Handle: acknowledge, Journalctl: []string{""}}, "Journalctl"},
		{journal.Follower{Handle: acknowledge, Match: []string{"A=1", "--rotate"}}, "Match[1]"},
		{journal.Follower{Handle: acknowledge, MaxBytes: 4096, Journalctl: []string{"x"}, Match: []string{"A=1"}}, ""},
	} {
		err := story.f.Validate()
		if story.want == "" && err != nil || story.want != "" && (err == nil || !strings.Contains(err.Error(), story.want)) {
			t.Errorf("%+v: %v", story.f, err)
		}
		if story.want != "" && story.f.Run(t.Context()) == nil {
			t.Errorf("%+v runs", story.f)
		}
	}
}

func TestAMatchIsNothingElse(t *testing.T) {
	for match, valid := range map[string]bool{
		"A=1": true, "A=": true, "_UID=0": true, "__CURSOR=x": true, "A1_B=--rotate": true, "A=x=y": true, "A=a\nb": true, "A=\xff": true, "A=1,+,B=2": true, "A=1,B=2,+,C=3": true,
		"--rotate": false, "-n1": false, "/bin/sh": false, "A": false, "=1": false, "a=1": false, "1A=1": false, "A-B=1": false, "": false, " A=1": false,
		"+": false, "+,A=1": false, "A=1,+": false, "A=1,+,+,B=1": false, "A=\x00": false,
		strings.Repeat("A", 64) + "=": true, strings.Repeat("A", 65) + "=": false, "A=" + strings.Repeat("x", 100<<10): false,
	} {
		f := journal.Follower{Handle: acknowledge, Match: strings.Split(match, ",")}
		if err := f.Validate(); (err == nil) != valid {
			t.Errorf("%.100q: %v", match, err)
		}
	}
}

func TestAMatchIsTrustedIfEachAlternativeIs(t *testing.T) {
	for match, want := range map[string]bool{
		"_UID=0": true, "A=1,_SYSTEMD_UNIT=x": true, "_UID=0,A=1": true, "_UID=0,+,_UID=1": true,
		"": false, "A=1": false, "_UID=0,+,A=1": false, "A=1,+,_UID=0": false, "_COMM=sshd": false, "_TRANSPORT=journal": false, "_BOOT_ID=1": false, "SYSLOG_IDENTIFIER=_UID=0": false,
	} {
		if got := journal.Trusted(strings.Split(match, ",")); got != want {
			t.Errorf("%q: %v", match, got)
		}
	}
	if journal.Trusted(nil) {
		t.Error("no match at all is trusted")
	}
}

func TestAPauseGrowsToItsLimit(t *testing.T) {
	for failures, want := range []time.Duration{100, 200, 400, 800, 1600, 2000, 2000} {
		want *= time.Millisecond
		for range 100 {
			if d := journal.Pause(failures, 2*time.Second); d < want/2-1 || d > want {
				t.Errorf("after %d failures: %s, want %s to %s", failures, d, want/2, want)
			}
		}
	}
	if d := journal.Pause(1_000_000, time.Minute); d < 30*time.Second || d > time.Minute {
		t.Errorf("after a million failures: %s", d)
	}
}

func TestARecordComesAgainUntilItIsAcknowledged(t *testing.T) {
	refused := errors.New("refused")
	for name, fail := range map[string]func() error{
		"an error": func() error { return refused },
		"a panic":  func() error { panic(refused) },
		"Goexit":   func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun, times := time.Now(), 0
				var errs []*journal.HandleError
				f := &journal.Follower{Retry: 2 * time.Second}
				f.Handle = func(_ context.Context, r journal.Record) error {
					if times++; times <= 8 {
						return fail()
					}
					return nil
				}
				f.OnError = func(err error) {
					var e *journal.HandleError
					if !errors.As(err, &e) {
						t.Errorf("told %v", err)
					}
					errs = append(errs, e)
				}
				if !f.Deliver(t.Context(), journal.Record{Cursor: "s=1;i=7"}) || times != 9 || len(errs) != 8 {
					t.Fatalf("called %d times, told %d", times, len(errs))
				}
				if took := time.Since(begun); took < 4500*time.Millisecond || took > 9100*time.Millisecond { // 0.1, 0.2 … 1.6, 2, 2, 2, or half of it
					t.Errorf("took %s", took)
				}
				e := errs[7]
				if e.Times != 8 || e.Record.Cursor != "s=1;i=7" || e.Pause < time.Second || !strings.Contains(e.Error(), "s=1;i=7") {
					t.Errorf("%+v: %v", e, e)
				}
				var panicked *offpath.PanicError
				if errors.As(e, &panicked) == (name == "an error") || name != "Goexit" && !errors.Is(e, refused) {
					t.Errorf("%v", e)
				}
			})
		})
	}
}

func TestARecordIsNotAcknowledgedWhenTheTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		f := &journal.Follower{Handle: func(ctx context.Context, _ journal.Record) error { return errors.New("no") }, OnError: func(error) {}}
		begun := time.Now()
		if f.Deliver(ctx, journal.Record{}) || time.Since(begun) != time.Hour {
			t.Errorf("after %s", time.Since(begun))
		}
		f.Handle = func(context.Context, journal.Record) error { t.Error("called"); return nil }
		if f.Deliver(ctx, journal.Record{}) {
			t.Error("delivered")
		}
	})
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
