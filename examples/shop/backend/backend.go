// Package backend runs the shop's backends inside the program, for those who have none at hand:
// MySQL, Redis and a web service with reviews. They speak their real protocols over TCP, on free
// ports of 127.0.0.1, so that the shop cannot tell them from others, and they keep everything in
// memory.
package backend

// A Server is a backend that runs until it is closed.
type Server struct {
	Addr  string // host:port
	close func() error
}

// Close stops it. Its clients should have gone before.
func (s *Server) Close() error { return s.close() }
