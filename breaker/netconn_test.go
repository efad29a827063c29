package breaker_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

func TestAnExchangeIsACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		s := newBackend(t, b, answering(100*ms))
		conn := s.connect(t)
		for range 3 {
			wantAnswer(t, conn, "ping\n", "PING\n")
			time.Sleep(time.Hour)
		}
		wantCounts(t, b, counts{succeeded: 3, uncounted: 1})
		if took := b.Stats().Time; took != 300*ms {
			t.Errorf("took %v", took)
		}
	})
}

func TestAnExchangeThatHangsEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		s := newBackend(t, b, answering(300*ms))
		conn := s.connect(t)
		start := time.Now()
		_, err := ask(conn, "ping\n")
		wantNetTimeout(t, err)
		if took := time.Since(start); took != 200*ms {
			t.Errorf("took %v", took)
		}
		wantCounts(t, b, counts{failed: 1, uncounted: 1})
		// The answer comes, and would be taken for that of another request.
		time.Sleep(time.Hour)
		_, err = conn.Read(make([]byte, 1))
		wantNetTimeout(t, err)
		_, err = conn.Write([]byte("x"))
		wantNetTimeout(t, err)
		for _, set := range []func(time.Time) error{conn.SetDeadline, conn.SetReadDeadline, conn.SetWriteDeadline} {
			wantLate(t, set(time.Time{}))
		}
		_, err = conn.Read(make([]byte, 1))
		wantNetTimeout(t, err)
		wantCounts(t, b, counts{failed: 1, uncounted: 1})
	})
}

func TestAGreetingIsAnExchange(t *testing.T) {
	for _, test := range []struct {
		after time.Duration
		good  bool
	}{{100 * ms, true}, {300 * ms, false}} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{Timeout: 200 * ms}
			server := newBackend(t, b, greeting(test.after, silent))
			hear(server.connect(t)) // only now it is seen that the server speaks first
			wantCounts(t, b, counts{uncounted: 1})
			conn := server.connect(t)
			if line, err := hear(conn); test.good && (line != "hello\n" || err != nil) {
				t.Errorf("%q, %v", line, err)
			} else if !test.good {
				wantNetTimeout(t, err)
			}
			if test.good {
				wantCounts(t, b, counts{succeeded: 1, uncounted: 2})
			} else {
				wantCounts(t, b, counts{failed: 1, uncounted: 2})
			}
		})
	}
}

// A directory's client keeps a reader on every connection, from the start.
func TestAnIdlePoolIsNoGreetingThatIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 1}
		server := newBackend(t, b, answering(0))
		heard := make(chan string, 5)
		var pool []net.Conn
		for range 5 {
			conn := server.connect(t)
			pool = append(pool, conn)
			go func() { line, _ := hear(conn); heard <- line }()
		}
		time.Sleep(time.Hour)
		wantCounts(t, b, counts{uncounted: 5})
		for _, conn := range pool {
			io.WriteString(conn, "ping\n")
			if line := <-heard; line != "PING\n" {
				t.Errorf("%q", line)
			}
		}
	})
}

// A greeting may be awaited when another connection shows that there is none.
func TestAConnectionIsNotCutForAGreetingThatNeverWasToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		server := newBackend(t, b, greeting(0, silent))
		hear(server.connect(t)) // an error, say, that it has sent unasked
		server.run = answering(0)
		early, other := server.connect(t), server.connect(t)
		heard := make(chan string)
		go func() { line, _ := hear(early); heard <- line }()
		time.Sleep(100 * ms)
		wantAnswer(t, other, "ping\n", "PING\n")
		time.Sleep(time.Hour)
		io.WriteString(early, "ping\n")
		if line := <-heard; line != "PING\n" {
			t.Errorf("%q", line)
		}
	})
}

func TestAReadWhenNothingWasAskedHasNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		s := newBackend(t, b, func(conn net.Conn, r *bufio.Reader) {
			r.ReadString('\n')
			for range 3 {
				io.WriteString(conn, "news\n")
				time.Sleep(time.Hour)
			}
		})
		conn := s.connect(t)
		wantAnswer(t, conn, "subscribe\n", "news\n")
		for range 2 {
			if line, err := hear(conn); line != "news\n" || err != nil {
				t.Errorf("%q, %v", line, err)
			}
		}
		if _, err := hear(conn); err != io.EOF { // the server's farewell says nothing
			t.Error(err)
		}
		wantCounts(t, b, counts{succeeded: 1, uncounted: 1})
	})
}

// A client that has a reader running reads before it has asked anything, too.
func TestAReadBeforeTheFirstRequestHasNoLimitWhereTheClientSpeaksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		s := newBackend(t, b, answering(0))
		wantAnswer(t, s.connect(t), "ping\n", "PING\n")
		conn := s.connect(t)
		heard := make(chan string)
		go func() {
			line, _ := hear(conn)
			heard <- line
		}()
		time.Sleep(time.Hour)
		io.WriteString(conn, "ping\n")
		if line := <-heard; line != "PING\n" {
			t.Errorf("%q", line)
		}
		wantCounts(t, b, counts{succeeded: 2, uncounted: 2})
	})
}

