package chaos_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// download is what a client gets, within a time, of what the backend says to everyone.
func download(t *testing.T, said []byte, patience time.Duration, faults ...chaos.Fault) (got []byte, took time.Duration, err error) {
	t.Helper()
	addr := backend(t, func(c net.Conn) {
		c.Write(said)
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	})
	p := start(t, &chaos.Proxy{Backend: addr, Seed: 1})
	set(t, p, faults...)
	c := dial(t, p)
	began := time.Now()
	c.SetReadDeadline(began.Add(patience))
	got, err = io.ReadAll(c)
	return got, time.Since(began), err
}

func fault(b chaos.Behavior) chaos.Fault { return chaos.Fault{Behavior: b} }

func TestAStoppedLineKeepsItsBytes(t *testing.T) {
	addr := backend(t, echo)
	p := start(t, &chaos.Proxy{Backend: addr})
	c := dial(t, p)
	say(t, c, "before")
	hear(t, c, "before")
	set(t, p, fault(chaos.Bandwidth{}))
	say(t, c, "after")
	c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); n != 0 {
		t.Errorf("%d bytes come through, %v", n, err)
	}
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	set(t, p)
	hear(t, c, "after")
}

func TestALimitIsKeptToTheByte(t *testing.T) {
	said := random(100_000)
	for _, limit := range []int64{0, 1, 99_999, 100_000} {
		got, took, err := download(t, said, 10*time.Second, fault(chaos.LimitData{Bytes: limit}))
		if err != nil || !bytes.Equal(got, said[:limit]) || took > 5*time.Second {
			t.Errorf("limit %d: %d bytes, %v, after %v", limit, len(got), err, took)
		}
	}
}

// Whoever takes less at a time must not slow down, or change again, what others have decided.
func TestFaultsOfBytesInAnyOrder(t *testing.T) {
	said := random(100_000)
	slow, slices := fault(chaos.Bandwidth{Rate: 500_000}), fault(chaos.Slicer{AverageSize: 500})
	for _, faults := range [][]chaos.Fault{{slow, slices}, {slices, slow}} {
		got, took, err := download(t, said, 10*time.Second, faults...)
		if err != nil || !bytes.Equal(got, said) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if took < 190*time.Millisecond || took > 2*time.Second {
			t.Errorf("100 KB at 500 KB/s took %v", took)
		}
	}
	corrupt := fault(chaos.Corrupt{Rate: 0.1})
	alone, _, _ := download(t, said, 10*time.Second, corrupt)
	for _, faults := range [][]chaos.Fault{{corrupt, slices}, {slices, corrupt}} {
		if got, _, err := download(t, said, 10*time.Second, faults...); err != nil || !bytes.Equal(got, alone) {
			t.Errorf("in slices other bytes are corrupt, %v", err)
		}
	}
	noise := fault(chaos.Error{Inject: true})
	for _, faults := range [][]chaos.Fault{{noise, slices}, {slices, noise}, {noise, fault(chaos.Slicer{AverageSize: 50})}} {
		got, _, err := download(t, said[:2000], 10*time.Second, faults...)
		if extra := len(got) - 2000; err != nil || extra < 100 || extra > 1000 {
			t.Errorf("%d bytes of noise, %v", extra, err)
		}
	}
}
