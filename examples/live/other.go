//go:build !unix

package main

import "os/exec"

// room is how many connections a process can have, as far as is known.
func room() int { return 1 << 20 }

// apart would keep the terminal's Ctrl-C from a child.
func apart(*exec.Cmd) {}
