package chaos_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// What toxiproxy 2.12 does otherwise, as it was seen there with real traffic.

// TestAClientThatHasSaidAllStillHearsTheAnswer: toxiproxy closed both directions with the first.
func TestAClientThatHasSaidAllStillHearsTheAnswer(t *testing.T) {
	const size = 4 << 20
	p := start(t, &chaos.Proxy{Backend: backend(t, func(c net.Conn) {
		all, _ := io.ReadAll(c)
		time.Sleep(50 * time.Millisecond) // the answer comes well after the end of the question
		c.Write(bytes.Repeat([]byte{'x'}, len(all)))
	})})
	for name, faults := range map[string][]chaos.Fault{
		"no fault":   nil,
		"slow close": {{Behavior: chaos.SlowClose{Delay: 50 * time.Millisecond}, Direction: chaos.Upstream}},
		"slicer":     {{Behavior: chaos.Slicer{AverageSize: 100_000}}},
		"bandwidth":  {{Behavior: chaos.Bandwidth{Rate: 1 << 30}}},
	} {
		t.Run(name, func(t *testing.T) {
			set(t, p, faults...)
			c := dial(t, p)
			if _, err := c.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			c.CloseWrite()
			if n, err := io.Copy(io.Discard, c); n != size || err != nil {
				t.Errorf("heard %d bytes and %v, want %d and an end in order", n, err, size)
			}
		})
	}
}

// TestAResetIsOneForBothSides: toxiproxy sent a FIN on connections that stood already.
func TestAResetIsOneForBothSides(t *testing.T) {
	for _, behavior := range []chaos.Behavior{chaos.Reset{}, chaos.ResetPeer{After: 20 * time.Millisecond}, chaos.Blackout{}, chaos.Refuse{}} {
		t.Run(behavior.Name(), func(t *testing.T) {
			backendSaw := make(chan error, 1)
			p := start(t, &chaos.Proxy{Backend: backend(t, func(c net.Conn) {
				_, err := io.Copy(c, c)
				backendSaw <- err
			})})
			c := dial(t, p)
			say(t, c, "hello")
			hear(t, c, "hello")
			set(t, p, chaos.Fault{Behavior: behavior}) // nobody says anything from here on
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the client saw %v, want a reset", err)
			}
			if err := <-backendSaw; !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the backend saw %v, want a reset", err)
			}
		})
	}
}

// blackhole is a listener whose queue is full: the system answers no further connection to it.
func blackhole(t *testing.T) (addr string) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	ln := os.NewFile(uintptr(fd), "blackhole")
	t.Cleanup(func() { ln.Close() })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	to := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: at.(*syscall.SockaddrInet4).Port}
	for range 20 {
		c, err := net.DialTimeout("tcp", to.String(), 200*time.Millisecond)
		if err != nil {
			return to.String()
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("this system's queue of connections cannot be filled")
	return ""
}

// TestABlackholedBackendHoldsUpNobodyElse: toxiproxy dialled inside its accept loop.
func TestABlackholedBackendHoldsUpNobodyElse(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: blackhole(t)})
	var stuck []*net.TCPConn
	for range 5 {
		stuck = append(stuck, dial(t, p))
	}
	for p.Stats().Open < len(stuck) {
		time.Sleep(time.Millisecond)
	}
	if err := p.SetBackend(backend(t, echo)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	c := dial(t, p)
	say(t, c, "hello")
	hear(t, c, "hello")
	if took := time.Since(began); took > time.Second {
		t.Errorf("a later client waited for %v", took)
	}
	if s := p.Stats(); s.Open != len(stuck)+1 || s.Failed != 0 {
		t.Errorf("%+v: the others must still be waiting", s)
	}
	began = time.Now()
	p.Close()
	if took := time.Since(began); took > time.Second {
		t.Errorf("closing the proxy took %v: it waits for a backend that does not answer", took)
	}
}

// TestTheDialTimeoutEndsABlackhole tells its client, as the network would.
func TestTheDialTimeoutEndsABlackhole(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: blackhole(t), DialTimeout: 50 * time.Millisecond})
	if _, err := dial(t, p).Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client saw %v, want a reset", err)
	}
	if s := p.Stats(); s.Failed != 1 {
		t.Errorf("%+v, want one failure", s)
	}
}

