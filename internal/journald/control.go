package journald

import "os"

// Journalctl is the command, with its first arguments, that reads this journal: add your own.
func (j *Journald) Journalctl() []string {
	return []string{"journalctl", "--directory=" + j.Directory}
}

// Signal sends a signal to journald. It does nothing while journald does not run.
func (j *Journald) Signal(signal os.Signal) {
	j.t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.pid == 0 {
		return
	}
	process, err := os.FindProcess(j.pid)
	if err != nil {
		j.t.Errorf("journald: %v", err)
		return
	}
	if err := process.Signal(signal); err != nil {
		j.t.Errorf("journald: send %s: %v", signal, err)
	}
}

// Stop ends journald in good order, also while it hangs. Its socket stays behind in the file system and
// refuses.
func (j *Journald) Stop() {
	j.t.Helper()
	j.mu.Lock()
	running := j.pid != 0
	j.mu.Unlock()
	if !running {
		return
	}
	if _, err := j.order("stop"); err != nil {
		j.t.Fatalf("journald: stop: %v", err)
	}
	j.mu.Lock()
	j.pid = 0
	j.mu.Unlock()
}

// Restart ends journald, if it runs, and starts it again, with the same journal. The socket is a new one under
// the same path.
func (j *Journald) Restart() {
	j.t.Helper()
	j.Stop()
	if err := j.start(); err != nil {
		j.t.Fatalf("journald: start again: %v", err)
	}
}

// Sync waits until all that was sent to journald before can be read.
func (j *Journald) Sync() {
	j.t.Helper()
	if err := j.sync(); err != nil {
		j.t.Fatalf("journald: sync: %v", err)
	}
}
