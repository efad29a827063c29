package servers

import "testing"

// Memcached starts a memcached, which forgets everything when it ends.
func Memcached(t testing.TB) *Server {
	t.Helper()
	server := Program(t, "memcached", "memcached")
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
