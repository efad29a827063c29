//go:build unix

package journald_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// send sends datagrams to the socket that is there now.
func send(t *testing.T, j *journald.Journald, datagrams ...string) {
	t.Helper()
	conn, err := net.Dial("unixgram", j.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, datagram := range datagrams {
		if _, err := conn.Write([]byte(datagram)); err != nil {
			t.Fatal(err)
		}
	}
}

// messages are those of the entries that match.
func messages(j *journald.Journald, match ...string) (all []string) {
	for _, entry := range j.Entries(match...) {
		all = append(all, entry["MESSAGE"]...)
	}
	return all
}

func TestWhatIsSentIsReadBack(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	send(t, j, "MESSAGE=one\nKIND=a\n", "MESSAGE=two\nMESSAGE=three\x1b\xff\nKIND=a\n", "MESSAGE=four\nKIND=b\n")
	found, want := messages(j, "KIND=a"), []string{"one", "three\x1b\xff", "two"}
	slices.Sort(found) // the journal does not promise the order within an entry
	if !slices.Equal(found, want) {
		t.Errorf("found %q, not %q", found, want)
	}
}

func TestAJournalIsItsOwn(t *testing.T) {
	t.Parallel()
	before, _ := os.ReadDir("/run/log/journal")
	a, b := journald.Start(t), journald.Start(t)
	send(t, a, "MESSAGE=mine\nKIND=x\n")
	if found := messages(a, "KIND=x"); len(found) != 1 {
		t.Errorf("found %q in its own journal", found)
	}
	if found := messages(b, "KIND=x"); len(found) != 0 {
		t.Errorf("found %q in another one", found)
	}
	if after, _ := os.ReadDir("/run/log/journal"); len(after) != len(before) {
		t.Errorf("the machine's own journal had %d folders, and has %d", len(before), len(after))
	}
}

func TestItHangsAndGoesOn(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	j.Signal(syscall.SIGSTOP)
	send(t, j, "MESSAGE=waits\nKIND=x\n")
	time.Sleep(50 * time.Millisecond) // real: a real process is stopped
	read := append(j.Journalctl()[1:], "--quiet", "KIND=x")
	if output, _ := exec.Command(j.Journalctl()[0], read...).Output(); len(output) > 0 {
		t.Errorf("while stopped it wrote %q", output)
	}
	j.Signal(syscall.SIGCONT)
	if found := messages(j, "KIND=x"); !slices.Equal(found, []string{"waits"}) {
		t.Errorf("found %q after it went on", found)
	}
}

func TestItIsStoppedAndStartedAgainWithTheSameJournal(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	send(t, j, "MESSAGE=before\nKIND=x\n")
	j.Sync()
	j.Signal(syscall.SIGSTOP)
	j.Stop()
	if conn, err := net.Dial("unixgram", j.Socket); !errors.Is(err, syscall.ECONNREFUSED) {
		if err == nil {
			conn.Close()
		}
		t.Errorf("dialling a stopped journald: %v", err)
	}
	j.Restart()
	send(t, j, "MESSAGE=after\nKIND=x\n")
	if found := messages(j, "KIND=x"); !slices.Equal(found, []string{"before", "after"}) {
		t.Errorf("found %q", found)
	}
	j.Sync()
	j.Signal(syscall.SIGKILL)
	j.Restart()
	if found := messages(j, "KIND=x"); !slices.Equal(found, []string{"before", "after"}) {
		t.Errorf("found %q after it was killed", found)
	}
}

// recorder is a test that only notes how it ended.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Skipf(format string, _ ...any) {
	r.skipped = format
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, _ ...any) {
	r.failed = format
	runtime.Goexit()
}

func TestWithoutJournaldATestIsSkippedButFailsInCI(t *testing.T) {
	t.Setenv("PATH", "/nowhere") // no unshare, and no journalctl
	for _, story := range []struct{ ci, ended string }{{"", "skipped"}, {"true", "failed"}} {
		t.Setenv("CI", story.ci)
		r := &recorder{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			journald.Start(r)
		}()
		<-done
		ended := "skipped"
		if strings.Contains(r.failed, "CI=true") {
			ended = "failed"
		}
		if ended != story.ended || r.skipped == "" && r.failed == "" {
			t.Errorf("with CI=%q: skipped: %q, failed: %q", story.ci, r.skipped, r.failed)
		}
	}
}
