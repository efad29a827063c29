package servers

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is a server's main process, a child of ours. It may have children of its own.
type process struct {
	pid   int
	done  chan struct{}    // closed when it has ended
	state *os.ProcessState // how it ended, once done is closed
}

// launch runs a command in its own process group, so that a Ctrl-C meant for the tests does not reach
// it first, and with nothing of our environment, which may configure a client or a server.
func launch(command []string, dir string, log *os.File) (*process, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=" + dir, "TMPDIR=" + dir}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as, Pdeathsig: syscall.SIGKILL}
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go p.attend(cmd, started)
	return p, <-started
}

// attend starts a command and stays on the thread that did until it has ended: the system sends the
// signal of Pdeathsig when that thread ends, not only when the process does (golang/go#27505).
func (p *process) attend(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	if err == nil {
		p.pid = cmd.Process.Pid
	}
	started <- err
	if err == nil {
		cmd.Wait() // the answer is in cmd.ProcessState
		p.state = cmd.ProcessState
		close(p.done)
	}
}

// wait waits until the process has ended by itself.
func (p *process) wait() error {
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("waited %s", patience)
	}
}

func (p *process) signal(signal os.Signal) error {
	return send(signal.(syscall.Signal), p.pid)
}

// freeze stops the process and all below it, and names them, itself first. The process group would
// not do: each of PostgreSQL's processes has a session of its own.
func (p *process) freeze() ([]int, error) {
	var pids []int
	err := within(patience, func() error {
		tree, err := family(p.pid)
		if err != nil {
			return err
		}
		// One that has not stopped yet may still fork: only two looks at the same give the answer.
		if slices.Equal(tree, pids) && !slices.ContainsFunc(tree, running) {
			return nil
		}
		pids = tree
		if err := send(syscall.SIGSTOP, pids...); err != nil {
			return err
		}
		return again{errors.New("still running")}
	})
	return pids, err
}

// thaw lets the process and all below it go on.
func (p *process) thaw() error {
	pids, err := family(p.pid)
	if err != nil {
		return err
	}
	return send(syscall.SIGCONT, pids...)
}

// kill ends the process and all below it. They are frozen first, so that none is born meanwhile.
func (p *process) kill() error {
	pids, err := p.freeze()
	if err != nil {
		return err
	}
	if err := send(syscall.SIGKILL, pids...); err != nil {
		return err
	}
	if err := p.wait(); err != nil {
		return err
	}
	return within(patience, func() error {
		for _, pid := range pids {
			if states(pid) != "" {
				return again{fmt.Errorf("process %d is still there", pid)}
			}
		}
		return nil
	})
}

// send signals processes, of which some may have ended.
func send(signal syscall.Signal, pids ...int) error {
	for _, pid := range pids {
		if err := syscall.Kill(pid, signal); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("send %s to process %d: %w", signal, pid, err)
		}
	}
	return nil
}

// family lists a process and all below it, parents before their children. What has ended is not in it.
func family(root int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, name := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			return nil, err
		}
		if fields := stat(name); len(fields) > 1 {
			parent, err := strconv.Atoi(fields[1])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			children[parent] = append(children[parent], pid)
		}
	}
	pids := []int{root}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children[pids[i]]...)
	}
	return slices.DeleteFunc(pids, func(pid int) bool { return states(pid) == "" }), nil
}

// stat reads the fields of a stat file in /proc that follow the program's name: the state, the
// parent, and more. It is empty when there is no such process any more.
func stat(name string) []string {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// states gives the state of each thread of a process, as a letter. It is empty for a process that has
// ended, also when nobody has asked yet how it ended.
func states(pid int) string {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*/stat", pid))
	if err != nil {
		return ""
	}
	letters := ""
	for _, task := range tasks {
		if fields := stat(task); len(fields) > 0 && !strings.Contains("ZXx", fields[0]) {
			letters += fields[0]
		}
	}
	return letters
}

// running says whether any thread of a process is not stopped.
func running(pid int) bool { return strings.Trim(states(pid), "T") != "" }

// unprivileged is whom servers run as when the tests run as root, which PostgreSQL refuses; nil
// otherwise. It is set before the program runs, because a program that changes its user by itself loses
// the signal of Pdeathsig.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// handOver gives a file or directory to whom the servers run as.
func handOver(name string) error {
	as, err := unprivileged()
	if as == nil {
		return err
	}
	return os.Chown(name, int(as.Uid), int(as.Gid))
}
