package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// patience bounds every conversation: nothing that is measured here takes nearly as long.
const patience = time.Minute

// Neither end asks for keep-alive probes. That would be four system calls more for each connection,
// which are not the proxy's.
var (
	listening = net.ListenConfig{KeepAlive: -1}
	dialling  = net.Dialer{KeepAlive: -1, Timeout: patience}
)

// buffers hold what is read of long messages.
var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// serveTalk is the backend of one talk, on a port of its own.
func serveTalk(t talk) (addr string, err error) {
	l, err := listening.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answer(conn, t)
		}
	}()
	return l.Addr().String(), nil
}

// answer gives the talk's answers for as long as its requests come.
func answer(conn net.Conn, t talk) {
	defer conn.Close()
	buf := make([]byte, 512)
	if len(t.greeting) > 0 {
		if say(conn, message{head: t.greeting}) != nil || hear(conn, message{head: t.login}, buf) != nil ||
			say(conn, message{head: t.welcome}) != nil {
			return
		}
	}
	for {
		n, err := io.ReadAtLeast(conn, buf, mark)
		if err != nil {
			return
		}
		x, err := t.find(buf[:n])
		if err != nil {
			return // the client will miss its answer and tell
		}
		if swallow(conn, x.request.size()-n) != nil || say(conn, x.answer) != nil {
			return
		}
	}
}

// find tells from its first bytes which exchange a request belongs to.
func (t talk) find(begin []byte) (exchange, error) {
	for _, x := range []exchange{t.small, t.download, t.upload} {
		if bytes.HasPrefix(begin, x.request.head[:mark]) {
			return x, nil
		}
	}
	return exchange{}, fmt.Errorf("bench: %s: nobody asks %q", t.name, begin)
}

// say writes a message.
func say(conn net.Conn, m message) error {
	if len(m.head) > 0 {
		if _, err := conn.Write(m.head); err != nil {
			return err
		}
	}
	for range m.times {
		if _, err := conn.Write(m.chunk); err != nil {
			return err
		}
	}
	if len(m.tail) == 0 {
		return nil
	}
	_, err := conn.Write(m.tail)
	return err
}

// hear reads a message and looks whether it begins as it must.
func hear(conn net.Conn, m message, buf []byte) error {
	n, err := io.ReadAtLeast(conn, buf[:min(len(buf), m.size())], min(len(m.head), m.size()))
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(buf[:n], m.head) {
		return fmt.Errorf("bench: heard %q, want %q", buf[:min(n, 100)], m.head)
	}
	return swallow(conn, m.size()-n)
}

// swallow reads so many bytes more.
func swallow(conn net.Conn, left int) error {
	if left == 0 {
		return nil
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for left > 0 {
		n, err := conn.Read((*buf)[:min(left, len(*buf))])
		left -= n
		if err != nil {
			return errors.Join(fmt.Errorf("bench: %d bytes are missing", left), err)
		}
	}
	return nil
}

// A caller is the client of a talk, on one connection.
type caller struct {
	conn net.Conn
	buf  []byte
}

// call connects to a proxy and logs in, if that is what the talk begins with.
func call(addr string, t talk, buf []byte) (*caller, error) {
	conn, err := dialling.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &caller{conn, buf}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if len(t.greeting) > 0 {
		if err := hear(conn, message{head: t.greeting}, buf); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		if err := c.ask(exchange{message{head: t.login}, message{head: t.welcome}}); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return c, nil
}

// ask sends a request and reads its answer.
func (c *caller) ask(x exchange) error {
	if err := say(c.conn, x.request); err != nil {
		return err
	}
	return hear(c.conn, x.answer, c.buf)
}

func (c *caller) hangUp() error { return c.conn.Close() }
