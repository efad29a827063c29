package frameworks_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"

	"github.com/heeler-go/heeler/examples/frameworks"
)

// echoes are WebSocket handlers that send back what they get, by the three libraries in use.
var echoes = frameworks.Routes{
	"/gorilla": echoByGorilla,
	"/coder":   echoByCoder,
	"/gws":     echoByGWS,
}

func echoByGorilla(w http.ResponseWriter, r *http.Request) {
	var upgrader gorilla.Upgrader
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if err := conn.WriteMessage(kind, message); err != nil {
			return
		}
	}
}

// echoByCoder reads with the request's context, which must outlive the limit as well.
func echoByCoder(w http.ResponseWriter, r *http.Request) {
	conn, err := coder.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if err := conn.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}

func echoByGWS(w http.ResponseWriter, r *http.Request) {
	conn, err := gws.NewUpgrader(gwsEcho{}, nil).Upgrade(w, r)
	if err != nil {
		return
	}
	conn.ReadLoop()
}

type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	conn.WriteMessage(message.Opcode, message.Bytes())
}

func TestAWebSocketOutlivesTheLimit(t *testing.T) {
	for _, router := range routers {
		for path, handler := range echoes {
			t.Run(router.name+path, func(t *testing.T) {
				t.Parallel()
				g := newGuards(t)
				g.shed.MaxInFlight = 1
				server := serve(t, router.mount(frameworks.Routes{path: handler, "/home": home}, g.chain()...))
				conn, _, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				conn.SetReadDeadline(time.Now().Add(patience))
				echoComesBack(t, conn, "before the limit")
				homeIsServed(t, server, "beside a WebSocket")
				outlastTheLimit()
				echoComesBack(t, conn, "after the limit")
				if n := len(g.reports.all()); n != 0 {
					t.Errorf("%d slow reports of a WebSocket, want none", n)
				}
			})
		}
	}
}

func echoComesBack(t *testing.T, conn *gorilla.Conn, message string) {
	t.Helper()
	if err := conn.WriteMessage(gorilla.TextMessage, []byte(message)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := conn.ReadMessage(); err != nil || string(got) != message {
		t.Fatalf("the echo is %q, %v; want %q", got, err, message)
	}
}
