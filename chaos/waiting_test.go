package chaos_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// gone waits until so many clients have come, and none of their connections stands any more.
func gone(t *testing.T, p *chaos.Proxy, came uint64) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); p.Stats().Open > 0 || p.Stats().Total < came; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("all have gone: %+v, want none open of %d", p.Stats(), came)
		}
	}
}

// Clients give up in many ways.
var givingUp = map[string]func(c *net.TCPConn){
	"in order":          func(c *net.TCPConn) { c.Close() },
	"after a word":      func(c *net.TCPConn) { io.WriteString(c, "hello"); c.Close() },
	"with a reset":      func(c *net.TCPConn) { io.WriteString(c, "hello"); c.SetLinger(0); c.Close() },
	"after a long word": func(c *net.TCPConn) { c.Write(make([]byte, 100_000)); c.SetLinger(0); c.Close() },
}

func TestHalfOpenClientsThatGiveUpLeaveNothing(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	set(t, p, fault(chaos.HalfOpen{}))
	came := uint64(0)
	for name, giveUp := range givingUp {
		t.Run(name, func(t *testing.T) {
			for range 10 {
				giveUp(dial(t, p))
				came++
			}
			gone(t, p, came)
		})
	}
	t.Run("while it was slow", func(t *testing.T) {
		set(t, p, fault(chaos.SlowConnect{Delay: time.Hour}))
		dial(t, p).Close()
		for p.Stats().Total == came {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond) // it sees that the client has said all
		set(t, p, fault(chaos.HalfOpen{}))
		gone(t, p, came+1)
	})
	if s := p.Stats(); s.Up != 0 || s.Failed != 0 {
		t.Errorf("%+v: the backend was not to be asked", s)
	}
}

// TestAClientThatLeavesWhileTheBackendIsDialled is not waited for.
func TestAClientThatLeavesWhileTheBackendIsDialled(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: blackhole(t)})
	for range 5 {
		c := dial(t, p)
		say(t, c, "hello")
		c.SetLinger(0)
		c.Close()
	}
	gone(t, p, 5)
	if s := p.Stats(); s.Failed != 0 {
		t.Errorf("%+v: it was the clients who left", s)
	}
}

// TestSlowConnectKeepsWhatWasSaid and that the client has said all.
func TestSlowConnectKeepsWhatWasSaid(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, func(c net.Conn) {
		io.WriteString(c, "220 hello\r\n")
		all, _ := io.ReadAll(c)
		c.Write(all)
	})})
	set(t, p, fault(chaos.SlowConnect{Delay: 50 * time.Millisecond}))
	for _, said := range []string{"", "QUIT\r\n", string(random(4096)), string(random(100_000))} {
		c := dial(t, p)
		var saying sync.WaitGroup
		saying.Go(func() { io.WriteString(c, said); c.CloseWrite() })
		if heard, err := io.ReadAll(c); err != nil || string(heard) != "220 hello\r\n"+said {
			t.Errorf("said %d bytes, heard %d and %v", len(said), len(heard), err)
		}
		saying.Wait()
	}
}

// TestWhoeverTalksWhileTheBackendIsReachedIsHeard: a word may come at the very moment at which the
// backend has been reached, and nothing may then keep the pump from reading.
func TestWhoeverTalksWhileTheBackendIsReachedIsHeard(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	var all sync.WaitGroup
	for range 50 {
		c := dial(t, p)
		all.Go(func() {
			for range 50 {
				if _, err := io.WriteString(c, "x"); err != nil {
					t.Error(err)
				}
				time.Sleep(100 * time.Microsecond)
			}
			if _, err := io.CopyN(io.Discard, c, 50); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestALimitOfConnectionsIsExact also when all come at once.
func TestALimitOfConnectionsIsExact(t *testing.T) {
	const most, clients = 10, 40
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	slow := fault(striking(func(e *chaos.Event) { // another fault, that takes its time
		if e.Moment == chaos.Connect && e.Conn > 0 {
			time.Sleep(time.Millisecond)
		}
	}))
	set(t, p, fault(chaos.LimitConnections{Max: most}), slow)
	for round := uint64(1); round <= 5; round++ {
		var in atomic.Int64
		var talking sync.WaitGroup
		for range clients {
			talking.Go(func() {
				c, err := net.Dial("tcp", p.Addr())
				if err != nil {
					return // a reset may be seen so early
				}
				t.Cleanup(func() { c.Close() })
				c.SetDeadline(time.Now().Add(10 * time.Second))
				io.WriteString(c, "x")
				if n, _ := c.Read(make([]byte, 1)); n == 1 {
					in.Add(1)
				}
			})
		}
		talking.Wait()
		if n := in.Load(); n != most {
			t.Errorf("%d of %d got in, want %d", n, clients, most)
		}
		set(t, p, fault(chaos.Reset{}))
		gone(t, p, round*clients)
		set(t, p, fault(chaos.LimitConnections{Max: most}), slow)
	}
}

func TestABackendThatIsNotReachedYetCanBeMadeToVanish(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: blackhole(t)})
	c := dial(t, p)
	time.Sleep(20 * time.Millisecond) // it is dialling by now; if not, it is refused anyway
	began := time.Now()
	set(t, p, chaos.Fault{Behavior: chaos.Blackout{}})
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client saw %v, want a reset", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
