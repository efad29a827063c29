package chaos_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// TestACrowdLosesNothing has many connections talk while faults that must not change a byte are set a
// thousand times. Each word must come back, and every descriptor must.
func TestACrowdLosesNothing(t *testing.T) {
	crowd := min(5000, descriptors(t)/3-100)
	if crowd < 5000 {
		t.Logf("%d connections: the limit of descriptors allows no more", crowd)
	}
	before := openDescriptors(t)
	t.Run("talk", func(t *testing.T) { talkInACrowd(t, crowd) })
	deadline := time.Now().Add(10 * time.Second)
	for openDescriptors(t) > before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if after := openDescriptors(t); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

func talkInACrowd(t *testing.T, crowd int) {
	p := start(t, &chaos.Proxy{Backend: echoElsewhere(t)})
	sets := [][]chaos.Fault{
		nil,
		{{Behavior: chaos.Latency{Latency: time.Millisecond}}},
		{{Behavior: chaos.Delay{Sleep: time.Millisecond, Before: true}, Share: 0.5}, {Behavior: chaos.SlowClose{Delay: time.Millisecond}}},
		{{Behavior: chaos.Slicer{AverageSize: 5, SizeVariation: 3}, Direction: chaos.Upstream}},
	}
	var words atomic.Int64
	var over atomic.Bool
	var all sync.WaitGroup
	failed := make(chan error, crowd)
	for i := range crowd {
		all.Go(func() {
			if err := talk(p.Addr(), i, &words, &over); err != nil {
				failed <- err
			}
		})
	}
	for p.Stats().Open < crowd {
		time.Sleep(time.Millisecond)
		if len(failed) > 0 {
			t.Fatal(<-failed)
		}
	}
	for i := range 1000 {
		set(t, p, sets[i%len(sets)]...)
	}
	set(t, p)
	over.Store(true)
	all.Wait()
	if len(failed) > 0 {
		t.Fatalf("%d of %d failed, the first with: %v", len(failed), crowd, <-failed)
	}
	for p.Stats().Open > 0 {
		time.Sleep(time.Millisecond)
	}
	s := p.Stats()
	if s.Up != words.Load()*wordSize || s.Down != s.Up {
		t.Errorf("%d bytes were said, and %d and %d counted", words.Load()*wordSize, s.Up, s.Down)
	}
}

const wordSize = 16

// talk says one word after the other, and hears it.
func talk(addr string, who int, words *atomic.Int64, over *atomic.Bool) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * time.Minute))
	heard := make([]byte, wordSize)
	for n := 0; n == 0 || !over.Load(); n++ {
		word := fmt.Sprintf("%7d %7d\n", who, n)
		if _, err := io.WriteString(c, word); err != nil {
			return err
		}
		words.Add(1)
		if _, err := io.ReadFull(c, heard); err != nil {
			return err
		}
		if string(heard) != word {
			return fmt.Errorf("said %q, heard %q", word, heard)
		}
		time.Sleep(250 * time.Millisecond)
	}
	return nil
}

// echoElsewhere starts a backend that echoes in a process of its own, which has its own descriptors.
func echoElsewhere(t *testing.T) string {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), echoProcess+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(addr)
}

// echoProcess in the environment makes a process of this test such a backend.
const echoProcess = "HEELER_TEST_ECHO"

// serveEcho echoes until nobody wants it any more.
func serveEcho() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				// Not as TCP connections: io.Copy would take two descriptors more for splice(2).
				io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
			}()
		}
	}()
	fmt.Println(ln.Addr())
	io.Copy(io.Discard, os.Stdin)
}

// descriptors tells how many this process may have, after asking for as many as there are.
func descriptors(t *testing.T) int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = limit.Max
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	return int(min(limit.Max, 1<<20))
}

func openDescriptors(t *testing.T) int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not tell which descriptors are open")
	}
	return len(all)
}