func TestTheTimeBetweenWritingAndReadingIsTheClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		conn := newBackend(t, b, answering(100*ms)).connect(t)
		io.WriteString(conn, "pi")
		time.Sleep(time.Hour)
		io.WriteString(conn, "ng\n")
		time.Sleep(time.Hour)
		if line, err := hear(conn); line != "PING\n" || err != nil {
			t.Errorf("%q, %v", line, err)
		}
		wantCounts(t, b, counts{succeeded: 1, uncounted: 1})
		if s := b.Stats(); s.Slow != 0 {
			t.Errorf("%d slow", s.Slow)
		}
	})
}

func TestPipelinedRequestsAreOneExchangeUntilTheFirstAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		s := newBackend(t, b, func(conn net.Conn, r *bufio.Reader) {
			for range 3 {
				r.ReadString('\n')
			}
			io.WriteString(conn, "one\ntwo\nthree\n")
		})
		conn := s.connect(t)
		for range 3 {
			io.WriteString(conn, "ping\n")
		}
		for _, want := range []string{"one\n", "two\n", "three\n"} {
			if line, err := hear(conn); line != want || err != nil {
				t.Errorf("%q, %v", line, err)
			}
		}
		wantCounts(t, b, counts{succeeded: 1, uncounted: 1})
	})
}

// slowly takes what it is sent a part at a time, with a pause before each.
func slowly(part int, pause time.Duration) script {
	return func(conn net.Conn, r *bufio.Reader) {
		for {
			time.Sleep(pause)
			if _, err := io.CopyN(io.Discard, r, int64(part)); err != nil {
				return
			}
		}
	}
}

func TestALongRequestMayTakeLongAsLongAsItIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		conn := newBackend(t, b, slowly(64<<10, 150*ms)).connect(t)
		go conn.Read(make([]byte, 1)) // which keeps time
		if n, err := conn.Write(make([]byte, 1<<20)); n != 1<<20 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		for range 64 {
			if _, err := conn.Write(make([]byte, 16<<10)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestARequestThatIsNotTakenFailsAtTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		conn := newBackend(t, b, slowly(1<<10, 150*ms)).connect(t)
		start := time.Now()
		n, err := conn.Write(make([]byte, 1<<20))
		wantNetTimeout(t, err)
		if took := time.Since(start); n == 0 || n > 64<<10 || took != 200*ms {
			t.Errorf("%d bytes in %v", n, took)
		}
		wantCounts(t, b, counts{failed: 1, uncounted: 1})
	})
}

func TestARequestThatIsNoLongerTakenWhenItsAnswerHasBegunFailsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		conn := newBackend(t, b, func(conn net.Conn, r *bufio.Reader) {
			r.ReadByte()
			io.WriteString(conn, "so\n")
			time.Sleep(time.Hour)
		}).connect(t)
		go hear(conn)
		_, err := conn.Write(make([]byte, 1<<20))
		wantNetTimeout(t, err)
		wantCounts(t, b, counts{failed: 1, uncounted: 1})
	})
}

func TestNothingIsNoExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		conn := newBackend(t, b, silent).connect(t)
		go conn.Read(nil) // which wait at a pipe, other than at a TCP connection
		go conn.Write(nil)
		time.Sleep(ms)
		wantCounts(t, b, counts{uncounted: 1})
	})
}

// Requests that go into a socket's buffer do not show that anybody reads them.
func TestFurtherRequestsDoNotPutOffTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		conn := newBackend(t, b, silent).connect(t)
		start := time.Now()
		heard := make(chan time.Duration)
		go func() {
			_, err := hear(conn)
			wantNetTimeout(t, err)
			heard <- time.Since(start)
		}()
		for range 4 {
			io.WriteString(conn, "ping\n")
			time.Sleep(49 * ms)
		}
		if took := <-heard; took != 200*ms {
			t.Errorf("took %v", took)
		}
		wantCounts(t, b, counts{failed: 1, uncounted: 1})
	})
}

func TestTheClientsOwnDeadlinesWorkAsEver(t *testing.T) {
	for name, test := range map[string]struct {
		in       time.Duration // the client's deadline
		cancel   bool          // it is moved into the past then
		took     time.Duration
		ours     bool
		verdicts counts
	}{
		"earlier":   {100 * ms, false, 100 * ms, false, counts{failed: 1, uncounted: 1}},
		"later":     {300 * ms, false, 200 * ms, true, counts{failed: 1, uncounted: 1}},
		"cancelled": {100 * ms, true, 100 * ms, false, counts{uncounted: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &breaker.Breaker{Timeout: 200 * ms}
				conn := newBackend(t, b, silent).connect(t)
				if test.cancel {
					time.AfterFunc(test.in, func() { conn.SetDeadline(time.Now()) })
				} else {
					conn.SetDeadline(time.Now().Add(test.in))
				}
				start := time.Now()
				_, err := ask(conn, "ping\n")
				if took := time.Since(start); took != test.took || !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%v after %v", err, took)
				}
				var late *breaker.TimeoutError
				if errors.As(err, &late) != test.ours {
					t.Errorf("it is %T", err)
				}
				if !test.ours { // then the connection is the client's to go on with
					if err := conn.SetDeadline(time.Time{}); err != nil {
						t.Error(err)
					}
					if _, err := io.WriteString(conn, "ping\n"); err != nil {
						t.Error(err)
					}
				}
				conn.Close()
				if !test.ours {
					test.verdicts.uncounted++ // the latter exchange
				}
				wantCounts(t, b, test.verdicts)
			})
		})
	}
}

func TestAConnectionThatEndsInAnExchangeIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		s := newBackend(t, b, func(conn net.Conn, r *bufio.Reader) { r.ReadString('\n') })
		if _, err := ask(s.connect(t), "ping\n"); err != io.EOF {
			t.Error(err)
		}
		wantCounts(t, b, counts{failed: 1, uncounted: 1})
		s.run = oneLine
		conn := s.connect(t)
		wantAnswer(t, conn, "ping\n", "bye\n")
		if _, err := ask(conn, "ping\n"); err == nil {
			t.Error("no error")
		}
		wantCounts(t, b, counts{succeeded: 1, failed: 2, uncounted: 2})
	})
}

func TestAConnectionThatWasJustUsedIsNotStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		server := newBackend(t, b, greeting(0, answering(50*ms)))
		hear(server.connect(t))
		conn := server.connect(t)
		hear(conn)
		time.Sleep(time.Hour)
		wantAnswer(t, conn, "ping\n", "PING\n") // 50 ms after it was asked
		time.Sleep(60 * ms)
		conn.(interface{ NetConn() net.Conn }).NetConn().Close()
		if _, err := ask(conn, "ping\n"); err == nil {
			t.Error("no error")
		}
		wantCounts(t, b, counts{succeeded: 2, failed: 1, uncounted: 2})
	})
}

// A tls.Conn's Read may return nothing, and no error.
func TestAReadOfNothingIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		wantAnswer(t, newBackend(t, b, answering(0)).connect(t), "ping\n", "PING\n")
		dial := b.DialContext(func(context.Context, string, string) (net.Conn, error) { return new(blank), nil })
		conn, _ := dial(t.Context(), "tcp", "backend:1")
		io.WriteString(conn, "ping\n")
		for range 3 {
			conn.Read(make([]byte, 1))
			wantCounts(t, b, counts{succeeded: 1, uncounted: 2, inProgress: 1})
		}
		conn.Close()

		trip(t, b)
		time.Sleep(b.RetryAfter())
		conn, _ = dial(t.Context(), "tcp", "backend:1")
		conn.Read(make([]byte, 1))
		time.Sleep(100 * ms)
		conn.Read(make([]byte, 1))
		conn.Close()
		if took := b.Stats().Time; took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// A blank connection takes all and gives nothing.
type blank struct{ net.Conn }

func (*blank) Read(p []byte) (int, error)  { return 0, nil }
func (*blank) Write(p []byte) (int, error) { return len(p), nil }
func (*blank) Close() error                { return nil }

// What a pool has kept over a restart says nothing of the server as it is now.
func TestAConnectionThatWasCutWhileIdleSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		s := newBackend(t, b, oneLine)
		pooled := []net.Conn{s.connect(t), s.connect(t), s.connect(t)}
		for _, conn := range pooled[1:] {
			wantAnswer(t, conn, "ping\n", "bye\n")
		}
		pooled[0].(interface{ NetConn() net.Conn }).NetConn().Close() // never used, and cut
		trip(t, b)
		time.Sleep(b.RetryAfter())
		for _, conn := range pooled {
			if _, err := ask(conn, "ping\n"); err == nil {
				t.Error("no error")
			}
			wantState(t, b, breaker.HalfOpen)
		}
		wantAnswer(t, s.connect(t), "ping\n", "bye\n")
		wantState(t, b, breaker.Closed)
	})
}

func TestACloseEndsTheExchangeAndSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		s := newBackend(t, b, silent)
		conn := s.connect(t)
		io.WriteString(conn, "quit\n")
		conn.Close()
		wantCounts(t, b, counts{uncounted: 2})

		conn = s.connect(t)
		time.AfterFunc(100*ms, func() { conn.Close() })
		if _, err := ask(conn, "ping\n"); err == nil {
			t.Error("no error")
		}
		if _, err := ask(conn, "ping\n"); err == nil {
			t.Error("no error after Close")
		}
		wantCounts(t, b, counts{uncounted: 4})
	})
}

func TestABreakerWithoutATimeoutWatchesItsProbesOnConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: -1, TripAfter: 1, OpenMax: 10 * s}
		conn := newBackend(t, b, answering(time.Hour)).connect(t)
		wantAnswer(t, conn, "ping\n", "PING\n")
		trip(t, b)
		time.Sleep(b.RetryAfter())
		go func() { time.Sleep(11 * s); wantState(t, b, breaker.Open) }()
		wantAnswer(t, conn, "ping\n", "PING\n")
	})
}
