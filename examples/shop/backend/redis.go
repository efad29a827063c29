package backend

import (
	"fmt"

	"github.com/alicebob/miniredis/v2"
)

// Redis starts an empty Redis server (alicebob/miniredis, in pure Go).
func Redis() (*Server, error) {
	s := miniredis.NewMiniRedis()
	if err := s.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("backend: redis: %w", err)
	}
	return &Server{Addr: s.Addr(), close: func() error {
		s.Close()
		return nil
	}}, nil
}
