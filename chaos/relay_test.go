package chaos_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/internal/leak"
)

func TestMain(m *testing.M) {
	if os.Getenv(echoProcess) != "" {
		serveEcho()
		return
	}
	leak.Main(m)
}

// backend starts a server that treats each connection in its way, and tells its address.
func backend(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return backendAt(t, ln, serve)
}

func backendAt(t testing.TB, ln net.Listener, serve func(net.Conn)) string {
	var all sync.WaitGroup
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[c] = true
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				serve(c)
				mu.Lock()
				delete(conns, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		for c := range conns {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return ln.Addr().String()
}

func echo(c net.Conn) { io.Copy(c, c) }

// start runs a proxy until the test is over.
func start(t testing.TB, p *chaos.Proxy) *chaos.Proxy {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func dial(t testing.TB, p *chaos.Proxy) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn)
}

func say(t testing.TB, c net.Conn, what string) {
	t.Helper()
	if _, err := io.WriteString(c, what); err != nil {
		t.Fatal(err)
	}
}

func hear(t testing.TB, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("heard %q and then %v, want %q", got[:n], err, want)
	}
}

func set(t testing.TB, p *chaos.Proxy, faults ...chaos.Fault) {
	t.Helper()
	if err := p.SetFaults(faults...); err != nil {
		t.Fatal(err)
	}
}

func TestAProxyRelays(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	c := dial(t, p)
	for range 3 {
		say(t, c, "hello")
		hear(t, c, "hello")
	}
	for end := time.Now().Add(5 * time.Second); (p.Stats().Up < 15 || p.Stats().Down < 15) && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // bytes are counted when they have gone, which may be heard before
	}
	if s := p.Stats(); s.Open != 1 || s.Total != 1 || s.Up != 15 || s.Down != 15 {
		t.Errorf("while the connection stands: %+v", s)
	}
	if l := p.Links(); len(l) != 1 || l[0].Up != 15 || l[0].Client != c.LocalAddr().String() {
		t.Errorf("links: %+v", l)
	}
}

func TestAHalfClosedClientGetsItsAnswer(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, func(c net.Conn) {
		all, _ := io.ReadAll(c)
		c.Write(bytes.ToUpper(all))
	})})
	for _, faults := range [][]chaos.Fault{nil, {{Behavior: chaos.Latency{Latency: time.Millisecond}}}} {
		set(t, p, faults...)
		c := dial(t, p)
		say(t, c, "answer this")
		c.CloseWrite()
		hear(t, c, "ANSWER THIS")
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("after the answer: %v, want EOF", err)
		}
	}
}

func TestAResetGoesThroughBothWays(t *testing.T) {
	reset := make(chan error, 1)
	p := start(t, &chaos.Proxy{Backend: backend(t, func(c net.Conn) {
		_, err := io.Copy(io.Discard, c)
		reset <- err
	})})
	c := dial(t, p)
	say(t, c, "x")
	for p.Stats().Up == 0 {
		time.Sleep(time.Millisecond)
	}
	c.SetLinger(0)
	c.Close()
	if err := <-reset; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the backend saw %v, want a reset", err)
	}

	p = start(t, &chaos.Proxy{Backend: backend(t, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) })})
	if err := firstRead(p); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client saw %v, want a reset", err)
	}
}

// firstRead connects, and tells what came of that and of the first thing read.
func firstRead(p *chaos.Proxy) error {
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		return err // a reset may be seen so early
	}
	defer c.Close()
	_, err = c.Read(make([]byte, 1))
	return err
}

func TestABackendThatIsNotThereIsAReset(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: "127.0.0.1:1"})
	if err := firstRead(p); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client saw %v, want a reset", err)
	}
	if s := p.Stats(); s.Failed != 1 {
		t.Errorf("failed: %d, want 1", s.Failed)
	}
}

