package relay_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/examples/shop/relay"
)

// patience is how long a test waits for what must come, and a moment how long it watches that
// something does not.
const (
	patience = 10 * time.Second
	moment   = 100 * time.Millisecond
)

func TestBytesPassBothWays(t *testing.T) {
	_, conn := throughRelay(t, echo)
	want := bytes.Repeat([]byte("the quick brown fox "), 50_000) // 1 MB: more than any buffer on the way
	go conn.Write(want)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the echo differs from what was sent (%v)", err)
	}
}

func TestAHalfClosedClientStillGetsItsAnswer(t *testing.T) {
	_, conn := throughRelay(t, func(backend *net.TCPConn) {
		all, _ := io.ReadAll(backend) // answers only when the client has said all
		io.WriteString(backend, strings.ToUpper(string(all)))
	})
	io.WriteString(conn, "please")
	conn.CloseWrite()
	answer, err := io.ReadAll(conn)
	if string(answer) != "PLEASE" || err != nil {
		t.Fatalf("got %q, %v", answer, err)
	}
}

func TestABackendThatClosesFirstIsHeardOut(t *testing.T) {
	_, conn := throughRelay(t, func(backend *net.TCPConn) { io.WriteString(backend, "bye") })
	answer, err := io.ReadAll(conn)
	if string(answer) != "bye" || err != nil {
		t.Fatalf("got %q, %v", answer, err)
	}
}

func TestHangHoldsAnOpenConnectionAndReleasesItWhenRestored(t *testing.T) {
	r, conn := throughRelay(t, echo)
	ask(t, conn, "before")

	set(t, r, relay.Fault{Kind: relay.Hang})
	io.WriteString(conn, "during\n")
	silent(t, conn)

	set(t, r, relay.Fault{})
	if line := readLine(t, conn); line != "during" {
		t.Fatalf("after the hang came %q, want what was held", line)
	}
	ask(t, conn, "after")
}

func TestHangHoldsANewConnectionAndReleasesItWhenRestored(t *testing.T) {
	r, _ := throughRelay(t, echo)
	set(t, r, relay.Fault{Kind: relay.Hang})
	silentOne, talkingOne := dial(t, r), dial(t, r)
	io.WriteString(talkingOne, "hello\n")
	silent(t, talkingOne)

	set(t, r, relay.Fault{})
	if line := readLine(t, talkingOne); line != "hello" {
		t.Fatalf("after the hang came %q, want what was held", line)
	}
	ask(t, silentOne, "I was only waiting")
}

func TestHangHoldsTheEndOfAConnectionToo(t *testing.T) {
	r, conn := throughRelay(t, echo)
	ask(t, conn, "before")
	set(t, r, relay.Fault{Kind: relay.Hang})
	conn.CloseWrite()
	silent(t, conn)
	set(t, r, relay.Fault{})
	if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
		t.Fatalf("got %q, %v; want the end", rest, err)
	}
}

func TestAClientThatGaveUpDuringAHangNeverReachesTheBackend(t *testing.T) {
	reached := make(chan string, 2)
	r, _ := throughRelay(t, func(backend *net.TCPConn) {
		line, _ := bufio.NewReader(backend).ReadString('\n')
		reached <- line
	})
	set(t, r, relay.Fault{Kind: relay.Hang})
	dial(t, r).Close()
	patient := dial(t, r)
	io.WriteString(patient, "still here\n")
	time.Sleep(moment) // both have been accepted
	set(t, r, relay.Fault{})
	io.ReadAll(patient)
	time.Sleep(moment) // the other one would have come by now
	if first := <-reached; first != "still here\n" || len(reached) > 0 {
		t.Fatalf("the backend met %q and %d more, want the patient one only", first, len(reached))
	}
}

func TestSlowDelaysARoundTripOnce(t *testing.T) {
	const delay = 300 * time.Millisecond
	r, conn := throughRelay(t, echo)
	set(t, r, relay.Fault{Kind: relay.Slow, Delay: delay})
	start := time.Now()
	ask(t, conn, "slowly")
	if took := time.Since(start); took < delay || took >= 2*delay {
		t.Fatalf("a round trip took %v, want about one delay of %v", took, delay)
	}
}

func TestSlowEndsAtOnceWhenRestored(t *testing.T) {
	r, conn := throughRelay(t, echo)
	set(t, r, relay.Fault{Kind: relay.Slow, Delay: time.Hour})
	io.WriteString(conn, "slowly\n")
	silent(t, conn)
	set(t, r, relay.Fault{Kind: relay.Normal})
	if line := readLine(t, conn); line != "slowly" {
		t.Fatalf("got %q", line)
	}
}

