package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

// removeStale removes the unix socket of a process that was killed before it could: one that refuses
// connections. Anything else stays, for listening to complain of.
func removeStale(listen string) {
	path, ok := strings.CutPrefix(listen, "unix:")
	if !ok {
		return
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSocket {
		return
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
		return
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		os.Remove(path)
	}
}