// TestAClientThatDoesNotReadHoldsUpNoChangeOfFaults: toxiproxy's API hung when a latency was deleted
// while a client did not read.
func TestAClientThatDoesNotReadHoldsUpNoChangeOfFaults(t *testing.T) {
	const size = 32 << 20 // more than all buffers between the two hold
	p := start(t, &chaos.Proxy{Backend: backend(t, func(c net.Conn) { chatter(c, 1, size); c.(*net.TCPConn).CloseWrite(); echo(c) })})
	set(t, p, chaos.Fault{Behavior: chaos.Latency{Latency: 5 * time.Millisecond}})
	c := dial(t, p)
	still(t, p)
	for _, faults := range [][]chaos.Fault{
		nil,
		{{Behavior: chaos.Bandwidth{Rate: 1 << 30}}},
		{{Behavior: chaos.Latency{Latency: time.Hour}}},
		{{Behavior: chaos.Slicer{AverageSize: 100_000}}, {Behavior: chaos.Latency{Latency: time.Millisecond}}},
		nil,
	} {
		began := time.Now()
		set(t, p, faults...)
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("%v took %v to set while a client does not read", faults, took)
		}
		still(t, p)
	}
	var got, want bytes.Buffer
	if _, err := io.Copy(&got, c); err != nil {
		t.Fatal(err)
	}
	if io.Copy(&want, stream(1, size)); !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes came, not the %d that were sent", got.Len(), want.Len())
	}
}

// still waits until no bytes pass any more.
func still(t *testing.T, p *chaos.Proxy) {
	t.Helper()
	for before := int64(-1); ; time.Sleep(30 * time.Millisecond) {
		now := p.Stats().Down
		if now == before {
			return
		}
		before = now
	}
}

// TestABareSlicerIsRefused: toxiproxy accepted it, and died of the first bytes.
func TestABareSlicerIsRefused(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	good := chaos.Fault{Behavior: chaos.Latency{Latency: time.Millisecond}}
	set(t, p, good)
	for bare, attribute := range map[chaos.Slicer]string{
		{}:                                     "average_size",
		{AverageSize: -1}:                      "average_size",
		{AverageSize: 10, SizeVariation: 10}:   "size_variation",
		{AverageSize: 10, Delay: -time.Second}: "delay",
	} {
		err := p.SetFaults(good, chaos.Fault{Behavior: bare})
		var attr *chaos.AttributeError
		if !errors.As(err, &attr) || attr.Attribute != attribute {
			t.Errorf("%+v: %v, want an error that names %s", bare, err, attribute)
		}
	}
	if f := p.Faults(); len(f) != 1 || f[0].Name != "latency_downstream" {
		t.Errorf("set afterwards: %v, want what was set before", f)
	}
	c := dial(t, p)
	say(t, c, "hello")
	hear(t, c, "hello")
}

// TestCountersMoveWhileAConnectionLives: toxiproxy's moved when it closed.
func TestCountersMoveWhileAConnectionLives(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	c := dial(t, p)
	word := strings.Repeat("x", 100_000)
	for i := int64(1); i <= 5; i++ {
		var saying sync.WaitGroup
		saying.Go(func() { io.WriteString(c, word) })
		hear(t, c, word)
		saying.Wait()
		want := i * int64(len(word))
		// The last bytes are counted when they have been written, and may be heard before that.
		for end := time.Now().Add(5 * time.Second); min(p.Stats().Up, p.Stats().Down) != want && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if s, l := p.Stats(), p.Links(); s.Up != want || s.Down != want || s.Open != 1 || len(l) != 1 || l[0].Up != want || l[0].Down != want {
			t.Fatalf("after %d bytes each way: %+v, %+v", want, s, l)
		}
	}
}

// TestATimeoutIsKeptWhateverIsSaid: toxiproxy's began again with each chunk.
func TestATimeoutIsKeptWhateverIsSaid(t *testing.T) {
	const limit = 200 * time.Millisecond
	for _, direction := range []chaos.Direction{chaos.Downstream, chaos.Upstream} {
		t.Run(direction.String(), func(t *testing.T) {
			gone := make(chan struct{})
			talk := func(c net.Conn) { // until it cannot
				for {
					if _, err := io.WriteString(c, "more and more "); err != nil {
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			}
			p := start(t, &chaos.Proxy{Backend: backend(t, func(c net.Conn) {
				var reading sync.WaitGroup
				reading.Go(func() { io.Copy(io.Discard, c); c.Close() })
				talk(c)
				reading.Wait()
				close(gone)
			})})
			c := dial(t, p)
			var talking sync.WaitGroup
			talking.Go(func() { talk(c) })
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			set(t, p, chaos.Fault{Behavior: chaos.Timeout{Timeout: limit}, Direction: direction})
			began := time.Now()
			if _, err := io.Copy(io.Discard, c); err != nil {
				t.Errorf("the client saw %v, want an end in order", err)
			}
			took := time.Since(began)
			c.Close()
			talking.Wait()
			<-gone // the backend has seen it too
			if took < limit || took > 4*limit {
				t.Errorf("closed after %v, want %v", took, limit)
			}
		})
	}
}
