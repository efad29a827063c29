package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// socketsVar makes this program the server of idle WebSockets, and nothing else. Its value is a
// socketRole.
const socketsVar = "HEELER_BENCH_SOCKETS"

// A socketRole says by name in which way the server serves its sockets, and behind what.
type socketRole struct{ Way, Chain string }

// memory is what the server uses, once nobody needs what is garbage.
type memory struct{ Heap, Stack, Goroutines uint64 }

// serveSockets says where it listens, then for each line on r how much memory it uses, and ends with r.
func serveSockets(value string, r io.Reader, w io.Writer) error {
	var mine socketRole
	if err := json.Unmarshal([]byte(value), &mine); err != nil {
		return fmt.Errorf("bench: %s is %q, want a role: %w", socketsVar, value, err)
	}
	way := slices.IndexFunc(socketWays(), func(s socketWay) bool { return s.name == mine.Way })
	chain := slices.IndexFunc(chains(), func(c chain) bool { return c.name == mine.Chain })
	if way < 0 || chain < 0 {
		return fmt.Errorf("bench: no sockets are served as %+v", mine)
	}
	raiseMaxFiles()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live", socketWays()[way].serve)
	go http.Serve(l, chains()[chain].wrap(mux))
	fmt.Fprintln(w, l.Addr())
	answers := json.NewEncoder(w)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if err := answers.Encode(settledMemory()); err != nil {
			return err
		}
	}
	return nil
}

// settledMemory is what is used when nothing happens any more. Each collection halves the stacks that
// have become too large.
func settledMemory() memory {
	time.Sleep(200 * time.Millisecond) // the handlers are to come to their loops
	for range 4 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{m.HeapAlloc, m.StackInuse, uint64(runtime.NumGoroutine())}
}
