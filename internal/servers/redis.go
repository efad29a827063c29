package servers

import "testing"

// Redis starts a Redis server that keeps what it confirmed in an append-only file.
func Redis(t testing.TB) *Server {
	t.Helper()
	server := Program(t, "redis-server", "redis-server")
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
