package control_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
	"github.com/heeler-go/heeler/internal/echo"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

func TestWhoIsLetIn(t *testing.T) {
	open, closed := &control.Server{Hosts: []string{"chaos"}}, &control.Server{Addr: "0.0.0.0:8474", Token: "s3cret"}
	for _, c := range []struct {
		name    string
		server  *control.Server
		method  string
		host    string
		headers map[string]string
		status  int
	}{
		{"a plain client", open, "GET", "127.0.0.1:8474", nil, 200},
		{"by name", open, "GET", "localhost:8474", nil, 200},
		{"over IPv6", open, "GET", "[::1]:8474", nil, 200},
		{"without a port", open, "GET", "localhost", nil, 200},
		{"by the address of a container", open, "GET", "172.17.0.2:8474", nil, 200},
		{"by one of Hosts", open, "GET", "CHAOS:8474", nil, 200},
		{"a name that was pointed here", open, "GET", "evil.example:8474", nil, 403},
		{"a name that begins like ours", open, "GET", "localhost.evil.example", nil, 403},
		{"no host at all", open, "GET", "", nil, 403},
		{"a name that was pointed here, writing", open, "POST", "evil.example", nil, 403},

		{"a person's browser", open, "GET", "localhost", map[string]string{"User-Agent": firefox, "Sec-Fetch-Site": "none"}, 200},
		{"our own page", open, "GET", "localhost", map[string]string{"User-Agent": firefox, "Sec-Fetch-Site": "same-origin"}, 200},
		{"our own page, writing", open, "POST", "localhost", map[string]string{"Sec-Fetch-Site": "same-origin"}, 204},
		{"another page", open, "GET", "localhost", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"another port of this machine", open, "GET", "localhost", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"another page, writing", open, "POST", "localhost", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"another page in an old browser", open, "GET", "localhost", map[string]string{"Origin": "http://evil.example"}, 403},
		{"another page in an old browser, writing", open, "POST", "localhost", map[string]string{"Origin": "http://evil.example"}, 403},
		{"a page without an origin", open, "GET", "localhost", map[string]string{"Origin": "null"}, 403},
		{"our own page in an old browser", open, "GET", "localhost", map[string]string{"Origin": "http://localhost", "User-Agent": firefox}, 200},
		{"a browser that does not say who asks", open, "GET", "localhost", map[string]string{"User-Agent": firefox}, 403},
		{"wget", open, "GET", "localhost", map[string]string{"User-Agent": "Wget/2.1"}, 200},

		{"no token", closed, "GET", "localhost", nil, 401},
		{"a wrong token", closed, "GET", "localhost", map[string]string{"Authorization": "Bearer secret"}, 401},
		{"a token that begins right", closed, "GET", "localhost", map[string]string{"Authorization": "Bearer s3cre"}, 401},
		{"an empty token", closed, "GET", "localhost", map[string]string{"Authorization": "Bearer "}, 401},
		{"another scheme", closed, "GET", "localhost", map[string]string{"Authorization": "Digest s3cret"}, 401},
		{"the token", closed, "GET", "any.example", map[string]string{"Authorization": "Bearer s3cret"}, 200},
		{"the token as a password", closed, "GET", "any.example", map[string]string{"Authorization": "Basic OnMzY3JldA=="}, 200},
		{"another page with the token", closed, "GET", "any.example",
			map[string]string{"Authorization": "Bearer s3cret", "Sec-Fetch-Site": "cross-site"}, 403},
	} {
		path := "/proxies"
		if c.method == "POST" {
			path = "/reset"
		}
		r := httptest.NewRequest(c.method, path, nil)
		r.Host = c.host
		for name, value := range c.headers {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		c.server.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.status)
		}
		if c.status == 401 && w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: not told how", c.name)
		}
		if strings.Contains(w.Body.String(), "s3cret") {
			t.Errorf("%s: the token is told: %s", c.name, w.Body)
		}
	}
}

func TestEveryRouteIsGuarded(t *testing.T) {
	s := &control.Server{Token: "s3cret"}
	for _, path := range []string{"/", "/version", "/metrics", "/proxies", "/proxies/x", "/proxies/x/toxics/y", "/behavior",
		"/backend", "/behaviors", "/events", "/proxies/x/conversation", "/proxies//x", "/proxies/../version"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 401 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestAnAddressThatOthersReachNeedsAToken(t *testing.T) {
	for addr, fine := range map[string]bool{
		"127.0.0.1:0": true, "localhost:0": true, "[::1]:0": true, "127.8.8.8:0": true,
		":0": false, "0.0.0.0:0": false, "[::]:0": false, "192.0.2.1:0": false, "db.example:0": false, "8474": false,
	} {
		s := &control.Server{Addr: addr}
		if err := s.Validate(); (err == nil) != fine {
			t.Errorf("Addr %q: %v", addr, err)
		}
		if !fine {
			if err := s.Start(); err == nil {
				t.Errorf("a server listens at %q without a token", addr)
				s.Close()
			}
		}
	}
	s := start(t, &control.Server{Addr: "0.0.0.0:0", Token: "s3cret"})
	client := control.Client{URL: s.URL(), Token: "s3cret"}
	if _, err := client.Proxies(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWhatIsWrongWithAServer(t *testing.T) {
	p := &chaos.Proxy{Name: "x"}
	for want, s := range map[string]*control.Server{
		"Proxies[0] is nil":             {Proxies: []*chaos.Proxy{nil}},
		"Name of Server.Proxies[0]":     {Proxies: []*chaos.Proxy{{}}},
		`have the Name "x"`:             {Proxies: []*chaos.Proxy{p, p}},
		`Server.Addr is "x", want host`: {Addr: "x"},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/version", nil))
		if w.Code != 500 {
			t.Errorf("a server with %q answers %d", want, w.Code)
		}
		s.Close()
	}
}

func TestAServerEndsWithWhatItHasMade(t *testing.T) {
	for name, end := range map[string]func(*control.Server) error{
		"Close":    (*control.Server).Close,
		"Shutdown": func(s *control.Server) error { return s.Shutdown(t.Context()) },
	} {
		s, given := withProxy(t)
		p := made(t, s, `{"name":"made","upstream":"`+echo.Start(t)+`"}`)
		up(t, p.Listen, true)
		resp, err := http.Get(s.URL() + "/events")
		if err != nil {
			t.Fatal(err)
		}
		if err := end(s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		io.Copy(io.Discard, resp.Body) // the stream ends
		resp.Body.Close()
		up(t, p.Listen, false)
		up(t, given.Addr(), true)
		if err := s.Start(); err == nil {
			t.Errorf("%s: and it starts again", name)
		}
	}
}

func TestAShutdownWaitsOnlySoLong(t *testing.T) {
	s, _ := withProxy(t)
	p := made(t, s, `{"name":"made","upstream":"`+echo.Start(t)+`"}`)
	conn := dial(t, p.Listen)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("a connection that stands was not told of")
	}
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("and it stands still")
	}
}