func TestUnixSocketsOnBothSides(t *testing.T) {
	dir := t.TempDir()
	ln, err := net.Listen("unix", filepath.Join(dir, "backend"))
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, &chaos.Proxy{Listen: "unix:" + filepath.Join(dir, "proxy"), Backend: "unix:" + backendAt(t, ln, echo)})
	for _, faults := range [][]chaos.Fault{nil, {{Behavior: chaos.Refuse{}}}, nil} {
		set(t, p, faults...)
		c, err := net.Dial("unix", filepath.Join(dir, "proxy"))
		if (err != nil) != (faults != nil) {
			t.Fatalf("with %v: %v", faults, err)
		}
		if err == nil {
			say(t, c, "hello")
			hear(t, c, "hello")
			c.Close()
		}
	}
}

func TestNobodyListensAndThenSomebodyDoes(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	for range 20 {
		set(t, p, chaos.Fault{Behavior: chaos.Refuse{}})
		if _, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("while nobody listens: %v, want connection refused", err)
		}
		set(t, p)
		c := dial(t, p)
		say(t, c, "hello")
		hear(t, c, "hello")
	}
}

// TestBytesArriveAsTheyWereSent relays streams in both directions at once, in random pieces, while faults
// that must not change any byte come and go.
func TestBytesArriveAsTheyWereSent(t *testing.T) {
	sets := [][]chaos.Fault{
		nil,
		{{Behavior: chaos.Latency{Latency: time.Millisecond, Jitter: time.Millisecond}}},
		{{Behavior: chaos.Dummy{}}, {Behavior: chaos.Latency{Latency: time.Millisecond}, Direction: chaos.Upstream}},
		{{Behavior: chaos.Slicer{AverageSize: 9000, SizeVariation: 8000}}, {Behavior: chaos.SlowClose{Delay: time.Millisecond}}},
		{{Behavior: chaos.Bandwidth{Rate: 1 << 30}}, {Behavior: chaos.Delay{Sleep: time.Millisecond, Before: true}}},
	}
	const size = 512 << 20 // each way: a gibibyte together
	sum := func(r io.Reader) [32]byte {
		h := sha256.New()
		io.Copy(h, r)
		return [32]byte(h.Sum(nil))
	}
	sums := make(chan [32]byte, 2)
	p := start(t, &chaos.Proxy{Backend: backend(t, func(c net.Conn) {
		var both sync.WaitGroup
		both.Go(func() { sums <- sum(c) })
		both.Go(func() { chatter(c, 2, size) })
		both.Wait()
	})})
	c := dial(t, p)
	done := make(chan struct{})
	var setter sync.WaitGroup
	setter.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-time.After(3 * time.Millisecond):
				p.SetFaults(sets[i%len(sets)]...)
			}
		}
	})
	var both sync.WaitGroup
	var got [32]byte
	both.Go(func() { got = sum(c) })
	both.Go(func() { chatter(c, 1, size); c.CloseWrite() })
	both.Wait()
	close(done)
	setter.Wait()
	if want := sum(stream(2, size)); got != want {
		t.Error("what the client got is not what the backend sent")
	}
	if want := sum(stream(1, size)); <-sums != want {
		t.Error("what the backend got is not what the client sent")
	}
	if s := p.Stats(); s.Up != size || s.Down != size {
		t.Errorf("counted %d and %d, want %d", s.Up, s.Down, size)
	}
}

// stream gives random bytes that a seed decides.
func stream(seed byte, size int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{seed}), size)
}

// chatter says them in pieces of random sizes.
func chatter(w io.Writer, seed byte, size int64) {
	src, rnd := stream(seed, size), rand.New(rand.NewPCG(uint64(seed), 0))
	buf := make([]byte, 300<<10)
	for {
		n, err := io.ReadFull(src, buf[:1+rnd.IntN(1<<rnd.IntN(18))])
		if _, failed := w.Write(buf[:n]); err != nil || failed != nil {
			return
		}
	}
}

func TestShutdownLetsConnectionsEnd(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	c := dial(t, p)
	say(t, c, "a")
	hear(t, c, "a")
	done := make(chan error)
	go func() { done <- p.Shutdown(context.Background()) }()
	for p.Running() {
		time.Sleep(time.Millisecond)
	}
	say(t, c, "b")
	hear(t, c, "b")
	c.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}

	if err := p.Start(); err != nil {
		t.Fatalf("started again: %v", err)
	}
	c = dial(t, p)
	say(t, c, "c")
	hear(t, c, "c")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := p.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown with a client that stays: %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection still stands")
	}
}
