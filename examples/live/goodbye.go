package main

import (
	"context"
	"net/http"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"

	"github.com/heeler-go/heeler/drain"
)

// restarting is what clients are told, with the status 1001, "going away" (RFC 6455, section 7.4.1).
const restarting = "the server restarts"

// tellCoder has a connection of github.com/coder/websocket told when its turn has come. Close sends the close
// frame, waits for the client's, up to 5 s, and closes the connection; then the handler ends, too.
func tellCoder(r *http.Request, conn *coder.Conn) {
	drain.Tell(r.Context(), func(context.Context) { conn.Close(coder.StatusGoingAway, restarting) })
}

// tellGorilla has a connection of github.com/gorilla/websocket told. WriteControl may be called beside other
// writers. The client answers with a close frame of its own, which the handler's reader reads as an error.
func tellGorilla(r *http.Request, conn *gorilla.Conn) {
	drain.Tell(r.Context(), func(context.Context) {
		frame := gorilla.FormatCloseMessage(gorilla.CloseGoingAway, restarting)
		conn.WriteControl(gorilla.CloseMessage, frame, time.Now().Add(time.Second))
	})
}
