package control_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
	"github.com/heeler-go/heeler/internal/echo"
)

// stands says whether a connection through an echo still does.
func stands(conn net.Conn) bool {
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprint(conn, "x")
	n, _ := conn.Read(make([]byte, 1))
	return n == 1
}

// connected is a connection that goes all the way.
func connected(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn := dial(t, addr)
	if !stands(conn) {
		t.Fatal("there is no connection to begin with")
	}
	return conn
}

func TestAChangeThatIsRefusedEndsNoConnection(t *testing.T) {
	s, p := withProxy(t)
	conn := connected(t, p.Addr())
	busy, other := echo.Start(t), echo.Start(t)
	for _, c := range []struct {
		status             int
		method, path, body string
	}{
		{400, "PATCH", "/proxies/db", `{"upstream":"foo"}`},
		{400, "PATCH", "/proxies/db", `{"upstream":"127.0.0.1:99999","listen":"127.0.0.1:0","enabled":false}`},
		{400, "PATCH", "/proxies/db", `{"listen":"foo","upstream":"` + other + `"}`},
		{400, "PATCH", "/proxies/db", `{"seed":7,"upstream":"` + other + `"}`},
		{500, "PATCH", "/proxies/db", `{"listen":"` + busy + `","upstream":"` + other + `"}`},
		{500, "POST", "/populate", `[{"name":"db","upstream":"` + other + `"},{"name":"new","upstream":"a:1","listen":"` + busy + `"}]`},
		{500, "POST", "/populate", `[{"name":"db","listen":"127.0.0.2:0","upstream":"` + other + `","enabled":false},
			{"name":"new","upstream":"a:1","listen":"` + busy + `"}]`},
		{400, "POST", "/populate", `[{"name":"db","upstream":"` + other + `","toxics":[{"type":"reset_peer"}]},{"name":"new"}]`},
	} {
		before := must(t, s, 200, "GET", "/proxies", "")
		must(t, s, c.status, c.method, c.path, c.body)
		if !stands(conn) {
			t.Fatalf("%s %s has ended a connection", c.path, c.body)
		}
		if after := must(t, s, 200, "GET", "/proxies", ""); after != before {
			t.Fatalf("%s %s has made\n%s of\n%s", c.path, c.body, after, before)
		}
	}
}

// Connections, figures, conversations and whose the proxy is stay as they are where only the listener
// moves. Another upstream ends connections, for clients keep some in a pool.
func TestAProxyThatMovesIsTheSame(t *testing.T) {
	s, p := withProxy(t)
	for _, move := range []func(listen, upstream string){
		func(listen, upstream string) {
			must(t, s, 200, "PATCH", "/proxies/db", fmt.Sprintf(`{"listen":%q,"upstream":%q}`, listen, upstream))
		},
		func(listen, upstream string) {
			populate(t, s, 201, fmt.Sprintf(`[{"name":"db","listen":%q,"upstream":%q}]`, listen, upstream))
		},
	} {
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		write := control.Log{}.Tap(p)
		at, to, conn := p.Addr(), free(t), connected(t, p.Addr())
		move(to, p.Target())
		if up(t, to, true); !stands(conn) || p.Addr() != to || !p.Running() {
			t.Errorf("moved to %s it is at %s, running %v", to, p.Addr(), p.Running())
		}
		up(t, at, false)
		total := p.Stats().Total
		move("", echo.Start(t))
		up(t, to, true)
		if stands(conn) {
			t.Error("with another upstream the connection to the old one stands")
		}
		if got := p.Stats().Total; got != total+1 {
			t.Errorf("%d connections have become %d", total, got)
		}
		cancel()
		if err := write(ctx, &log); err != nil || strings.Count(log.String(), "    ping\n") != 4 {
			t.Errorf("the log is %q, %v", log.String(), err)
		}
	}
	if s.Close(); !p.Running() {
		t.Error("a proxy that somebody else has made ended with the server")
	}
}

func TestAListenerMovesToAnAddressThatIsInTheWay(t *testing.T) {
	s, p := withProxy(t)
	_, port, _ := net.SplitHostPort(p.Addr())
	must(t, s, 200, "PATCH", "/proxies/db", `{"listen":"0.0.0.0:`+port+`"}`)
	if up(t, "127.0.0.2:"+port, true); !strings.HasSuffix(p.Addr(), "]:"+port) && p.Addr() != "0.0.0.0:"+port {
		t.Errorf("it is at %s", p.Addr())
	}
}

func TestTheConversationOfADeletedProxyEnds(t *testing.T) {
	s, _ := withProxy(t)
	resp, err := http.Get(s.URL() + "/proxies/db/conversation")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	must(t, s, 204, "DELETE", "/proxies/db", "")
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Error(err)
	}
}

func TestTheOwnerHearsOfCreatedProxies(t *testing.T) {
	told := make(chan chaos.Notice, 100)
	s := &control.Server{Notice: func(n chaos.Notice) { told <- n }}
	t.Cleanup(func() { s.Close() })
	if err := s.Load(t.Context(), []byte(`[{"name":"web","upstream":"127.0.0.1:1","toxics":[{"type":"hang"}]}]`)); err != nil {
		t.Fatal(err)
	}
	all := s.List()
	if len(all) != 1 || all[0].Name != "web" || !all[0].Running() {
		t.Fatalf("%+v", all)
	}
	for _, want := range []chaos.NoticeKind{chaos.FaultsSet, chaos.Listening} {
		if n := <-told; n.Kind != want || n.Proxy != "web" {
			t.Errorf("told %+v, want %s", n, want)
		}
	}
}
