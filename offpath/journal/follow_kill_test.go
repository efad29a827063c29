//go:build linux

package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/offpath/journal"
)

// TestAFollowerInAProcessOfItsOwn is no test but the process that others start and kill: it prints the
// text of each record before it acknowledges it.
func TestAFollowerInAProcessOfItsOwn(t *testing.T) {
	command, cursor := os.Getenv("FOLLOW_COMMAND"), os.Getenv("FOLLOW_CURSOR")
	if command == "" {
		return
	}
	f := &journal.Follower{
		Match: []string{"TEST_KIND=process"}, Cursor: cursor, Journalctl: strings.Split(command, "\n"),
		Handle: func(_ context.Context, r journal.Record) error {
			_, err := fmt.Printf("record %s\n", r.Message())
			return err
		},
	}
	t.Fatal(f.Run(t.Context()))
}

// A process is one follower, and what it has printed.
type process struct {
	cmd   *exec.Cmd
	lines chan string
}

func startFollower(t *testing.T, command []string, cursor string) *process {
	t.Helper()
	p := &process{exec.Command(os.Args[0], "-test.run=^TestAFollowerInAProcessOfItsOwn$", "-test.v"), make(chan string, 10_000)}
	p.cmd.Env = append(os.Environ(), "FOLLOW_COMMAND="+strings.Join(command, "\n"), "FOLLOW_CURSOR="+cursor)
	p.cmd.Stderr = os.Stderr
	output, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill(t) })
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			if text, ok := strings.CutPrefix(lines.Text(), "record "); ok {
				p.lines <- text
			}
		}
	}()
	return p
}

// kill ends it with SIGKILL and gives what it had printed.
func (p *process) kill(t *testing.T) (printed []string) {
	t.Helper()
	p.cmd.Process.Kill()
	for line := range p.lines {
		printed = append(printed, line)
	}
	p.cmd.Wait()
	return printed
}

// over says whether a process does nothing any more. Who has taken over its children may not have noticed yet.
func over(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func TestAJournalctlEndsWithAKilledFollower(t *testing.T) {
	t.Parallel()
	command, here := fake(t, `case "$*" in *--follow*) echo $$ >"$here/pid"; exec sleep 1000;; esac`)
	p := startFollower(t, command, "")
	var pid int
	until(t, "journalctl --follow", func() bool {
		text, _ := os.ReadFile(filepath.Join(here, "pid"))
		n, _ := fmt.Sscan(string(text), &pid)
		return n == 1
	})
	p.kill(t)
	until(t, "its end", func() bool { return over(pid) })
}

func TestAKilledFollowerLosesNothing(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := sender(t, j)
	cursor := filepath.Join(t.TempDir(), "cursor")
	var seen []string
	last := 0
	for turn := range 6 {
		p := startFollower(t, j.Journalctl(), cursor)
		var child int
		until(t, "journalctl --follow", func() bool {
			pids := journalctlOf(t, p.cmd.Process.Pid, "process")
			if len(pids) > 0 {
				child = pids[0]
			}
			return child > 0
		})
		sendNumbers(t, s, "process", last+1, last+20) // read while it is killed, at whatever moment
		for range turn * 3 {                          // of what has come since, and what comes again
			seen = append(seen, <-p.lines)
		}
		seen = append(seen, p.kill(t)...)
		until(t, "its journalctl to end with it", func() bool { return over(child) })
		sendNumbers(t, s, "process", last+21, last+70) // 50 while it is away
		last += 70
	}
	j.Sync()
	p := startFollower(t, j.Journalctl(), cursor)
	for line := range p.lines {
		if seen = append(seen, line); line == fmt.Sprint(last) {
			break
		}
	}
	slices.Sort(seen)
	again := len(seen)
	seen = slices.Compact(seen)
	want := numbers(1, last)
	slices.Sort(want)
	if !slices.Equal(seen, want) {
		t.Errorf("seen are %d of %d", len(seen), len(want))
	}
	t.Logf("%d records, %d of them again", len(seen), again-len(seen))
}
