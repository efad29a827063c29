package chaos_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// TestCloseEndsAShutdownThatWaits also where a client never leaves.
func TestCloseEndsAShutdownThatWaits(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	c := dial(t, p)
	say(t, c, "hello")
	hear(t, c, "hello")
	done := make(chan error, 1)
	go func() { done <- p.Shutdown(context.Background()) }()
	for p.Running() {
		time.Sleep(time.Millisecond)
	}
	if err := p.Start(); !errors.Is(err, chaos.ErrStarted) {
		t.Errorf("Start while connections still come to their end: %v, want ErrStarted", err)
	}
	p.Close()
	if s := p.Stats(); s.Open != 0 {
		t.Errorf("after Close %d connections stand", s.Open)
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v, want none: its context has not ended", err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the client saw %v, want an end", err)
	}
	if err := p.Start(); err != nil {
		t.Errorf("Start afterwards: %v", err)
	}
}

// TestNotifyMayAskTheProxy and set its faults, whatever it hears of.
func TestNotifyMayAskTheProxy(t *testing.T) {
	kinds := make(chan chaos.NoticeKind, 100)
	p := &chaos.Proxy{Backend: backend(t, echo)}
	p.Notify = func(n chaos.Notice) {
		kinds <- n.Kind
		p.Stats()
		p.Links()
		p.Addr()
		p.Faults()
		if n.Proxy != p.Addr() {
			t.Errorf("%v is of %q, want what it listens on, %q", n.Kind, n.Proxy, p.Addr())
		}
		if n.Kind == chaos.Opened {
			p.SetFaults(fault(chaos.Dummy{}))
		}
	}
	start(t, p)
	c := dial(t, p)
	say(t, c, "hello")
	hear(t, c, "hello")
	c.Close()
	p.Close()
	close(kinds)
	var heard []chaos.NoticeKind
	for k := range kinds {
		heard = append(heard, k)
	}
	if first, last := heard[0], heard[len(heard)-1]; first != chaos.Listening || last != chaos.Stopped {
		t.Errorf("heard %v, want listening first and stopped last", heard)
	}
}

// TestWhatIsSetBeforeStartCounts in whatever order.
func TestWhatIsSetBeforeStartCounts(t *testing.T) {
	p := &chaos.Proxy{}
	if err := p.SetBackend(backend(t, echo)); err != nil {
		t.Fatal(err)
	}
	set(t, p, fault(chaos.Bandwidth{}))
	p.Seed = 7
	start(t, p)
	if s := p.Stats(); s.Seed != 7 {
		t.Errorf("the seed is %d, want 7", s.Seed)
	}
	if f := p.Faults(); len(f) != 1 {
		t.Errorf("faults: %v", f)
	}
	set(t, p)
	c := dial(t, p)
	say(t, c, "hello")
	hear(t, c, "hello")
}

// TestTheAddressStays over Close and Start, unless another is asked for.
func TestTheAddressStays(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	first := p.Addr()
	restart := func() {
		t.Helper()
		p.Close()
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if restart(); p.Addr() != first {
		t.Errorf("started again on %s, was on %s", p.Addr(), first)
	}
	if err := p.SetListen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	second := p.Addr()
	if restart(); p.Addr() != second || second == first {
		t.Errorf("started again on %s, SetListen had moved it from %s to %s", p.Addr(), first, second)
	}
	p.Listen = "localhost:0"
	if restart(); p.Addr() == second {
		t.Errorf("Listen is %q now, and it listens on %s again", p.Listen, p.Addr())
	}
}

func TestSetListenMovesAndKeepsConnections(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	c, old := dial(t, p), p.Addr()
	say(t, c, "hello")
	hear(t, c, "hello")

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, bad := range []string{"nonsense", taken.Addr().String()} {
		if err := p.SetListen(bad); err == nil || p.Addr() != old {
			t.Errorf("SetListen(%q): %v, and it listens on %s", bad, err, p.Addr())
		}
	}
	if err := p.SetListen("127.0.0.1:0"); err != nil || p.Addr() == old {
		t.Fatalf("SetListen: %v, and it listens on %s", err, p.Addr())
	}
	if late, err := net.Dial("tcp", old); err == nil {
		late.Close()
		t.Error("somebody listens where it was before")
	}
	for _, c := range []net.Conn{c, dial(t, p)} {
		say(t, c, "hello")
		hear(t, c, "hello")
	}
	set(t, p, fault(chaos.Refuse{}))
	if err := p.SetListen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if late, err := net.Dial("tcp", p.Addr()); err == nil {
		late.Close()
		t.Error("it has moved, and does not refuse any more")
	}
}

// TestALifeInAHurry starts, ends, moves and sets all at once. What it wants is that all of that returns, and
// that nothing is left.
func TestALifeInAHurry(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	over := make(chan struct{})
	var all sync.WaitGroup
	again := func(f func()) {
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					f()
				}
			}
		})
	}
	for range 4 {
		again(func() {
			c, err := net.Dial("tcp", p.Addr())
			if err != nil {
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(50 * time.Millisecond))
			c.Write([]byte("hello"))
			c.Read(make([]byte, 5))
		})
	}
	behaviors := chaos.Behaviors()
	n := 0
	again(func() {
		b := behaviors[n%len(behaviors)]
		n++
		p.SetFaults(chaos.Fault{Behavior: b, Share: 0.5, Schedule: chaos.Schedule{End: 3 * time.Millisecond, Every: 5 * time.Millisecond}})
	})
	again(func() { p.Tap(func(chaos.Said) {})() })
	for i := range 20 {
		time.Sleep(10 * time.Millisecond)
		if i%4 == 3 {
			p.SetListen("127.0.0.1:0")
		}
		if p.Close(); p.Stats().Open != 0 {
			t.Errorf("after Close: %+v", p.Stats())
		}
		if err := p.Start(); err != nil { // a client's own end may have the port
			t.Log(err)
		}
	}
	close(over)
	all.Wait()
}
