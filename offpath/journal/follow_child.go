package journal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// maxComplaint is how much of what a child printed to its standard error is told: the end of it.
const maxComplaint = 1 << 10

// A child is one journalctl.
type child struct {
	output    *os.File
	complaint tail
	process   *os.Process
	ended     chan struct{}
	err       error // how it ended; to be read when ended is closed
}

// startChild starts a command whose output can then be read. end must be called.
func startChild(command []string) (*child, error) {
	attributes, err := childAttributes()
	if err != nil {
		return nil, err
	}
	output, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("journal: start %s: %w", command[0], err)
	}
	c := &child{output: output, ended: make(chan struct{})}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C") // for its complaints
	cmd.SysProcAttr = attributes
	cmd.Stdout, cmd.Stderr = theirs, &c.complaint
	cmd.WaitDelay = time.Second // for what it may have left behind that holds its standard error open
	started := make(chan error)
	go c.attend(cmd, started)
	err = <-started
	theirs.Close()
	if err != nil {
		output.Close()
		return nil, fmt.Errorf("journal: start %s: %w", command[0], err)
	}
	return c, nil
}

// attend starts a command and stays on the thread that did until it has ended: the system sends the signal of
// Pdeathsig when that thread ends, not only when the process does (golang/go#27505).
func (c *child) attend(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	c.process = cmd.Process
	boundMemory(cmd.Process.Pid)
	started <- nil
	c.err = cmd.Wait()
	close(c.ended)
}

// kill ends the child, and whatever reads its output gets an error at once. It may be called at any time.
func (c *child) kill() {
	_ = c.process.Kill()
	_ = c.output.SetReadDeadline(time.Unix(1, 0))
}

// wait waits for a child whose output has come to its end, which should be at its own; it says how it
// ended: nil is exit status 0.
func (c *child) wait() error {
	late := time.AfterFunc(time.Second, c.kill)
	c.output.Close()
	<-c.ended
	late.Stop()
	return c.ending()
}

// end kills the child unless it has ended, and waits until nothing of it is left. One that sudo or the like has
// started as another user we may not kill; journalctl ends by itself when nobody reads what it prints.
func (c *child) end() {
	c.kill()
	c.output.Close()
	<-c.ended
}

// ending is how the child ended, with its own words.
func (c *child) ending() error {
	if c.err == nil || errors.Is(c.err, exec.ErrWaitDelay) {
		return nil
	}
	if said := strings.TrimSpace(c.complaint.String()); said != "" {
		return fmt.Errorf("%w: %s", c.err, said)
	}
	return c.err
}

// A tail is a writer that keeps the last maxComplaint bytes.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-maxComplaint):]...)
	if more := len(t.kept) - maxComplaint; more > 0 {
		t.kept = append(t.kept[:0], t.kept[more:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.ToValidUTF8(string(t.kept), "�") }
