package main_test

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/echo"
)

func TestASignalLetsConnectionsComeToTheirEnd(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		h := run(t, echo.Start(t))
		addr := h.addr("tcp")
		c := connect(t, addr)
		c.expect("one", "one")
		h.signal(s)
		h.waitFor(`msg="stopping; another signal does it at once" connections=1 `)
		c.expect("two", "two")
		refused(t, addr)
		c.expect("three", "three")
		c.conn.Close()
		if code := h.wait(); code != 0 {
			t.Errorf("%v: it ends with %d", s, code)
		}
	}
}

// refused waits until nobody listens.
func refused(t *testing.T, addr string) {
	t.Helper()
	for range 200 {
		late, err := net.Dial("tcp", addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			late.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s still listens", addr)
}

func TestASecondSignalDoesNotWait(t *testing.T) {
	h := run(t, echo.Start(t))
	c := connect(t, h.addr("tcp"))
	c.expect("one", "one")
	h.signal(os.Interrupt)
	h.waitFor("msg=.stopping")
	begin := time.Now()
	h.signal(syscall.SIGTERM) // whoever starts the tests in the background of a shell lets them ignore interrupts
	h.wait()
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
	if got, err := c.ask("two", 10*time.Second); err == nil {
		t.Errorf("answered %q by a process that has ended", got)
	}
}

func TestConnectionsThatStayAreCutAfterTheGrace(t *testing.T) {
	t.Parallel()
	h := run(t, echo.Start(t))
	connect(t, h.addr("tcp")).expect("one", "one")
	begin := time.Now()
	h.signal(os.Interrupt)
	if code, took := h.wait(), time.Since(begin); code != 0 || took < 4*time.Second || took > 15*time.Second {
		t.Errorf("it ends with %d after %v, want 0 after 5s", code, took)
	}
}
