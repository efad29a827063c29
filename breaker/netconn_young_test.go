package breaker_test

import (
	"bufio"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// polite answers at once, but what is work only after d.
func polite(d time.Duration) script {
	return func(conn net.Conn, r *bufio.Reader) {
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if line == "work\n" {
				time.Sleep(d)
			}
			io.WriteString(conn, "ok\n")
		}
	}
}

func TestABackendThatGreetsAndThenHangsTrips(t *testing.T) {
	for name, patience := range map[string]time.Duration{"the breaker's timeout": 0, "the client's": 150 * ms} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 3, TripRate: -1}
				server := newBackend(t, b, polite(time.Hour))
				for range 3 {
					wantState(t, b, breaker.Closed)
					conn := server.connect(t)
					wantAnswer(t, conn, "hello\n", "ok\n")
					wantAnswer(t, conn, "it is me\n", "ok\n")
					if patience > 0 {
						conn.SetDeadline(time.Now().Add(patience))
					}
					if _, err := ask(conn, "work\n"); err == nil {
						t.Error("no error")
					}
					conn.Close()
				}
				wantState(t, b, breaker.Open)
				wantCounts(t, b, counts{succeeded: 6, failed: 3, uncounted: 3})
				time.Sleep(b.RetryAfter())
				wantAnswer(t, server.connect(t), "hello\n", "ok\n")
				wantState(t, b, breaker.Closed) // that it answers at all is something
			})
		})
	}
}

// A client that hangs up while its work hangs has seen nothing that was good.
func TestAWaitThatIsGivenUpDoesNotMakeUpForFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 3, TripRate: -1}
		server := newBackend(t, b, polite(time.Hour))
		do(t, b, 2, fails)
		conn := server.connect(t)
		wantAnswer(t, conn, "hello\n", "ok\n")
		time.AfterFunc(200*ms, func() { conn.Close() })
		ask(conn, "work\n")
		do(t, b, 1, fails)
		wantState(t, b, breaker.Open)
	})
}

func TestAClientThatDialsForEveryRequestMakesUpForFailures(t *testing.T) {
	for name, leave := range map[string]func(net.Conn){
		"without a word":  func(net.Conn) {},
		"with a farewell": func(conn net.Conn) { io.WriteString(conn, "quit\n") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &breaker.Breaker{TripAfter: 2, TripRate: 0.5, TripCalls: 2}
				server := newBackend(t, b, polite(0))
				for range 20 {
					for range 2 {
						conn := server.connect(t)
						wantAnswer(t, conn, "hello\n", "ok\n")
						wantAnswer(t, conn, "work\n", "ok\n")
						leave(conn)
						conn.Close()
						conn.Close() // which says nothing more
					}
					do(t, b, 1, fails)
					wantState(t, b, breaker.Closed)
				}
				do(t, b, 1, fails) // 20 of 41 were few enough, and one more is two in a row
				wantState(t, b, breaker.Open)
			})
		})
	}
}

func TestAConnectionThatHasProvedItselfMakesUpForFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 2, TripRate: -1}
		conn := newBackend(t, b, polite(0)).connect(t)
		wantAnswer(t, conn, "hello\n", "ok\n")
		time.Sleep(100 * ms)
		for range 5 {
			do(t, b, 1, fails)
			wantAnswer(t, conn, "work\n", "ok\n")
		}
		wantState(t, b, breaker.Closed)
		do(t, b, 2, fails)
		wantState(t, b, breaker.Open)
	})
}

func TestSlowWorkOnNewConnectionsTripsToo(t *testing.T) {
	for name, farewell := range map[string]string{"closed": "", "used on": "bye\n"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &breaker.Breaker{TripCalls: 5, SlowRate: 0.5}
				server := newBackend(t, b, polite(600*ms))
				for n := 0; n < 5 && b.State() == breaker.Closed; n++ {
					conn := server.connect(t)
					wantAnswer(t, conn, "hello\n", "ok\n")
					wantAnswer(t, conn, "work\n", "ok\n")
					if farewell != "" {
						wantAnswer(t, conn, farewell, "ok\n")
					}
					conn.Close()
				}
				wantState(t, b, breaker.Open)
			})
		})
	}
}
