package servers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// A Server is one running server. Its methods return when the state is reached and fail the test, with
// the end of the server's log, when it is not. They are called from the test's own goroutine, as
// [testing.T.FailNow] asks.
type Server struct {
	// Addr is where it listens: 127.0.0.1 and a port. It stays the same from start to start.
	Addr string
	// DSN is how its usual Go driver is told all of the below: go-sql-driver/mysql's form for
	// MariaDB, a postgres://, redis:// or ldap:// URL, and the address alone for memcached.
	DSN string
	// User and Password are an account that may do everything; for LDAP the user is a DN to bind
	// with. Redis and memcached have none.
	User, Password string
	// Database exists and is empty; for LDAP it is the DN of the only entry, below which others go.
	Database string
	// Dir holds the server's files, and its output in the file log.
	Dir string

	t       testing.TB
	kind    kind
	process *process // nil when it is down
	keeper  *keeper
	hung    bool
	logFrom int64 // where in the log the present run begins
}

// A kind is what tells one sort of server from another.
type kind struct {
	name    string
	prepare func(*Server) error                   // makes its files, once; may be nil
	command func(s *Server, port string) []string // what to run
	answers func(net.Conn) error                  // one exchange in its protocol
	limit   time.Duration                         // for it to answer; 0 is a minute
	orderly os.Signal                             // has it shut down and cut its clients; nil is SIGTERM
	last    string                                // for the shell, in Dir: takes away what it left elsewhere
}

const (
	patience = time.Minute // for each step, on a machine that is busy with other tests
	pause    = 5 * time.Millisecond
	attempts = 5 // at finding a port that nobody takes before the server does
)

var errEnded = errors.New("ended before it answered")

// run makes a server of a kind and starts it.
func run(t testing.TB, k kind, port func() (string, error)) *Server {
	t.Helper()
	s := &Server{t: t, kind: k}
	s.makeDir()
	if k.prepare != nil {
		s.must("preparing its files", k.prepare(s))
	}
	for attempt := 1; ; attempt++ {
		number, err := port()
		s.must("finding a free port", err)
		s.Addr = net.JoinHostPort("127.0.0.1", number)
		err = s.start()
		if errors.Is(err, errEnded) && attempt < attempts && bytes.Contains(s.log(), []byte("in use")) {
			continue
		}
		s.must("starting", err)
		return s
	}
}

// makeDir makes the server's directory and sees to it that everything ends with the test. It is not
// t.TempDir, which another user than root could not enter.
func (s *Server) makeDir() {
	s.t.Helper()
	dir, err := os.MkdirTemp("", "heeler-"+s.kind.name+"-")
	s.must("making its directory", err)
	s.Dir = dir
	s.t.Cleanup(s.end)
	s.must("handing over its directory", handOver(dir))
	s.keeper, err = keep(dir, s.kind.last)
	s.must("starting its keeper", err)
}

// end takes the server away for good.
func (s *Server) end() {
	defer s.clear() // also when killing fails, which ends this goroutine
	s.Kill()
}

func (s *Server) clear() {
	if s.keeper != nil {
		s.keeper.end()
	}
	if err := os.RemoveAll(s.Dir); err != nil {
		s.t.Errorf("servers: %s leaves its files behind: %v", s.kind.name, err)
	}
}

// Start runs the server again, on the same address and with the same data, and returns when it
// answers. It does nothing to a server that runs.
func (s *Server) Start() {
	s.t.Helper()
	if s.process == nil {
		s.must("starting", s.start())
	}
}

func (s *Server) start() error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	if s.process, err = s.launch(s.kind.command(s, port)); err != nil {
		return err
	}
	err = s.answer()
	if errors.Is(err, errEnded) {
		s.process = nil
	}
	return err
}

// answer waits until the server speaks its protocol.
func (s *Server) answer() error {
	return within(cmp.Or(s.kind.limit, patience), func() error {
		err := s.ask()
		select {
		case <-s.process.done:
			return fmt.Errorf("%w: %s", errEnded, s.process.state)
		default:
		}
		if err != nil {
			return again{err}
		}
		return nil
	})
}

func (s *Server) ask() error {
	conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	return s.kind.answers(conn)
}

// Stop shuts the server down in an orderly way, as the system does: it may say a last word to its
// clients. A server that hangs is killed instead. From then on connections are refused.
func (s *Server) Stop() {
	s.t.Helper()
	if s.hung {
		s.Kill()
		return
	}
	if s.process == nil {
		return
	}
	signal := s.kind.orderly
	if signal == nil {
		signal = syscall.SIGTERM
	}
	s.must("telling it to stop", s.process.signal(signal))
	s.must("stopping", s.process.wait())
	s.process = nil
}

// Kill ends the server at once, running or hung, as a crash does. From then on connections are
// refused. What the server had confirmed as written is still there when it is started again, except in
// memcached, which keeps nothing.
func (s *Server) Kill() {
	s.t.Helper()
	if s.process == nil {
		return
	}
	s.must("killing it", s.process.kill())
	s.process, s.hung = nil, false
	s.keeper.watch(nil)
}

// Hang stops every process of the server where it is. The system still completes connections to it,
// until the queue of the listener is full, but nobody answers on them.
func (s *Server) Hang() {
	s.t.Helper()
	if s.process == nil {
		s.t.Fatalf("servers: %s cannot hang: it is down", s.kind.name)
	}
	pids, err := s.process.freeze()
	if err == nil && len(pids) == 0 {
		err = errors.New("it had ended by itself")
	}
	s.hung = true
	s.keeper.watch(pids)
	s.must("hanging it", err)
}

// Resume lets a server that hangs go on and returns when it answers. It does nothing to one that
// runs.
func (s *Server) Resume() {
	s.t.Helper()
	if !s.hung {
		return
	}
	s.must("letting it go on", s.process.thaw())
	s.hung = false
	s.keeper.watch(nil)
	s.must("answering after it hung", s.answer())
}
