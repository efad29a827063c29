package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// What one idle connection may add to the bare server's memory, in bytes.
const (
	mostInHandler = 1536 // while the handler runs
	mostReturned  = 128  // when it has returned
)

// enoughFiles are as many as any measurement needs to have open; spareFiles those that a process needs
// besides its sockets.
const (
	enoughFiles = 1 << 16
	spareFiles  = 100
)

// An idle is what an idle connection costs the server.
type idle struct{ heap, stack, goroutines float64 }

func (i idle) bytes() float64 { return i.heap + i.stack }

func reportSockets(w io.Writer, p plan) error {
	n := p.sockets
	if most := raiseMaxFiles() - spareFiles; n > most {
		fmt.Fprintf(w, "\nNo more than %d files can be open in a process here: %d sockets instead of %d.\n", most+spareFiles, most, n)
		n = most
	}
	fmt.Fprintf(w, "\nWhat each of %d idle WebSockets costs the server, in bytes of live heap and of stacks: bare, and behind\n"+
		"drain, slowlog, profile, backoff and timebox. At most %d are to be added while a handler runs, %d after it.\n\n",
		n, mostInHandler, mostReturned)
	t := &table{head: []string{"handler", "server", "heap", "stack", "both", "added", "ratio", "goroutines"}}
	for _, way := range socketWays() {
		var bare idle
		for i, c := range chains() {
			got, err := idleSockets(socketRole{way.name, c.name}, n)
			if err != nil {
				return fmt.Errorf("bench: %s, %s: %w", way.name, c.name, err)
			}
			if i == 0 {
				bare = got
			}
			t.add(way.name, c.name, fmt.Sprintf("%.0f", got.heap), fmt.Sprintf("%.0f", got.stack),
				fmt.Sprintf("%.0f", got.bytes()), fmt.Sprintf("%+.0f", got.bytes()-bare.bytes()),
				fmt.Sprintf("%.2f", got.bytes()/bare.bytes()), fmt.Sprintf("%.2f", got.goroutines))
		}
	}
	t.writeTo(w)
	return nil
}

// idleSockets opens n WebSockets to a server in a process of its own, and asks that for its memory
// before and after.
func idleSockets(r socketRole, n int) (i idle, err error) {
	server, err := spawn("the server", socketsVar, r)
	if err != nil {
		return i, err
	}
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
		err = errors.Join(err, stop(server))
	}()
	warm, err := openSockets(server.addr, min(n, 100)) // what the first ones need, once
	conns = append(conns, warm...)
	if err != nil {
		return i, err
	}
	before, err := server.memory()
	if err != nil {
		return i, err
	}
	more, err := openSockets(server.addr, n)
	conns = append(conns, more...)
	if err != nil {
		return i, err
	}
	after, err := server.memory()
	if err != nil {
		return i, err
	}
	each := func(before, after uint64) float64 { return (float64(after) - float64(before)) / float64(n) }
	return idle{each(before.Heap, after.Heap), each(before.Stack, after.Stack), each(before.Goroutines, after.Goroutines)}, nil
}

// memory asks a server of sockets for its memory.
func (c *child) memory() (m memory, err error) {
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		return m, err
	}
	line, err := c.line()
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal([]byte(line), &m)
}

// openSockets opens n WebSockets, some at a time, from addresses of their own: one address has no
// more than some 28,000 ports.
func openSockets(addr string, n int) (conns []net.Conn, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	tickets := make(chan int)
	for range 32 {
		all.Go(func() {
			for i := range tickets {
				conn, failed := openSocket(addr, net.IPv4(127, 0, 1, byte(1+i%100)))
				mu.Lock()
				if failed == nil {
					conns = append(conns, conn)
				}
				err = cmp.Or(err, failed)
				mu.Unlock()
			}
		})
	}
	for i := range n {
		tickets <- i
	}
	close(tickets)
	all.Wait()
	return conns, err
}

// handshake is what a browser sends, about.
const handshake = "GET /live?room=7 HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0\r\n" +
	"Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n" +
	"Origin: http://%[1]s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Cookie: session=51f3a7c0d2e94b6f8a1b2c3d4e5f60718293a4b5; theme=dark\r\n" +
	"Pragma: no-cache\r\nCache-Control: no-cache\r\n\r\n"

func openSocket(addr string, from net.IP) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	conn, err := dialer.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if _, err = fmt.Fprintf(conn, handshake, addr); err == nil {
		err = accepted(conn)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// accepted reads the answer to a handshake.
func accepted(conn net.Conn) error {
	in := bufio.NewReaderSize(conn, 512)
	status, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(status, fmt.Sprintf("HTTP/1.1 %d ", http.StatusSwitchingProtocols)) {
		return fmt.Errorf("the server answers %q to a handshake", status)
	}
	for line := status; line != "\r\n"; {
		if line, err = in.ReadString('\n'); err != nil {
			return err
		}
	}
	return nil
}
