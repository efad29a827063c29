package chaos_test

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// TestATapHearsNothingAfterItsStop, although the pump that calls it has many more pieces in its hand.
func TestATapHearsNothingAfterItsStop(t *testing.T) {
	const n = 500
	p := start(t, &chaos.Proxy{Backend: backend(t, redisEcho), Protocol: wire.Redis})
	var once sync.Once
	var calls atomic.Int64
	in, goOn := make(chan struct{}), make(chan struct{})
	stop := p.Tap(func(s chaos.Said) {
		calls.Add(1)
		once.Do(func() { close(in); <-goOn })
	})
	c := dial(t, p)
	say(t, c, strings.Repeat("PING\r\n", n))
	<-in
	stop() // it does not wait for the call that is going on
	close(goOn)
	hear(t, c, strings.Repeat("+PONG\r\n", n))
	if got := calls.Load(); got != 1 {
		t.Errorf("it was called %d times, want the one that was going on", got)
	}
}

// TestHalfAMessageAtTheEndIsTold and passed on as it is. As nobody has understood it, it could be half a
// password.
func TestHalfAMessageAtTheEndIsTold(t *testing.T) {
	for said, protocol := range map[string]wire.Protocol{
		"GET / HTTP/1.1\r\nAuthorization: Basic hun": wire.HTTP,
		"AUTH hun":       wire.Redis,
		"AUTH PLAIN hun": wire.SMTP,
	} {
		t.Run(protocol.Name(), func(t *testing.T) {
			p := start(t, &chaos.Proxy{Backend: backend(t, deaf), Protocol: protocol})
			var mu sync.Mutex
			var told string
			p.Tap(func(s chaos.Said) {
				mu.Lock()
				defer mu.Unlock()
				told += string(s.Data)
				if !s.Secret {
					t.Errorf("%q is told for everybody to see", s.Data)
				}
			})
			c := dial(t, p)
			say(t, c, said)
			c.CloseWrite()
			io.Copy(io.Discard, c)
			mu.Lock()
			defer mu.Unlock()
			if told != said || p.Stats().Up != int64(len(said)) {
				t.Errorf("told %q, and passed on %d bytes, want %q", told, p.Stats().Up, said)
			}
		})
	}
}

// TestAHeadThatIsTooLongIsSecret: nobody knows where in it a password is.
func TestAHeadThatIsTooLongIsSecret(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, deaf), Protocol: wire.HTTP})
	var told, open atomic.Int64
	p.Tap(func(s chaos.Said) {
		told.Add(int64(len(s.Data)))
		if !s.Secret {
			open.Add(int64(len(s.Data)))
		}
	})
	c := dial(t, p)
	said := "GET / HTTP/1.1\r\nAuthorization: Basic hunter2\r\nX: " + strings.Repeat("x", wire.MaxHead) + "\r\n\r\n"
	say(t, c, said)
	c.CloseWrite()
	io.Copy(io.Discard, c)
	if told.Load() != int64(len(said)) || open.Load() != 0 {
		t.Errorf("%d bytes of %d were told, %d for everybody to see", told.Load(), len(said), open.Load())
	}
}
