package servers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// launch runs a command of this server with its output in the log.
func (s *Server) launch(command []string) (*process, error) {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if s.logFrom, err = log.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}
	return launch(command, s.Dir, log)
}

// tool runs a command that prepares the server, to its end.
func (s *Server) tool(command ...string) error {
	p, err := s.launch(command)
	if err != nil {
		return err
	}
	if err := p.wait(); err != nil {
		return errors.Join(err, p.kill())
	}
	if !p.state.Success() {
		return fmt.Errorf("%s: %s", filepath.Base(command[0]), p.state)
	}
	return nil
}

func (s *Server) logFile() string { return filepath.Join(s.Dir, "log") }

// log is what the server has said since it was last started.
func (s *Server) log() []byte {
	text, err := os.ReadFile(s.logFile())
	if err != nil || int64(len(text)) < s.logFrom {
		return nil
	}
	return text[s.logFrom:]
}

// must fails the test when a step did, and shows the last lines of the log.
func (s *Server) must(step string, err error) {
	s.t.Helper()
	if err == nil {
		return
	}
	lines := strings.Split(strings.TrimSpace(string(s.log())), "\n")
	lines = lines[max(0, len(lines)-20):]
	s.t.Fatalf("servers: %s on %q: %s: %v\nThe end of its log:\n\t%s",
		s.kind.name, s.Addr, step, err, strings.Join(lines, "\n\t"))
}

// again marks an error that may pass with time.
type again struct{ error }

// within calls step until it succeeds, fails for good, or the limit is over.
func within(limit time.Duration, step func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := step()
		passing, ok := err.(again)
		if !ok {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %s: %w", limit, passing.error)
		}
		time.Sleep(pause)
	}
}
