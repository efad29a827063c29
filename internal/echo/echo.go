// Package echo is a backend for tests: it says back what it is told.
//
//	addr := echo.Start(t)
package echo

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Start listens on a free port of 127.0.0.1, whose address it gives, until the test ends. Connections
// that stand then are closed, and no goroutine is left behind.
func Start(t testing.TB) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go serve(ln, ended)
	t.Cleanup(func() {
		ln.Close()
		<-ended
	})
	return ln.Addr().String()
}

// serve says back until the listener is closed, and closes ended when all is over.
func serve(ln net.Listener, ended chan<- struct{}) {
	defer close(ended)
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close() // before the wait
		all.Go(func() { sayBack(c) })
	}
}

func sayBack(c net.Conn) {
	defer c.Close()
	io.Copy(c, c)
}
