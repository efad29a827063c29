package servers

import (
	"fmt"
	"io"
	"net"
	"testing"
)

// Redis starts a Redis server that keeps what it confirmed in an append-only file.
func Redis(t testing.TB) *Server {
	t.Helper()
	server := program(t, "redis-server", "redis-server")
	return startRedis(t, server, freePort)
}

func startRedis(t testing.TB, server string, port func() (string, error)) *Server {
	t.Helper()
	s := run(t, kind{
		name: "redis",
		command: func(s *Server, port string) []string {
			return []string{server, "--bind", "127.0.0.1", "--port", port, "--dir", s.Dir,
				"--save", "", "--appendonly", "yes", "--appendfsync", "no", "--databases", "16"}
		},
		answers: exchange("PING\r\n", "+PONG\r\n"),
	}, port)
	s.Database = "0"
	s.DSN = "redis://" + s.Addr + "/0"
	return s
}

// Memcached starts a memcached, which forgets everything when it ends.
func Memcached(t testing.TB) *Server {
	t.Helper()
	server := program(t, "memcached", "memcached")
	s := run(t, kind{
		name: "memcached",
		command: func(_ *Server, port string) []string {
			return []string{server, "-l", "127.0.0.1", "-p", port, "-U", "0", "-m", "16", "-t", "2"}
		},
		answers: exchange("version\r\n", "VERSION "),
	}, freePort)
	s.DSN = s.Addr
	return s
}

// exchange gives a question to a server whose answer begins in a known way.
func exchange(question, answer string) func(net.Conn) error {
	return func(conn net.Conn) error {
		if _, err := io.WriteString(conn, question); err != nil {
			return err
		}
		got := make([]byte, len(answer))
		if _, err := io.ReadFull(conn, got); err != nil {
			return err
		}
		if string(got) != answer {
			return fmt.Errorf("answered %q to %q, not %q", got, question, answer)
		}
		return nil
	}
}
