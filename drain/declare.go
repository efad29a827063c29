package drain

import (
	"context"
	"net/http"

	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/respond"
)

// Stream declares that the response behind w is to last although it is no event stream: a long poll,
// or a stream of another type. All guards around let the request go: no limit on its time or on the
// number of requests holds for it any more, the server's ReadTimeout and WriteTimeout included, and
// its context ends when the server shuts down, with the cause ErrDraining.
//
// The error is a [*RefusedError] if there are too many already, or the server shuts down; backoff.Reply
// answers it with 503 and Retry-After. The request then is what it was. Stream is to be called
// by the handler's goroutine, and before the response begins if an error is to be answered. Where w is
// behind no guard, Stream does nothing.
func Stream(w http.ResponseWriter) error { return respond.Stream(w) }

// Tell sets how the client of a hijacked connection is told that the server shuts down: a WebSocket
// gets a close frame with the status 1001. The context is that of the request, or comes from it; Tell
// is called after the connection was hijacked, most often by the library's Upgrade or Accept:
//
//	conn, err := upgrader.Upgrade(w, r, nil)
//	…
//	drain.Tell(r.Context(), func(context.Context) {
//		conn.WriteControl(websocket.CloseMessage, goingAway, time.Now().Add(time.Second))
//	})
//
// The hook say is called at most once, when the connection's turn has come, on a goroutine of its own; the
// handler may still be running or have returned long since. So it should use the connection only, and not the
// request, which it would keep in memory. Its context ends when the connection is about to be cut by
// force, which is Grace after the call. If say closes the connection, or makes whoever reads from it do
// so, all is well; if it panics, the connection is closed at once.
//
// Without a hook a connection is closed in its turn. A later Tell replaces an earlier one, and a nil say takes it
// back. Tell reports whether the hook was set: it is not if the request has come through no Drainer, or its
// connection was not hijacked, is closed, or has had its turn.
func Tell(ctx context.Context, say func(context.Context)) bool {
	for rec := request.From(ctx); rec != nil; rec = rec.Outer {
		if x, ok := rec.Guard.(*exchange); ok {
			if k := x.conn.Load(); k != nil {
				return k.hook(say)
			}
		}
	}
	return false
}
