package servers

import (
	"net"
	"testing"
	"time"
)

// RedisOn starts a Redis server on the first of the ports that is free.
func RedisOn(t testing.TB, ports ...string) *Server {
	return startRedis(t, Program(t, "redis-server", "redis-server"), func() (string, error) {
		port := ports[0]
		ports = ports[1:]
		return port, nil
	})
}

// Command starts a command of the shell as if it were a server, which has half a second to answer.
func Command(t testing.TB, command string) *Server {
	shell := Program(t, "dash", "sh")
	return run(t, kind{
		name:    "command",
		command: func(*Server, string) []string { return []string{shell, "-c", command} },
		answers: func(net.Conn) error { return nil },
		limit:   500 * time.Millisecond,
	}, freePort)
}

// FreePort finds a free port.
var FreePort = freePort
