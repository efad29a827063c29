package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"

	"github.com/heeler-go/heeler/drain"
)

// patience is how long a client may take to read one message.
const patience = 10 * time.Second

// byCoder sends the prices over a WebSocket of github.com/coder/websocket.
func (m *market) byCoder(w http.ResponseWriter, r *http.Request) {
	conn, err := coder.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	tellCoder(r, conn)

	ctx := conn.CloseRead(r.Context()) // ends when the client leaves
	for {
		text, changed := m.prices()
		writing, done := context.WithTimeout(ctx, patience)
		err := conn.Write(writing, coder.MessageText, text)
		done()
		if err != nil {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// byGorilla does the same by github.com/gorilla/websocket.
func (m *market) byGorilla(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.Close()
	tellGorilla(r, conn)

	left := make(chan struct{})
	go func() { // reads what a client has to say: nothing, or goodbye
		defer close(left)
		for {
			if _, _, err := conn.NextReader(); err != nil {
				return
			}
		}
	}()
	for {
		text, changed := m.prices()
		conn.SetWriteDeadline(time.Now().Add(patience))
		if err := conn.WriteMessage(gorilla.TextMessage, text); err != nil {
			return
		}
		select {
		case <-changed:
		case <-left:
			return
		}
	}
}

// upgrader shares the write buffers of all connections: an idle one has none.
var upgrader = gorilla.Upgrader{WriteBufferPool: new(sync.Pool)}

// byEvents sends the prices as server-sent events.
func (m *market) byEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream") // which tells the guards to let go
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	for {
		text, changed := m.prices()
		if _, err := fmt.Fprintf(w, "data: %s\n\n", text); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done(): // the client has left, or the server drains
			return
		}
	}
}

// byPoll answers when the prices have changed: a long poll.
func (m *market) byPoll(w http.ResponseWriter, r *http.Request) {
	if err := drain.Stream(w); err != nil {
		refuse(w, r, err)
		return
	}
	_, changed := m.prices()
	select {
	case <-changed:
	case <-r.Context().Done():
	}
	text, _ := m.prices()
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}
