package exectrace_test

import (
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/exectrace"
)

// echo answers each byte, a little later.
func echo(t testing.TB) string {
	return serve(t, func(conn net.Conn) {
		defer conn.Close()
		for b := make([]byte, 1); ; {
			if _, err := conn.Read(b); err != nil {
				return
			}
			time.Sleep(200 * time.Microsecond)
			conn.Write(b)
		}
	})
}

func TestWhoRunsTheGarbageCollectorIsNotTakenForWhoAnswers(t *testing.T) {
	server := echo(t)
	done := make(chan struct{})
	var collector sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				runtime.GC()
			}
		}
	})
	x := execution(t, func() {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				conn, err := net.Dial("tcp", server)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				for b, n := make([]byte, 1), 0; n < 100; n++ {
					conn.Write(b)
					conn.Read(b)
				}
			})
		}
		wg.Wait()
	})
	close(done)
	collector.Wait()
	waits := 0
	for _, g := range x.Goroutines {
		for _, i := range g.Intervals {
			if i.State != exectrace.Network {
				continue
			}
			if waits++; i.Waker != nil {
				t.Fatalf("a wait for the network was ended by goroutine %d, own: %v, at %+v", i.Waker.ID, i.Waker.Own, i.Waker.Stack)
			}
		}
	}
	if waits < 20 {
		t.Errorf("%d waits only", waits)
	}
}

func TestWhoClosesAConnectionIsWhoEndsTheWaitForIt(t *testing.T) {
	x := execution(t, func() {
		conn, err := net.Dial("tcp", echo(t))
		if err != nil {
			t.Error(err)
			return
		}
		go func() { time.Sleep(5 * time.Millisecond); conn.Close() }()
		conn.Read(make([]byte, 1))
	})
	if wait := longest(x.Goroutines[0], exectrace.Network); wait.Waker == nil || !wait.Waker.Own || !on(wait.Waker.Stack, "net.(*conn).Close") {
		t.Errorf("the wait of %v was ended by %+v; want the child", wait.Length(), wait.Waker)
	}
}

func TestAWaitToStopTheWorldIsNotOneForALock(t *testing.T) {
	x := execution(t, func() {
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for range 5 {
					runtime.GC()
				}
			})
		}
		wg.Wait()
	})
	for _, g := range x.Goroutines[1:] {
		for _, i := range g.Intervals {
			if i.State == exectrace.Lock && on(i.Stack, "runtime.GC") {
				t.Fatalf("it waits for a lock %v at %+v", i.Length(), i.Stack.Frames[0])
			}
			if i.State == exectrace.Waiting {
				t.Fatalf("it waits for something else %v at %+v", i.Length(), i.Stack)
			}
		}
	}
}
