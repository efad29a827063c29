package breaker_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/request"
)

// a script is what a server does on a connection.
type script func(net.Conn, *bufio.Reader)

// answering answers every line with the same in capitals, after d.
func answering(d time.Duration) script {
	return func(conn net.Conn, r *bufio.Reader) {
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			time.Sleep(d)
			io.WriteString(conn, strings.ToUpper(line))
		}
	}
}

// silent reads everything and says nothing.
func silent(conn net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) }

// greeting says hello first, after d.
func greeting(d time.Duration, then script) script {
	return func(conn net.Conn, r *bufio.Reader) {
		time.Sleep(d)
		io.WriteString(conn, "hello\n")
		then(conn, r)
	}
}

// oneLine answers one line and goes away.
func oneLine(conn net.Conn, r *bufio.Reader) {
	r.ReadString('\n')
	io.WriteString(conn, "bye\n")
}

// A backend is a server in a bubble, whose script may change.
type backend struct {
	*pipes
	run     script
	running sync.WaitGroup
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
}

func newBackend(t *testing.T, b *breaker.Breaker, run script) *backend {
	s := &backend{run: run}
	t.Cleanup(s.running.Wait) // after all connections have been closed
	s.pipes = newPipes(t)
	s.dial = b.DialContext(s.Dial)
	s.running.Go(s.serve)
	return s
}

func (s *backend) serve() {
	for {
		conn, err := s.Accept()
		if err != nil {
			return
		}
		run := s.run
		s.running.Go(func() {
			defer conn.Close()
			run(conn, bufio.NewReader(conn))
		})
	}
}

// connect dials; the connection is closed with the test.
func (s *backend) connect(t *testing.T) net.Conn {
	t.Helper()
	conn, err := s.dial(t.Context(), "tcp", "backend:1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask is an exchange: a line there and one back.
func ask(conn net.Conn, line string) (string, error) {
	if _, err := io.WriteString(conn, line); err != nil {
		return "", err
	}
	return hear(conn)
}

func hear(conn net.Conn) (string, error) {
	var line []byte
	for p := make([]byte, 1); ; {
		if _, err := conn.Read(p); err != nil {
			return string(line), err
		}
		if line = append(line, p...); p[0] == '\n' {
			return string(line), nil
		}
	}
}

func wantAnswer(t *testing.T, conn net.Conn, line, answer string) {
	t.Helper()
	if got, err := ask(conn, line); got != answer || err != nil {
		t.Errorf("%q was answered %q, %v", line, got, err)
	}
}

// wantNetTimeout checks what a client expects of a net.Conn's timeouts.
func wantNetTimeout(t *testing.T, err error) {
	t.Helper()
	wantLate(t, err)
	if n, ok := err.(net.Error); !ok || !n.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%T is no net.Error, or no timeout", err)
	}
}

func TestADialThatHangsFailsAtTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 1}
		dial := b.DialContext(newPipes(t).Dial) // where nobody accepts
		start := time.Now()
		_, err := dial(t.Context(), "tcp", "backend:1")
		wantNetTimeout(t, err)
		if took := time.Since(start); took != 200*ms {
			t.Errorf("took %v", took)
		}
		wantState(t, b, breaker.Open)
		if _, err := dial(t.Context(), "tcp", "backend:1"); !errors.Is(err, breaker.ErrOpen) {
			t.Error(err)
		}
	})
}

func TestADialThatComesTooLateIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		b := &breaker.Breaker{Timeout: 200 * ms}
		dial := b.DialContext(func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(s)
			return here, nil
		})
		_, err := dial(t.Context(), "tcp", "backend:1")
		wantNetTimeout(t, err)
		if _, err := there.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the other end reads %v", err)
		}
		wantCounts(t, b, counts{failed: 1})
	})
}

func TestADialIsJudgedAsACallIs(t *testing.T) {
	l := listen(t)
	l.Close()
	b := &breaker.Breaker{Name: "redis"}
	dial := b.DialContext(nil)
	if _, err := dial(t.Context(), "tcp", l.Addr().String()); err == nil {
		t.Error("no error of a refused connection")
	}
	wantCounts(t, b, counts{failed: 1})

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec := &request.Record{Context: ctx}
	if _, err := dial(rec, "tcp", l.Addr().String()); !errors.Is(err, context.Canceled) && err == nil {
		t.Error(err)
	}
	wantCounts(t, b, counts{failed: 1, uncounted: 1})
	if tally := rec.Backends(); len(tally) != 1 || tally[0].Name != "redis" || tally[0].Calls != 1 {
		t.Errorf("the request's tally has %+v", tally)
	}
}

// A server that is stopped has its connections made by the kernel.
func TestAServerThatAcceptsButNeverAnswersTrips(t *testing.T) {
	l := listen(t)
	b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 3, TripRate: -1}
	dial := b.DialContext(nil)
	for range 3 {
		conn, err := dial(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = ask(conn, "ping\n")
		wantNetTimeout(t, err)
		conn.Close()
	}
	wantState(t, b, breaker.Open)
}

func TestADialAloneNeverClosesTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 1}
		s := newBackend(t, b, answering(0))
		trip(t, b)
		time.Sleep(b.RetryAfter())
		conn := s.connect(t)
		wantState(t, b, breaker.HalfOpen)
		wantRefusal(t, b) // the place is the connection's
		time.Sleep(100 * ms)
		wantAnswer(t, conn, "ping\n", "PING\n")
		wantState(t, b, breaker.Closed)
		wantCounts(t, b, counts{succeeded: 1, failed: 1, uncounted: 1})
	})
}

