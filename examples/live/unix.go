//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// spare is how many file descriptors a process needs for all else.
const spare = 200

// room is how many connections a process can have, once it has raised its own limit as far as it may.
func room() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1000 - spare
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
	return int(min(limit.Cur, 1<<20)) - spare
}

// apart keeps the terminal's Ctrl-C from a child, which is to see how it is told goodbye.
func apart(child *exec.Cmd) { child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
