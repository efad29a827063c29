package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/drain"
	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// A chain is what connections come through.
type chain struct {
	name string
	wrap func(http.Handler) http.Handler
}

func chains() []chain {
	return []chain{
		{"bare", func(h http.Handler) http.Handler { return h }},
		{"all guards", allGuards},
	}
}

// allGuards is the chain that the documentation recommends.
func allGuards(h http.Handler) http.Handler {
	live := &drain.Drainer{}
	slow := &slowlog.Watch{After: 2 * time.Second}
	prof := &profile.Profiler{Allow: func(*http.Request) (string, bool) { return "", false }}
	shed := &backoff.Policy{MaxInFlight: 500}
	box := &timebox.Box{Limit: 10 * time.Second}
	return live.Wrap(slow.Wrap(prof.Wrap(shed.Wrap(box.Wrap(h)))))
}

// A socketWay is one way to serve a WebSocket.
type socketWay struct {
	name  string
	serve http.HandlerFunc
}

func socketWays() []socketWay {
	return []socketWay{
		{"coder, loop in the handler", func(w http.ResponseWriter, r *http.Request) { loopByCoder(w, r, context.Background()) }},
		{"coder, reads with r.Context()", func(w http.ResponseWriter, r *http.Request) { loopByCoder(w, r, r.Context()) }},
		{"gorilla, loop in the handler", loopByGorilla},
		{"gorilla, on its own goroutine", apartByGorilla},
		{"raw hijack, handler returned", new(kept).serve},
	}
}

func loopByCoder(w http.ResponseWriter, r *http.Request, ctx context.Context) {
	conn, err := coder.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for err == nil {
		_, _, err = conn.Read(ctx)
	}
}

func loopByGorilla(w http.ResponseWriter, r *http.Request) {
	if conn, err := new(gorilla.Upgrader).Upgrade(w, r, nil); err == nil {
		readByGorilla(conn)
	}
}

func apartByGorilla(w http.ResponseWriter, r *http.Request) {
	if conn, err := new(gorilla.Upgrader).Upgrade(w, r, nil); err == nil {
		go readByGorilla(conn)
	}
}

func readByGorilla(conn *gorilla.Conn) {
	defer conn.Close()
	var err error
	for err == nil {
		_, _, err = conn.ReadMessage()
	}
}

// kept are connections that nobody reads from before there is something to read, as a server with an
// event loop has them.
type kept struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (k *kept) serve(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"); err != nil {
		conn.Close()
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conns = append(k.conns, conn)
}
