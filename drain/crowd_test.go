package drain_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/drain"
	"github.com/heeler-go/heeler/internal/leak"
)

// Two thousand real connections whose handlers have returned: each is told once, and they go over the time.
func TestACrowdIsToldOneAfterTheOther(t *testing.T) {
	const crowd, spread = 2000, 2 * time.Second
	d := &drain.Drainer{Spread: spread}
	var told [crowd]atomic.Int32
	var number atomic.Int32
	s := serve(t, protocols[0], d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := takeOver(w)
		if err != nil {
			t.Error(err)
			return
		}
		i := number.Add(1) - 1
		drain.Tell(r.Context(), func(context.Context) {
			told[i].Add(1)
			fmt.Fprintf(conn, "bye %d\n", i)
			conn.Close()
		})
	})))
	clients := make([]net.Conn, crowd)
	var dialled sync.WaitGroup
	for part := range 20 {
		dialled.Go(func() {
			for i := part; i < crowd; i += 20 {
				_, clients[i], _ = s.upgrade()
			}
		})
	}
	dialled.Wait()
	eventually(t, "the crowd", isCount(d, drain.Count{Hijacked: crowd}))
	if running := leak.Goroutines("heeler/drain.(*", patience); len(running) > 0 {
		t.Errorf("%d goroutines of ours are there for the idle crowd: %s", len(running), running[0])
	}

	began := time.Now()
	ends := make([]time.Duration, crowd)
	var listening sync.WaitGroup
	for i, conn := range clients {
		listening.Go(func() {
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil || line[:4] != "bye " {
				t.Errorf("%q, %v", line, err)
			}
			ends[i] = time.Since(began)
		})
	}
	if err := d.Shutdown(within(t, patience), s.Config); err != nil {
		t.Error(err)
	}
	took := time.Since(began)
	listening.Wait()
	slices.Sort(ends)
	var quarters [4]int
	for _, end := range ends {
		quarters[min(3, 4*end/spread)]++
	}
	for _, n := range quarters {
		if n < crowd/4-crowd/8 || n > crowd/4+crowd/8 {
			t.Errorf("in each quarter of the time have gone %v", quarters)
			break
		}
	}
	if took < spread*9/10 || took > spread+3*time.Second {
		t.Errorf("it took %v", took)
	}
	for i := range told {
		if n := told[i].Load(); n != 1 {
			t.Errorf("connection %d was told %d times", i, n)
		}
	}
	if got := d.Stats(); got != (drain.Stats{Told: crowd}) || d.Count() != (drain.Count{}) {
		t.Errorf("%+v, %+v", got, d.Count())
	}
}

// Connections come and go, by both ends and all at once, while the server shuts down.
func TestAShutdownAmidTheBustleLosesNoSlot(t *testing.T) {
	d := &drain.Drainer{Spread: 300 * time.Millisecond, MaxConns: 50, MaxPerClient: 50}
	s := serve(t, protocols[0], d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/events":
			events(w, r)
		case "/poll":
			if err := drain.Stream(w); err == nil {
				time.Sleep(time.Millisecond)
			}
		default:
			conn, rw, err := takeOver(w)
			if err != nil {
				return
			}
			drain.Tell(r.Context(), func(context.Context) { conn.Close() })
			rw.ReadByte()
			go conn.Close()
			conn.Close()
		}
	})))
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 40 {
		clients.Go(func() {
			for ; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				conn, err := net.Dial("tcp", s.Listener.Addr().String())
				if err != nil {
					return // it does not listen any more
				}
				conn.SetDeadline(time.Now().Add(patience))
				switch i % 3 {
				case 0:
					io.WriteString(conn, "GET /"+upgrade)
				default:
					io.WriteString(conn, "GET "+[]string{"", "/events", "/poll"}[i%3]+" HTTP/1.1\r\nHost: x\r\n\r\n")
				}
				bufio.NewReader(conn).ReadString('\n')
				conn.Close()
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	if err := d.Shutdown(within(t, patience), s.Config); err != nil {
		t.Error(err)
	}
	close(stop)
	clients.Wait()
	if d.Count() != (drain.Count{}) {
		t.Errorf("left: %+v", d.Count())
	}
}
