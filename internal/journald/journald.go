// Package journald starts real, private systemd-journalds for tests, on Linux. Each has a /run of its own
// in a mount namespace of its own, so it neither sees nor touches the journal of the machine, and a queue as long as systemd has it:
//
//	j := journald.Start(t)
//	sender := &journal.Sender{Path: j.Socket}
//	…
//	j.Signal(syscall.SIGSTOP) // it hangs: its socket takes some datagrams, then no more
//	j.Signal(syscall.SIGCONT) // it goes on
//	j.Restart()               // it ends, and a new one makes the socket anew
//	for _, entry := range j.Entries("HEELER_ALERT=1") { … }
//
// A user who is not root gets a user namespace as well, where the system allows it. Where no journald can
// be started the test is skipped with the reason; in CI, where CI=true, it fails instead.
//
// Its rate limits are off and the journal is in memory. A test process that is killed takes it along.
package journald

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a journald may take to start and to sync: far longer than on an idle machine.
const patience = time.Minute

// A Journald is one private journald. Its methods end the test when they fail, so they belong to the test's
// own goroutine; Signal may be called from any.
type Journald struct {
	// Socket is the path of its native socket, as seen from the test. It stays the same when journald is
	// started again.
	Socket string
	// Directory is where its journal is, as seen from the test.
	Directory string

	t      testing.TB
	log    string // the file of what it and its shell print
	shell  *exec.Cmd
	orders io.WriteCloser
	answer *bufio.Reader

	mu  sync.Mutex
	pid int // of journald; 0: it does not run
}

// life is what the shell in the new namespace does: it makes an empty /run, and then what it is told, with an
// answer of one line each. It ends when the test does, however that ends, and journald with it. Terminals
// send their signals to all of a group, so those end it as well.
const life = `
mount -t tmpfs -o mode=755,size=1g none /run && mkdir -p /run/systemd/journald.conf.d || exit
cat >/run/systemd/journald.conf.d/99-test.conf <<end || exit
[Journal]
Storage=volatile
RuntimeMaxUse=600M
RuntimeKeepFree=1M
RateLimitIntervalSec=0
RateLimitBurst=0
ReadKMsg=no
Audit=no
ForwardToSyslog=no
ForwardToKMsg=no
ForwardToConsole=no
ForwardToWall=no
end
echo 512 >/proc/sys/net/unix/max_dgram_qlen # as systemd sets it at boot
echo "$$"
trap : INT TERM HUP
pid=
while read -r order; do
	case $order in
	start) "$1" </dev/null >&2 & pid=$! && echo "$pid" ;;
	stop) kill -TERM "$pid"; kill -CONT "$pid"; wait "$pid"; pid=; echo "$?" ;;
	sync) timeout 10 "$2" --sync >&2; echo "$?" ;;
	esac
done
[ -n "$pid" ] && kill -KILL "$pid"
`

// Start starts a journald that is stopped when the test ends.
func Start(t testing.TB) *Journald {
	t.Helper()
	if runtime.GOOS != "linux" {
		absent(t, "journald: it runs on linux only, this is %s", runtime.GOOS)
	}
	daemon, err := program("systemd-journald")
	if err != nil {
		absent(t, "journald: %v: install Debian's package systemd", err)
	}
	reader, err := program("journalctl")
	if err != nil {
		absent(t, "journald: %v: install Debian's package systemd", err)
	}
	var why []string
	for _, namespaces := range ways() {
		j, err := start(t, namespaces, daemon, reader)
		if err == nil {
			return j
		}
		why = append(why, fmt.Sprintf("unshare %s: %v", strings.Join(namespaces, " "), err))
	}
	absent(t, "journald: cannot be started apart from the machine's: %s", strings.Join(why, "; "))
	return nil
}

// ways are the arguments of unshare to try, the best first.
func ways() [][]string {
	apart := []string{"--net", "--mount", "--propagation", "private"}
	mapped := append([]string{"--user", "--map-root-user"}, apart...)
	if os.Geteuid() == 0 {
		return [][]string{apart, mapped}
	}
	return [][]string{mapped}
}

// program finds a program also where only the system starts it from.
func program(name string) (string, error) {
	for _, folder := range []string{"/usr/lib/systemd", "/lib/systemd"} {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return exec.LookPath(name)
}

func start(t testing.TB, namespaces []string, daemon, reader string) (*Journald, error) {
	log, err := os.Create(filepath.Join(t.TempDir(), "journald.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	j := &Journald{t: t, log: log.Name()}
	j.shell = exec.Command("unshare", append(namespaces, "/bin/sh", "-c", life, "heeler-journald", daemon, reader)...)
	j.shell.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	j.shell.Dir = "/"
	j.shell.Stderr = log
	if j.orders, err = j.shell.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := j.shell.StdoutPipe()
	if err != nil {
		return nil, err
	}
	j.answer = bufio.NewReader(answers)
	if err := j.shell.Start(); err != nil {
		return nil, err
	}
	holder, err := j.number()
	if err != nil {
		j.end()
		return nil, err
	}
	root := fmt.Sprintf("/proc/%d/root/run", holder)
	j.Socket = root + "/systemd/journal/socket"
	j.Directory = root + "/log/journal"
	if err := j.start(); err != nil {
		j.end()
		return nil, err
	}
	t.Cleanup(j.end)
	return j, nil
}

// end ends journald and its shell.
func (j *Journald) end() {
	j.orders.Close()
	j.shell.Wait()
}

// order has the shell do something that is answered with a number.
func (j *Journald) order(what string) (int, error) {
	if _, err := io.WriteString(j.orders, what+"\n"); err != nil {
		return 0, err
	}
	return j.number()
}

func (j *Journald) number() (int, error) {
	line, err := j.answer.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("%w, and it printed %q", err, j.printed())
	}
	return strconv.Atoi(strings.TrimSpace(line))
}

func (j *Journald) printed() string {
	text, err := os.ReadFile(j.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

// start starts the daemon and waits until it answers.
func (j *Journald) start() error {
	pid, err := j.order("start")
	if err != nil {
		return err
	}
	j.mu.Lock()
	j.pid = pid
	j.mu.Unlock()
	return j.sync()
}

// sync waits until journald answers. What it has been asked before it was there may stay without an answer, so it is
// asked again.
func (j *Journald) sync() error {
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		status, err := j.order("sync")
		if err != nil || status == 0 {
			return err
		}
		if _, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", j.pid)); err != nil {
			return fmt.Errorf("it does not run any more, and printed %q", j.printed())
		}
		if time.Since(begun) > patience {
			return fmt.Errorf("it did not answer within %s, and printed %q", patience, j.printed())
		}
	}
}

// absent ends a test that lacks its journald.
func absent(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format+" (with CI=true that is a failure)", args...)
	}
	t.Skipf(format, args...)
}
