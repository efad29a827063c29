package exectrace_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/exectrace"
)

// measured is what a task found out about itself with a clock in its hand.
type measured map[exectrace.State]time.Duration

func (m measured) note(s exectrace.State, f func()) {
	start := time.Now()
	f()
	m[s] += time.Since(start)
}

// task does some of everything, and says how long each took.
func task(t testing.TB, server string) measured {
	m := measured{}
	m.note(exectrace.Running, func() { spin(100 * time.Millisecond) })
	m.note(exectrace.Sleep, func() { time.Sleep(50 * time.Millisecond) })
	m.note(exectrace.Channel, func() {
		c := make(chan int)
		time.AfterFunc(40*time.Millisecond, func() { c <- 1 })
		<-c
	})
	m.note(exectrace.Lock, func() {
		var mu sync.Mutex
		mu.Lock()
		time.AfterFunc(30*time.Millisecond, mu.Unlock)
		mu.Lock()
	})
	m.note(exectrace.Select, func() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
		}
	})
	conn, err := net.Dial("tcp", server)
	if err != nil {
		t.Error(err)
		return m
	}
	defer conn.Close()
	m.note(exectrace.Network, func() { conn.Read(make([]byte, 1)) })
	return m
}

// lateServer says something to each client after a while.
func lateServer(t testing.TB, after time.Duration) string {
	return serve(t, func(conn net.Conn) {
		time.AfterFunc(after, func() { conn.Write([]byte("x")); conn.Close() })
	})
}

// crowd keeps n goroutines busy, each in its own way, until it is called.
func crowd(n int) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		wg.Go(func() { stranger(i, &mu, done) })
	}
	return func() { close(done); wg.Wait() }
}

func stranger(i int, mu *sync.Mutex, done chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		mu.Lock()
		spin(time.Microsecond)
		mu.Unlock()
		time.Sleep(time.Duration(i%7+1) * time.Millisecond)
	}
}

func TestTheTimesAreThoseThatTheTaskMeasuredItself(t *testing.T) {
	// The kernel may take the processor from the task between the two clocks, on a busy machine often. What
	// is wrong is wrong each time.
	var differences []string
	for range 10 {
		if differences = compared(t); len(differences) == 0 {
			return
		}
	}
	t.Errorf("10 times, the last: %s", strings.Join(differences, "; "))
}

// compared is in what a trace and the tasks in it differ.
func compared(t *testing.T) (differences []string) {
	server := lateServer(t, 120*time.Millisecond)
	stop := crowd(500)
	defer stop()
	own := make([]measured, 4)
	var x *exectrace.Execution
	sampled(t, func() {
		x = execution(t, func() {
			own[0] = task(t, server)
			var wg sync.WaitGroup
			for i := range 3 {
				wg.Go(func() { own[i+1] = task(t, server) })
			}
			wg.Wait()
		})
	})
	if len(x.Goroutines) != 4 {
		t.Fatalf("%d goroutines, want the request's own and three children", len(x.Goroutines))
	}
	for n, g := range x.Goroutines { // the children are in the order in which they were started
		got, m := sums(g), own[n]
		if n == 0 {
			got[exectrace.Lock] -= longest(g, exectrace.Lock).Length() // for the children
		}
		for _, s := range []exectrace.State{exectrace.Sleep, exectrace.Channel, exectrace.Lock, exectrace.Select, exectrace.Network} {
			// Whoever is woken has yet to get a processor: the task's clock has that, too.
			if late := got[exectrace.Runnable]; got[s] < m[s] && got[s]+late > m[s] {
				continue
			}
			if diff := (got[s] - m[s]).Abs(); diff > m[s]/20 && diff > 2*time.Millisecond {
				differences = append(differences, fmt.Sprintf("%s: %v, want %v", s, got[s], m[s]))
			}
		}
		// What others took the processor for is not the task's; what the task measured has it.
		if busy := got[exectrace.Running] + got[exectrace.Assist]; busy > m[exectrace.Running]+5*time.Millisecond || busy+got[exectrace.Runnable] < m[exectrace.Running]-2*time.Millisecond {
			differences = append(differences, fmt.Sprintf("running: %v and %v runnable, want %v", busy, got[exectrace.Runnable], m[exectrace.Running]))
		}
	}
	for _, s := range x.Profile().Sample {
		for _, l := range s.Location {
			for _, line := range l.Line {
				if name := line.Function.Name; name == "github.com/heeler-go/heeler/profile/exectrace_test.stranger" {
					t.Fatalf("a stranger is in the profile: %v", s.Label)
				}
			}
		}
	}
	return differences
}
