//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownGroup lets a command end with all that it has started, and not by what a terminal sends to us.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
