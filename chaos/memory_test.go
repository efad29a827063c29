package chaos_test

import (
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// heap tells how much is in use.
func heap() int64 {
	for range 3 { // what a pool has let go is free only then
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestAnIdleConnectionIsSmall, also one that has been busy, and one whose last message has filled a buffer
// to the byte.
func TestAnIdleConnectionIsSmall(t *testing.T) {
	const each = 16 << 10 // a link, its two pumps, and what the peers of this test have
	for name, test := range map[string]struct{ conns, size int }{
		"busy before":      {1000, 128 << 10},
		"full to the byte": {500, 4 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			if 3*test.conns > descriptors(t)/2 {
				t.Skip("this system allows too few descriptors")
			}
			p := start(t, &chaos.Proxy{Backend: backend(t, func(c net.Conn) { // no more memory than this
				buf := make([]byte, 2<<10)
				io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, buf)
			})})
			before := heap()
			said := make([]byte, test.size)
			var conns []net.Conn
			for range test.conns {
				c := dial(t, p)
				conns = append(conns, c)
				var saying sync.WaitGroup
				saying.Go(func() { c.Write(said) })
				if _, err := io.CopyN(io.Discard, struct{ io.Reader }{c}, int64(len(said))); err != nil {
					t.Fatal(err)
				}
				saying.Wait()
			}
			used := int64(0)
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
				if used = (heap() - before) / int64(test.conns); used <= each {
					break
				}
			}
			if used > each {
				t.Errorf("an idle connection has %d bytes, want at most %d", used, each)
			}
			runtime.KeepAlive(conns)
		})
	}
}

// TestAClientThatDoesNotReadItsErrorsHasToWait: what it says must not become ever more memory.
func TestAClientThatDoesNotReadItsErrorsHasToWait(t *testing.T) {
	const most, requests = 96 << 20, 1_000_000
	p := start(t, &chaos.Proxy{Backend: backend(t, deaf), Protocol: wire.Redis})
	set(t, p, fault(chaos.Error{}))
	c := dial(t, p)
	before := heap()
	said := make([]byte, 0, 64<<10)
	for len(said)+3 <= cap(said) {
		said = append(said, "a\r\n"...)
	}
	var err error
	sent := 0
	for last := 0; sent < 64<<20 && err == nil; sent += last {
		c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		last, err = c.Write(said)
	}
	if !isTimeout(err) {
		t.Errorf("it could say %d bytes, and then: %v", sent, err)
	}
	if n := p.Stats().Requests; n > requests {
		t.Errorf("%d requests are taken in, want at most %d", n, requests)
	}
	if used := heap() - before; used > most {
		t.Errorf("%d bytes of requests are held as %d, want at most %d", sent, used, most)
	}
}
