package main_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A client says lines and hears some.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func connect(t *testing.T, addr string) *client {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{t, c, bufio.NewReader(c)}
}

// ask says a line and gives the line that is said then, or the error.
func (c *client) ask(line string, patience time.Duration) (string, error) {
	c.t.Helper()
	c.conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		return "", err
	}
	answer, err := c.in.ReadString('\n')
	return strings.TrimSpace(answer), err
}

// expect asks for an answer.
func (c *client) expect(line, want string) {
	c.t.Helper()
	if got, err := c.ask(line, 20*time.Second); got != want || err != nil {
		c.t.Fatalf("%s: answered %q, %v; want %q", line, got, err, want)
	}
}

// isReset says that a client is cut off, which may be before it has said anything.
func isReset(t *testing.T, addr string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err == nil {
		defer conn.Close()
		c := &client{t, conn, bufio.NewReader(conn)}
		_, err = c.ask("PING", 20*time.Second)
	}
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("the error is %v, want a reset", err)
	}
}

// file makes a file.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