func TestAProbeThatADialBeganFailsWithItsExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 1}
		s := newBackend(t, b, silent)
		trip(t, b)
		time.Sleep(b.RetryAfter())
		conn := s.connect(t)
		time.Sleep(100 * ms)
		start := time.Now()
		_, err := ask(conn, "ping\n")
		wantNetTimeout(t, err)
		if took := time.Since(start); took != 200*ms {
			t.Errorf("took %v", took)
		}
		wantState(t, b, breaker.Open)
	})
}

func TestAProbeWhoseDialIsSlowHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 1}
		trip(t, b)
		time.Sleep(b.RetryAfter())
		dial := b.DialContext(func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(150 * ms)
			near, far := net.Pipe()
			t.Cleanup(func() { far.Close() })
			return near, nil
		})
		conn, err := dial(t.Context(), "tcp", "backend:1")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		wantState(t, b, breaker.Open)
		if got := b.Stats().Slow; got != 1 {
			t.Errorf("%d slow calls, want 1", got)
		}
	})
}

func TestAConnectionThatIsNotUsedGivesTheProbesPlaceBack(t *testing.T) {
	for name, leave := range map[string]func(net.Conn){
		"closed":    func(conn net.Conn) { conn.Close() },
		"forgotten": func(conn net.Conn) { time.Sleep(200 * ms); synctest.Wait() },
		"heard": func(conn net.Conn) { // as a client's reader does that runs all the time
			go conn.Read(make([]byte, 1))
			time.Sleep(300 * ms)
		},
		"heard for a while": func(conn net.Conn) {
			conn.SetReadDeadline(time.Now().Add(100 * ms))
			conn.Read(make([]byte, 1))
		},
		"cut": func(conn net.Conn) { // before anything was asked
			conn.(interface{ NetConn() net.Conn }).NetConn().Close()
			conn.Read(make([]byte, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 1}
				s := newBackend(t, b, answering(0))
				wantAnswer(t, s.connect(t), "ping\n", "PING\n") // so the client is who speaks first
				trip(t, b)
				time.Sleep(b.RetryAfter())
				conn := s.connect(t)
				leave(conn)
				wantState(t, b, breaker.HalfOpen)
				do(t, b, 1, succeeds)
				wantState(t, b, breaker.Closed)
				if name == "forgotten" {
					wantAnswer(t, conn, "ping\n", "PING\n") // it works still
				}
			})
		})
	}
}

func TestAProbesPlaceThatWasGivenBackMustBeHadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 1}
		s := newBackend(t, b, answering(0))
		trip(t, b)
		time.Sleep(b.RetryAfter())
		forgotten := s.connect(t)
		time.Sleep(200 * ms)
		synctest.Wait()
		probe := s.connect(t)
		if _, err := ask(forgotten, "ping\n"); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("%v, want a refusal", err)
		}
		wantAnswer(t, probe, "ping\n", "PING\n")
		wantAnswer(t, forgotten, "ping\n", "PING\n")
	})
}

func TestAnOpenBreakerRefusesAWriteAndLeavesTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Name: "redis", TripAfter: 1}
		s := newBackend(t, b, answering(0))
		conn := s.connect(t)
		wantAnswer(t, conn, "ping\n", "PING\n")
		trip(t, b)
		_, err := ask(conn, "refused\n")
		var open *breaker.OpenError
		if !errors.As(err, &open) || open.Name != "redis" {
			t.Errorf("%v", err)
		}
		time.Sleep(b.RetryAfter())
		wantAnswer(t, conn, "ping\n", "PING\n")
		wantState(t, b, breaker.Closed)
	})
}

// The commands of a pool cannot be told apart by who sends them.
func TestDoAroundACommandOfAPoolIsOneProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		s := newBackend(t, b, answering(0))
		pooled := s.connect(t)
		wantAnswer(t, pooled, "ping\n", "PING\n")
		trip(t, b)
		time.Sleep(b.RetryAfter())
		do(t, b, 1, func(context.Context) error {
			wantAnswer(t, pooled, "ping\n", "PING\n")
			wantAnswer(t, s.connect(t), "ping\n", "PING\n") // dialled with a context of the pool's
			wantState(t, b, breaker.HalfOpen)
			return nil
		})
		wantState(t, b, breaker.Closed)
	})
}

func TestAProbeThroughDoHasRoomForOneExchangeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		s := newBackend(t, b, answering(0))
		first, second := s.connect(t), s.connect(t)
		trip(t, b)
		time.Sleep(b.RetryAfter())
		do(t, b, 1, func(context.Context) error {
			io.WriteString(first, "ping\n")
			if _, err := io.WriteString(second, "ping\n"); !errors.Is(err, breaker.ErrOpen) {
				t.Errorf("%v, want a refusal of the exchange", err)
			}
			if _, err := s.dial(t.Context(), "tcp", "backend:1"); !errors.Is(err, breaker.ErrOpen) {
				t.Errorf("%v, want a refusal of the dial", err)
			}
			hear(first)
			wantAnswer(t, second, "ping\n", "PING\n")
			io.WriteString(second, "quit\n")
			second.Close()
			wantAnswer(t, s.connect(t), "ping\n", "PING\n")
			return nil
		})
		wantState(t, b, breaker.Closed)
	})
}

func TestAProbeThatEndsLeavesTheOthersTheirExchanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1, Probes: 2}
		conn := newBackend(t, b, answering(0)).connect(t)
		trip(t, b)
		time.Sleep(b.RetryAfter())
		do(t, b, 1, func(context.Context) error {
			do(t, b, 1, succeeds) // another's
			wantAnswer(t, conn, "ping\n", "PING\n")
			return nil
		})
		wantState(t, b, breaker.Closed)
	})
}