func TestCutResetsConnectionsOldAndNewUntilRestored(t *testing.T) {
	r, old := throughRelay(t, echo)
	ask(t, old, "before")
	set(t, r, relay.Fault{Kind: relay.Cut})
	broken(t, old)
	brokenWhenNew(t, r)
	set(t, r, relay.Fault{})
	ask(t, dial(t, r), "after")
}

func TestABackendThatIsNotThereBreaksTheConnection(t *testing.T) {
	r := listen(t, "127.0.0.1:1")
	brokenWhenNew(t, r)
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	for _, kind := range relay.Kinds() {
		before := runtime.NumGoroutine()
		backend := serve(t, echo)
		r, err := relay.Listen(backend.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns := []*net.TCPConn{dial(t, r), dial(t, r), dial(t, r)}
		ask(t, conns[0], "open")
		set(t, r, relay.Fault{Kind: kind, Delay: time.Hour})
		io.WriteString(conns[0], "held\n")
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		stacks := make([]byte, 1<<20)
		if stacks = stacks[:runtime.Stack(stacks, true)]; bytes.Contains(stacks, []byte("relay.(*Relay).pump(")) {
			t.Errorf("%s: Close returned while connections were carried:\n%s", kind, stacks)
		}
		backend.Close()
		for _, conn := range conns {
			conn.Close()
		}
		eventually(t, func() bool { return runtime.NumGoroutine() <= before },
			"goroutines are left behind after Close during "+string(kind))
	}
}

func TestListenAndSetSayWhatTheyAccept(t *testing.T) {
	if _, err := relay.Listen("localhost"); err == nil || !strings.Contains(err.Error(), `"localhost": must be host:port`) {
		t.Errorf("Listen said %v", err)
	}
	r := listen(t, "127.0.0.1:1")
	if err := r.Set(relay.Fault{Kind: "melt"}); err == nil || !strings.Contains(err.Error(), `Kind "melt": must be one of`) {
		t.Errorf("Set said %v", err)
	}
	if got := r.Fault(); got != (relay.Fault{Kind: relay.Normal}) {
		t.Errorf("a refused fault changed the relay to %v", got)
	}
}

// echo is a backend that says again what it hears.
func echo(conn *net.TCPConn) { io.Copy(conn, conn) }

// serve runs a backend that gives each connection to answer and closes it afterwards.
func serve(t *testing.T, answer func(*net.TCPConn)) net.Listener {
	t.Helper()
	backend, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { backend.Close() })
	go func() {
		for {
			conn, err := backend.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer(conn.(*net.TCPConn))
			}()
		}
	}()
	return backend
}

func listen(t *testing.T, backend string) *relay.Relay {
	t.Helper()
	r, err := relay.Listen(backend)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// throughRelay starts a backend and a relay to it, and connects.
func throughRelay(t *testing.T, answer func(*net.TCPConn)) (*relay.Relay, *net.TCPConn) {
	t.Helper()
	r := listen(t, serve(t, answer).Addr().String())
	return r, dial(t, r)
}

func dial(t *testing.T, r *relay.Relay) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

func set(t *testing.T, r *relay.Relay, f relay.Fault) {
	t.Helper()
	if err := r.Set(f); err != nil {
		t.Fatal(err)
	}
}

// ask sends a line and wants it back.
func ask(t *testing.T, conn net.Conn, line string) {
	t.Helper()
	io.WriteString(conn, line+"\n")
	if got := readLine(t, conn); got != line {
		t.Fatalf("asked %q, was answered %q", line, got)
	}
}

func readLine(t *testing.T, conn net.Conn) string {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatalf("after %q: %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// silent fails the test when anything, the end included, comes within a moment.
func silent(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(moment))
	defer conn.SetReadDeadline(time.Time{})
	var timeout net.Error
	if n, err := conn.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("read %d bytes, %v; want silence", n, err)
	}
}

// broken wants the connection to end otherwise than in order.
func broken(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(patience))
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("read %d bytes, %v; want a connection that was reset", n, err)
	}
}

// brokenWhenNew wants the same of a connection that is made now, where the reset may come so soon that
// the dialling meets it.
func brokenWhenNew(t *testing.T, r *relay.Relay) {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr())
	if err != nil {
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		return
	}
	defer conn.Close()
	broken(t, conn)
}

func eventually(t *testing.T, holds func() bool, otherwise string) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatal(otherwise)
		}
	}
}
