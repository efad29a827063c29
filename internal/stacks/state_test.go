//go:build unix

package stacks_test

import (
	"context"
	"database/sql"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestEachStateHasPlainWords(t *testing.T) {
	var stopped atomic.Bool
	t.Cleanup(func() { stopped.Store(true) })
	block := make(chan struct{})
	t.Cleanup(func() { close(block) })

	var mu sync.Mutex
	mu.Lock()
	t.Cleanup(mu.Unlock)
	var rw sync.RWMutex
	rw.Lock()
	t.Cleanup(rw.Unlock)
	var group sync.WaitGroup
	group.Add(1)
	t.Cleanup(group.Done)
	cond := sync.NewCond(&sync.Mutex{})
	t.Cleanup(func() { cond.L.Lock(); defer cond.L.Unlock(); cond.Broadcast() })
	conn := silent(t)
	pipe, blocking := pipe(t), blockingPipe(t)

	for _, test := range []struct {
		name, want string
		f          func()
	}{
		{"net.Conn.Read", "waiting for the network", func() { conn.Read(make([]byte, 1)) }},
		{"Mutex.Lock", "waiting for a lock", func() { mu.Lock(); defer mu.Unlock() }},
		{"RWMutex.RLock", "waiting for a lock", func() { rw.RLock(); defer rw.RUnlock() }},
		{"RWMutex.Lock", "waiting for a lock", func() { rw.Lock(); defer rw.Unlock() }},
		{"select", "in a select", func() {
			select {
			case <-block:
			case <-make(chan int):
			}
		}},
		{"receive", "receiving from a channel", func() { <-block }},
		{"range", "receiving from a channel", func() {
			for range block {
			}
		}},
		{"send", "sending to a channel", func() {
			c := make(chan int)
			go func() { <-block; <-c }()
			c <- 1
		}},
		{"WaitGroup.Wait", "waiting for a WaitGroup", group.Wait},
		{"Cond.Wait", "waiting on a condition", func() { cond.L.Lock(); defer cond.L.Unlock(); cond.Wait() }},
		{"os.File.Read of a pipe", "reading a file", func() { pipe.Read(make([]byte, 1)) }},
		{"os.File.Read in the kernel", "reading a file", func() { blocking.Read(make([]byte, 1)) }},
		{"a system call", "in a system call", func() { syscall.Flock(locked(t), syscall.LOCK_EX) }},
		{"computing", "running", func() {
			for !stopped.Load() {
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) { wantState(t, test.want, test.f) })
	}
	// A second reader of the same file waits for the first, which holds the file's own lock.
	t.Run("a file's own lock", func(t *testing.T) {
		wantState(t, "waiting for a lock", func() { pipe.Read(make([]byte, 1)) })
	})
}

// Nothing can end these, so they stay until the test binary exits.
func TestStatesThatNeverEnd(t *testing.T) {
	var none chan int
	wantState(t, "in an empty select, for ever", func() { select {} })
	wantState(t, "receiving from a channel", func() { <-none })
	wantState(t, "sending to a channel", func() { none <- 1 })
	wantState(t, "asleep", func() { time.Sleep(time.Hour) })
}

func TestStatesOfStandardLibraryCalls(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	secure := httptest.NewUnstartedServer(server.Config.Handler)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	get := func(client *http.Client, url string) {
		r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		if resp, err := client.Do(r); err == nil {
			resp.Body.Close()
		}
	}
	wantState(t, "waiting for an HTTP response", func() { get(server.Client(), server.URL) })
	wantState(t, "waiting for an HTTP response", func() { get(secure.Client(), secure.URL) })

	one := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	wantState(t, "waiting for an HTTP response", func() { get(one, server.URL) })
	wantState(t, "waiting for an HTTP connection", func() { get(one, server.URL) })

	db := sql.OpenDB(connector{})
	defer db.Close()
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	wantState(t, "waiting for a free database connection", func() { db.PingContext(ctx) })

	wantState(t, "waiting for a child process", func() { exec.CommandContext(ctx, "sleep", "3600").Run() })
}

func wantState(t *testing.T, want string, f func()) {
	t.Helper()
	id, got := newID(), ""
	labelled(id, f)
	waitFor(t, func() bool {
		for _, g := range sweep(t)[id] {
			if got = g.State; got == want && g.Pool == "" {
				return true
			}
			t.Logf("%s %+v", g.State, g.Frames[0])
		}
		return false
	})
}

// silent is a connection whose other end says nothing.
func silent(t *testing.T) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	return c
}

func pipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(); r.Close() })
	return r
}

// blockingPipe is a pipe that the runtime's poller does not watch: reading it blocks in the kernel.
func blockingPipe(t *testing.T) *os.File {
	t.Helper()
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	r := os.NewFile(uintptr(fds[0]), "pipe")
	t.Cleanup(func() { syscall.Close(fds[1]); r.Close() })
	return r
}

// locked is a file descriptor whose lock somebody else holds until the test ends.
func locked(t *testing.T) int {
	path := t.TempDir() + "/lock"
	var fds [2]int
	for i := range fds {
		fd, err := syscall.Open(path, syscall.O_CREAT|syscall.O_RDWR, 0o600)
		if err != nil {
			t.Error(err)
			return -1
		}
		fds[i] = fd
	}
	if err := syscall.Flock(fds[0], syscall.LOCK_EX); err != nil {
		t.Error(err)
	}
	t.Cleanup(func() { syscall.Flock(fds[0], syscall.LOCK_UN) })
	return fds[1]
}
