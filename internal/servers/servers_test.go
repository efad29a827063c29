package servers_test

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/servers"
)

var backends = []struct {
	name    string
	start   func(testing.TB) *servers.Server
	dial    func(net.Conn, *servers.Server) (client, error)
	forgets bool // everything, when it ends
}{
	{name: "MariaDB", start: servers.MariaDB, dial: dialMariaDB},
	{name: "PostgreSQL", start: servers.PostgreSQL, dial: dialPostgreSQL},
	{name: "Redis", start: servers.Redis, dial: dialRedis},
	{name: "LDAP", start: servers.LDAP, dial: dialLDAP},
	{name: "memcached", start: servers.Memcached, dial: dialMemcached, forgets: true},
}

const (
	long  = 30 * time.Second       // for what must succeed
	short = 100 * time.Millisecond // for what must not
)

// connect connects, with a limit for all that is said on the connection.
func connect(t *testing.T, s *servers.Server, limit time.Duration) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestAServerIsBrokenAndComesBack(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			t.Parallel()
			var s *servers.Server
			t.Cleanup(func() { leavesNothing(t, s.Dir) }) // looks when the server's own cleanup is over
			s = backend.start(t)

			// greet makes a new connection, on which the server gives what it kept.
			greet := func(want string) (net.Conn, client) {
				t.Helper()
				conn := connect(t, s, long)
				c, err := backend.dial(conn, s)
				if err != nil {
					t.Fatalf("a new connection: %v", err)
				}
				if want == "" { // there may be no table yet
					return conn, c
				}
				if got, err := c.get(); got != want || err != nil {
					t.Fatalf("it kept %q, %v; want %q", got, err, want)
				}
				return conn, c
			}
			conn, c := greet("")
			if err := c.put("first"); err != nil {
				t.Fatal(err)
			}

			s.Hang()
			conn.SetDeadline(time.Now().Add(short))
			if _, err := c.get(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a call on an old connection to a server that hangs: %v, want a timeout", err)
			}
			fresh, err := backend.dial(connect(t, s, short), s)
			if err == nil { // in some protocols the server has nothing to say at first
				_, err = fresh.get()
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a new connection to a server that hangs: %v, want a timeout", err)
			}

			s.Resume()
			conn.SetDeadline(time.Now().Add(long))
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Errorf("the late answer on the old connection: %v", err)
			}
			conn, _ = greet("first")

			s.Kill()
			refuses(t, s)
			if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("an old connection to a server that was killed: %v, want its end", err)
			}
			s.Start()
			if backend.forgets {
				_, c = greet("")
			} else {
				_, c = greet("first")
			}
			if err := c.put("second"); err != nil {
				t.Fatal(err)
			}

			s.Stop()
			refuses(t, s)
			s.Start()
			if backend.forgets {
				greet("")
			} else {
				greet("second")
			}
		})
	}
}

func refuses(t *testing.T, s *servers.Server) {
	t.Helper()
	if conn, err := net.Dial("tcp", s.Addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial a server that is down: %v, %v; want a refusal", conn, err)
	}
}

// answers says whether a Redis server does, within a short time.
func answers(t *testing.T, s *servers.Server, limit time.Duration) bool {
	t.Helper()
	conn := connect(t, s, limit)
	c, err := dialRedis(conn, s)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.get()
	return err == nil
}

func TestWhatIsSoAlreadyMayBeAskedFor(t *testing.T) {
	s := servers.Redis(t)
	s.Start()
	s.Resume()
	if !answers(t, s, long) {
		t.Fatal("a running server that was started and resumed does not answer")
	}
	s.Hang()
	s.Hang()
	s.Start()
	if answers(t, s, short) {
		t.Fatal("a server that hangs answers after Start")
	}
	s.Resume()
	if !answers(t, s, long) {
		t.Fatal("a server that hung twice does not answer after Resume")
	}
	s.Kill()
	s.Kill()
	s.Stop()
	s.Resume()
	refuses(t, s)
}

func TestAServerThatHangsCanBeStoppedAndStarted(t *testing.T) {
	s := servers.PostgreSQL(t)
	s.Hang()
	s.Stop()
	refuses(t, s)
	s.Start()
	if _, err := dialPostgreSQL(connect(t, s, long), s); err != nil {
		t.Fatal(err)
	}
}

func TestAPortThatSomebodyTookIsGivenUp(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, busy, _ := net.SplitHostPort(taken.Addr().String())
	free, err := servers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s := servers.RedisOn(t, busy, free)
	if want := "127.0.0.1:" + free; s.Addr != want || !answers(t, s, long) {
		t.Errorf("the server is on %s and answers: %v; want %s", s.Addr, answers(t, s, long), want)
	}
}

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	for _, story := range []struct {
		name, command string
		want          []string
	}{
		{"it ends", "echo one; echo two >&2; exit 3", []string{"exit status 3", "one\n\ttwo"}},
		{"it says much", "seq 100; exit 1", []string{"log:\n\t81\n\t82", "\t100"}},
		{"it says nothing", "exec sleep 1000", []string{"waited 500ms", "connection refused"}},
	} {
		t.Run(story.name, func(t *testing.T) {
			skipped, failure := outcome(t, func(t testing.TB) { servers.Command(t, story.command) })
			for _, want := range story.want {
				if skipped == "" && !strings.Contains(failure, want) {
					t.Errorf("the failure is\n%s\nwant in it %q", failure, want)
				}
			}
		})
	}
}

func TestAServerDoesNotSeeOurEnvironment(t *testing.T) {
	t.Setenv("PGOPTIONS", "something that only our own clients should hear")
	skipped, failure := outcome(t, func(t testing.TB) { servers.Command(t, "env; exit 1") })
	if skipped == "" && (!strings.Contains(failure, "PATH=") || strings.Contains(failure, "PGOPTIONS")) {
		t.Errorf("it sees %s", failure)
	}
}

func TestAServerThatIsDownCannotHang(t *testing.T) {
	skipped, failure := outcome(t, func(t testing.TB) {
		s := servers.Redis(t)
		s.Stop()
		s.Hang()
	})
	if skipped == "" && !strings.Contains(failure, "it is down") {
		t.Errorf("the failure is %q, want it to say that the server is down", failure)
	}
}
