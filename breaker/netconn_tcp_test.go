package breaker_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// tcpServer accepts on the loopback and gives each connection to f.
func tcpServer(t testing.TB, l net.Listener, f func(net.Conn)) {
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	t.Cleanup(func() { l.Close() })
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { defer conn.Close(); f(conn) })
		}
	})
}

func echo(conn net.Conn) { io.Copy(conn, conn) }

func dialled(t testing.TB, b *breaker.Breaker, addr net.Addr) net.Conn {
	conn, err := b.DialContext(nil)(t.Context(), addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// tuned is what clients set on a TCP connection without asking for its type.
type tuned interface {
	SetNoDelay(bool) error
	SetKeepAlive(bool) error
	SetKeepAlivePeriod(time.Duration) error
	SetKeepAliveConfig(net.KeepAliveConfig) error
	SetLinger(int) error
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
	MultipathTCP() (bool, error)
	CloseRead() error
	CloseWrite() error
	io.ReaderFrom
	io.WriterTo
	syscall.Conn
	NetConn() net.Conn
}

func TestATCPConnectionKeepsItsMethods(t *testing.T) {
	l := listen(t)
	tcpServer(t, l, echo)
	b := &breaker.Breaker{}
	conn := dialled(t, b, l.Addr())
	if _, ok := conn.(tuned).NetConn().(*net.TCPConn); !ok {
		t.Errorf("below is a %T", conn.(tuned).NetConn())
	}
	if err := errors.Join(conn.(tuned).SetNoDelay(true), conn.(tuned).SetKeepAlive(true)); err != nil {
		t.Error(err)
	}
	if conn.RemoteAddr().String() != l.Addr().String() {
		t.Errorf("it is to %v", conn.RemoteAddr())
	}
	// ReadFrom is a request, and WriteTo reads the answer, until the half-close comes back.
	if n, err := conn.(io.ReaderFrom).ReadFrom(bytes.NewReader([]byte("hello"))); n != 5 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	wantCounts(t, b, counts{uncounted: 1, inProgress: 1})
	if err := conn.(tuned).CloseWrite(); err != nil {
		t.Error(err)
	}
	var answer bytes.Buffer
	if _, err := conn.(io.WriterTo).WriteTo(&answer); answer.String() != "hello" || err != nil {
		t.Errorf("%q, %v", &answer, err)
	}
	wantCounts(t, b, counts{succeeded: 1, uncounted: 1})
}

// net.Buffers knows the connections of package net, and writes past their Write.
func TestBuffersAreGuardedToo(t *testing.T) {
	l := listen(t)
	tcpServer(t, l, echo)
	b := &breaker.Breaker{}
	tcp := dialled(t, b, l.Addr())
	dial := b.DialContext(func(context.Context, string, string) (net.Conn, error) { return unixPair(t), nil })
	unix, err := dial(t.Context(), "unix", "x")
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close()
	b.Open(0)
	for _, conn := range []net.Conn{tcp, unix} {
		if n, err := (&net.Buffers{[]byte("pi"), []byte("ng\n")}).WriteTo(conn); n != 0 || !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("%T: %d bytes were sent, %v", conn, n, err)
		}
	}
}

func TestConcurrentWritesDoNotMix(t *testing.T) {
	l := listen(t)
	const size = 4 << 20
	sent := make(chan []byte, 1)
	tcpServer(t, l, func(conn net.Conn) { all, _ := io.ReadAll(conn); sent <- all })
	conn := dialled(t, &breaker.Breaker{Timeout: 10 * s}, l.Addr())
	var writers sync.WaitGroup
	for _, letter := range []byte("ab") {
		writers.Go(func() { conn.Write(bytes.Repeat([]byte{letter}, size)) })
	}
	writers.Wait()
	conn.Close()
	all := <-sent
	if last := bytes.LastIndexByte(all, all[0]); len(all) != 2*size || last != size-1 {
		t.Errorf("of %d bytes the first letter is up to %d", len(all), last)
	}
}

func TestAJudgeThatPanicsLeavesNoCallBehind(t *testing.T) {
	l := listen(t)
	tcpServer(t, l, func(conn net.Conn) { conn.Read(make([]byte, 10)) })
	b := &breaker.Breaker{IsFailure: func(error) bool { panic("judge") }}
	conn := dialled(t, b, l.Addr())
	func() {
		defer func() {
			if recover() != "judge" {
				t.Error("the panic was swallowed")
			}
		}()
		ask(conn, "ping\n")
	}()
	wantCounts(t, b, counts{failed: 1, uncounted: 1})
}

func TestAConnectionHasNoMethodsThatTheOneBelowLacks(t *testing.T) {
	for name, test := range map[string]struct {
		below              net.Conn
		half, raw, tunable bool
	}{
		"pipe": {pipeEnd(), false, false, false},
		"tls":  {tls.Client(pipeEnd(), nil), true, false, false},
		"raw":  {rawConn{pipeEnd()}, false, true, false},
		"unix": {unixPair(t), true, true, false},
		"both": {bothConn{rawConn{pipeEnd()}}, true, true, false},
	} {
		dial := new(breaker.Breaker).DialContext(func(context.Context, string, string) (net.Conn, error) { return test.below, nil })
		conn, err := dial(t.Context(), "tcp", "x")
		if err != nil {
			t.Fatal(err)
		}
		_, half := conn.(interface{ CloseWrite() error })
		_, raw := conn.(syscall.Conn)
		_, tunable := conn.(interface{ SetNoDelay(bool) error })
		if half != test.half || raw != test.raw || tunable != test.tunable {
			t.Errorf("%s: CloseWrite %v, SyscallConn %v, SetNoDelay %v", name, half, raw, tunable)
		}
		if conn.(interface{ NetConn() net.Conn }).NetConn() != test.below {
			t.Errorf("%s: below is another one", name)
		}
		if _, closes := conn.(interface{ CloseRead() error }); closes != (name == "unix") {
			t.Errorf("%s: CloseRead %v", name, closes)
		}
		if raw {
			if _, err := conn.(syscall.Conn).SyscallConn(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		test.below.Close()
	}
}

func pipeEnd() net.Conn { conn, other := net.Pipe(); other.Close(); return conn }

type rawConn struct{ net.Conn }

func (rawConn) SyscallConn() (syscall.RawConn, error) { return nil, nil }

type bothConn struct{ rawConn }

func (bothConn) CloseWrite() error { return nil }

func unixPair(t *testing.T) net.Conn {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	tcpServer(t, l, echo)
	conn, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// Pools look at the socket, which may seem well when an answer is only late.
func TestAConnectionThatTookTooLongLooksDeadToAPool(t *testing.T) {
	l := listen(t)
	conn := dialled(t, &breaker.Breaker{Timeout: 300 * ms}, l.Addr())
	if _, err := conn.(syscall.Conn).SyscallConn(); err != nil {
		t.Fatal(err)
	}
	_, err := ask(conn, "ping\n")
	wantNetTimeout(t, err)
	if _, err := conn.(syscall.Conn).SyscallConn(); err == nil {
		t.Error("no error")
	}
}

func TestAResetIsAFailureOfItsExchange(t *testing.T) {
	l := listen(t)
	tcpServer(t, l, func(conn net.Conn) {
		conn.Read(make([]byte, 10))
		conn.(*net.TCPConn).SetLinger(0)
	})
	b := &breaker.Breaker{}
	if _, err := ask(dialled(t, b, l.Addr()), "ping\n"); !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
	wantCounts(t, b, counts{failed: 1, uncounted: 1})
}

// A pool's idle connections outlive a restart, whichever way they were cut.
func TestARestartIsNotHeldAgainstTheServer(t *testing.T) {
	l := listen(t)
	tcpServer(t, l, func(conn net.Conn) {
		p := make([]byte, 10)
		n, _ := conn.Read(p)
		conn.Write(p[:n])
		if rand.N(2) == 0 {
			conn.(*net.TCPConn).SetLinger(0)
		}
	})
	b := &breaker.Breaker{TripAfter: 1}
	var pooled []net.Conn
	for range 20 {
		conn := dialled(t, b, l.Addr())
		wantAnswer(t, conn, "ping\n", "ping\n")
		pooled = append(pooled, conn)
	}
	time.Sleep(150 * ms)
	for _, conn := range pooled {
		if _, err := ask(conn, "ping\n"); err == nil {
			t.Error("no error")
		}
	}
	wantState(t, b, breaker.Closed)
	wantCounts(t, b, counts{succeeded: 20, uncounted: 40})
}

func TestBothWaysAtOnce(t *testing.T) {
	l := listen(t)
	tcpServer(t, l, echo)
	b := &breaker.Breaker{Timeout: 10 * s}
	conn := dialled(t, b, l.Addr())
	const size = 8 << 20
	var sent sync.WaitGroup
	sent.Go(func() {
		for n := 0; n < size; n += 1 << 20 {
			if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
				t.Error(err)
			}
		}
	})
	if n, err := io.CopyN(io.Discard, conn, size); n != size || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	sent.Wait()
	if got := b.Stats(); got.Failed != 0 || got.InProgress != 0 || got.Succeeded == 0 {
		t.Errorf("%+v", got)
	}
}

func TestTLSGoesOnTop(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	l := listen(t)
	tcpServer(t, l, func(conn net.Conn) {
		echo(tls.Server(conn, &tls.Config{Certificates: server.TLS.Certificates}))
	})
	b := &breaker.Breaker{}
	conn := tls.Client(dialled(t, b, l.Addr()), &tls.Config{InsecureSkipVerify: true})
	for range 3 {
		wantAnswer(t, conn, "ping\n", "ping\n")
	}
	conn.Close()
	if got := b.Stats(); got.Failed != 0 || got.InProgress != 0 {
		t.Errorf("%+v", got)
	}
}

func TestConnectionsCostNoGoroutine(t *testing.T) {
	l := listen(t)
	b := &breaker.Breaker{}
	before := runtime.NumGoroutine()
	for range 50 {
		io.WriteString(dialled(t, b, l.Addr()), "ping\n")
	}
	if now := runtime.NumGoroutine(); now > before+2 {
		t.Errorf("%d goroutines, of %d before", now, before)
	}
}

// Whatever clients do to a connection, all calls end and are counted.
func TestConnectionsUsedByManyAtOnce(t *testing.T) {
	l := listen(t)
	tcpServer(t, l, func(conn net.Conn) {
		p := make([]byte, 1<<10)
		for {
			n, err := conn.Read(p)
			if err != nil || rand.N(50) == 0 {
				return
			}
			if rand.N(20) > 0 {
				conn.Write(p[:n])
			}
		}
	})
	b := &breaker.Breaker{Timeout: 5 * ms, OpenFor: ms, OpenMax: 5 * ms}
	dial := b.DialContext(nil)
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 100 {
				conn, err := dial(t.Context(), "tcp", l.Addr().String())
				if err != nil {
					time.Sleep(ms)
					continue
				}
				useWildly(conn)
			}
		})
	}
	clients.Wait()
	got := b.Stats()
	if got.InProgress != 0 || got.Overdue != 0 || got.Calls != got.Succeeded+got.Failed+got.Uncounted {
		t.Errorf("%+v", got)
	}
	b.Close()
	do(t, b, 1, succeeds)
	wantState(t, b, breaker.Closed)
}

func useWildly(conn net.Conn) {
	var users sync.WaitGroup
	users.Go(func() {
		for p := make([]byte, 64); ; {
			if _, err := conn.Read(p); err != nil {
				conn.Close()
				return
			}
		}
	})
	for range 2 {
		users.Go(func() {
			for range 20 {
				switch rand.N(10) {
				case 0:
					conn.SetDeadline(time.Now().Add(rand.N(3 * ms)))
				case 1:
					conn.SetReadDeadline(time.Now())
				default:
					conn.Write(make([]byte, 1+rand.N(100)))
				}
			}
			if rand.N(2) == 0 {
				conn.Close()
			}
		})
	}
	time.Sleep(rand.N(8 * ms))
	conn.Close()
	users.Wait()
}
