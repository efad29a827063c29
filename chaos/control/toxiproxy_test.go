package control_test

import (
	"encoding/json"
	"net"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
	"github.com/heeler-go/heeler/internal/echo"
)

// made creates a proxy through the API.
func made(t *testing.T, s *control.Server, body string) control.Proxy {
	t.Helper()
	var p control.Proxy
	if err := json.Unmarshal([]byte(must(t, s, 201, "POST", "/proxies", body)), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAProxyLooksAsToxiproxyHasIt(t *testing.T) {
	s := start(t, &control.Server{})
	if got := must(t, s, 200, "GET", "/proxies", ""); got != "{}" {
		t.Errorf("no proxies are %s, want {}", got)
	}
	backend := echo.Start(t)
	p := made(t, s, `{"name":"db","listen":"localhost:0","upstream":"`+backend+`","seed":7}`)
	up(t, p.Listen, true)
	want := `{"name":"db","listen":"` + p.Listen + `","upstream":"` + backend + `","enabled":true,"toxics":[],
		"protocol":"tcp","seed":7}`
	for path, want := range map[string]string{"/proxies/db": want, "/proxies": `{"db":` + want + `}`, "/proxies/db/toxics": "[]"} {
		if got := must(t, s, 200, "GET", path, ""); !sameJSON(t, got, want) {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	must(t, s, 204, "DELETE", "/proxies/db", "")
	up(t, p.Listen, false)
	must(t, s, 404, "GET", "/proxies/db", "")
}

func TestRefusalsHaveToxiproxysWords(t *testing.T) {
	s, p := withProxy(t)
	must(t, s, 200, "POST", "/proxies/db/toxics", `{"name":"foo","type":"latency"}`)
	for _, c := range []struct {
		method, path, body string
		status             int
		message, field     string
	}{
		{"POST", "/proxies", `{}`, 400, "missing required field: name", "name"},
		{"POST", "/proxies", `null`, 400, "missing required field: name", "name"},
		{"POST", "/proxies", `{"name":"x"}`, 400, "missing required field: upstream", "upstream"},
		{"POST", "/proxies", ``, 400, "bad request body: …", ""},
		{"POST", "/proxies", `{"name":"x"} {}`, 400, "bad request body: …", ""},
		{"POST", "/proxies", `{"name":1}`, 400, "bad request body: …", "name"},
		{"POST", "/proxies", `{"name":"x","upstream":"nowhere"}`, 400, `upstream is "nowhere": want …`, "upstream"},
		{"POST", "/proxies", `{"name":"x","upstream":"a:1","listen":"local373"}`, 400, `listen is "local373"…`, "listen"},
		{"POST", "/proxies", `{"name":"x","upstream":"a:1","protocol":"pop3"}`, 400, `protocol "pop3" is not known, want one of …`, "protocol"},
		{"POST", "/proxies", `{"name":"db","upstream":"a:1"}`, 409, "proxy already exists", ""},
		{"POST", "/proxies", `{"name":"x","upstream":"a:1","listen":"` + p.Addr() + `"}`, 500,
			"listen tcp " + p.Addr() + ": bind: address already in use", ""},
		{"POST", "/proxies/db", `{"listen":"local373"}`, 400, `listen is "local373"…`, "listen"},
		{"GET", "/proxies/x", ``, 404, "proxy not found", ""},
		{"PATCH", "/proxies/x", `{}`, 404, "proxy not found", ""},
		{"DELETE", "/proxies/x", ``, 404, "proxy not found", ""},
		{"GET", "/proxies/x/toxics", ``, 404, "proxy not found", ""},
		{"POST", "/proxies/x/toxics", `{"type":"latency"}`, 404, "proxy not found", ""},
		{"PUT", "/proxies/x/toxics", `[]`, 404, "proxy not found", ""},
		{"GET", "/proxies/db/toxics/x", ``, 404, "toxic not found", ""},
		{"PATCH", "/proxies/db/toxics/x", `{}`, 404, "toxic not found", ""},
		{"DELETE", "/proxies/db/toxics/x", ``, 404, "toxic not found", ""},
		{"POST", "/proxies/db/toxics", `{"type":"walrus"}`, 400, `invalid toxic type "walrus"…`, "type"},
		{"POST", "/proxies/db/toxics", `{}`, 400, `invalid toxic type ""…`, "type"},
		{"POST", "/proxies/db/toxics", `{"type":"latency","stream":"walrustream"}`, 400,
			"stream was invalid, can be either upstream or downstream", "stream"},
		{"POST", "/proxies/db/toxics", `{"name":"foo","type":"slow_close"}`, 409, "toxic already exists", ""},
		{"POST", "/proxies/db/toxics", `{"name":"foo","type":"latency","stream":"upstream"}`, 409, "toxic already exists", ""},
		{"POST", "/proxies/db/toxics", `{"type":"latency","toxicity":1.1}`, 400, "toxicity is 1.1…", "toxicity"},
		{"POST", "/proxies/db/toxics", `{"type":"latency","attributes":{"latency":"x"}}`, 400, "bad request body: …", "attributes.latency"},
		{"POST", "/proxies/db/toxics", `{"type":"latency","attributes":{"latncy":1}}`, 400, "bad request body: …", "attributes.latncy"},
		{"POST", "/proxies/db/toxics", `{"type":"latency","attributes":{"latency":-1}}`, 400, "bad request body: …", "attributes.latency"},
		{"PATCH", "/proxies/db/toxics/foo", `{"attributes":{"jitter":-1}}`, 400, "bad request body: …", "attributes.jitter"},
		{"POST", "/proxies/db/toxics", `{"type":"latency","attributes":[]}`, 400, "bad request body: …", "attributes"},
		{"POST", "/proxies/db/toxics", `{"type":"latency","schedule":{"start":"soon"}}`, 400, `schedule.start is "soon"…`, "schedule.start"},
		{"POST", "/proxies/db/toxics", `{"type":"latency","schedule":{"every":"2000h"}}`, 400, `schedule.every is "2000h"…`, "schedule.every"},
		{"POST", "/proxies/db/toxics", `{"type":"latency","schedule":{"grow":1e99}}`, 400, `schedule.grow is 1e99…`, "schedule.grow"},
		{"POST", "/proxies/db/toxics", `{"type":"latency","schedule":7}`, 400, `schedule is 7, want an object`, "schedule"},
		{"POST", "/proxies/db/toxics", `{"type":"latency","schedule":{"begin":1}}`, 400, "schedule.begin is not known…", "schedule.begin"},
		{"POST", "/proxies/db/toxics", `{"type":"latency","schedule":{"end":-1}}`, 400, "schedule.end is -1ms, want more than start, or 0 for never", "schedule.end"},
		{"GET", "/nothing", ``, 404, `there is nothing at "/nothing"`, ""},
		{"PUT", "/proxies", ``, 405, "PUT is not allowed here, want GET or POST", ""},
		{"OPTIONS", "/proxies/db", ``, 405, "OPTIONS is not allowed here…", ""},
	} {
		status, answer := ask(t, s, c.method, c.path, c.body)
		var e struct {
			Error  string
			Status int
			Field  string
		}
		if err := json.Unmarshal([]byte(answer), &e); err != nil {
			t.Errorf("%s %s %s: %q: %v", c.method, c.path, c.body, answer, err)
			continue
		}
		begin, whole := strings.CutSuffix(c.message, "…")
		if same := e.Error == c.message || whole && strings.HasPrefix(e.Error, begin); !same ||
			status != c.status || e.Status != c.status || e.Field != c.field {
			t.Errorf("%s %s %s: %d %s, want %d %q of %q", c.method, c.path, c.body, status, answer, c.status, c.message, c.field)
		}
	}
	if toxics := p.Faults(); len(toxics) != 1 || toxics[0].Behavior != chaos.Behavior(chaos.Latency{}) {
		t.Errorf("what was refused has left %+v", toxics)
	}
}

func TestAProxyCanBeDownAndMoved(t *testing.T) {
	s := start(t, &control.Server{})
	backend, other := echo.Start(t), echo.Start(t)
	p := made(t, s, `{"name":"db","upstream":"`+backend+`","enabled":false,"listen":"localhost:0"}`)
	if p.Enabled || p.Listen != "localhost:0" {
		t.Errorf("a proxy that is not enabled is %+v", p)
	}
	change := func(body string) {
		t.Helper()
		if err := json.Unmarshal([]byte(must(t, s, 200, "PATCH", "/proxies/db", body)), &p); err != nil {
			t.Fatal(err)
		}
	}
	change(`{"enabled":true}`)
	up(t, p.Listen, true)
	must(t, s, 200, "POST", "/proxies/db/toxics", `{"type":"latency"}`)

	at := p.Listen
	change(`{"enabled":false}`)
	up(t, at, false)
	change(`{"enabled":true,"toxics":[]}`) // as toxiproxy's Go client sends what it knew before
	if up(t, at, true); p.Listen != at || len(p.Toxics) != 1 {
		t.Errorf("down and up again it is %+v, want it at %s with its toxic", p, at)
	}

	change(`{"upstream":"` + other + `"}`)
	if up(t, at, true); p.Upstream != other || p.Listen != at || len(p.Toxics) != 1 {
		t.Errorf("with another backend it is %+v, want it at %s", p, at)
	}
	change(`{"listen":"127.0.0.2:0"}`)
	up(t, at, false)
	if up(t, p.Listen, true); !strings.HasPrefix(p.Listen, "127.0.0.2:") || len(p.Toxics) != 1 {
		t.Errorf("moved, it is %+v", p)
	}

	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	must(t, s, 500, "PATCH", "/proxies/db", `{"listen":"`+busy.Addr().String()+`","upstream":"127.0.0.1:1"}`)
	before := p
	if change(`{}`); p.Listen != before.Listen || p.Upstream != other || !p.Enabled {
		t.Errorf("where it could not be moved it is %+v, want %+v", p, before)
	}
	up(t, p.Listen, true)
}

// Whoever gave the server a proxy goes on to hear of it, where a client has moved it, too.
func TestAMovedProxyTellsTheSameOnes(t *testing.T) {
	s := &control.Server{}
	told := make(chan string, 100)
	p := &chaos.Proxy{Name: "db", Backend: "127.0.0.1:1", Notify: func(n chaos.Notice) {
		if n.Kind == chaos.Listening {
			told <- n.Text
		}
	}}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s.Proxies = []*chaos.Proxy{p}
	start(t, s)
	must(t, s, 200, "PATCH", "/proxies/db", `{"listen":"127.0.0.2:0"}`)
	if first := <-told; first == p.Addr() || <-told != p.Addr() || !strings.HasPrefix(p.Addr(), "127.0.0.2:") {
		t.Errorf("the new address %s was not told", p.Addr())
	}
}

func TestResetEnablesAllAndRemovesToxics(t *testing.T) {
	s, p := withProxy(t)
	must(t, s, 200, "POST", "/proxies/db/toxics", `{"type":"timeout"}`)
	must(t, s, 200, "PATCH", "/proxies/db", `{"enabled":false}`)
	must(t, s, 204, "POST", "/reset", "")
	if up(t, p.Addr(), true); len(p.Faults()) != 0 {
		t.Errorf("after a reset there are %+v", p.Faults())
	}
}

func TestVersionSaysWhoseAPIItIs(t *testing.T) {
	s := start(t, &control.Server{})
	var v map[string]string
	if err := json.Unmarshal([]byte(must(t, s, 200, "GET", "/version", "")), &v); err != nil || v["version"] != "2.12.0" {
		t.Errorf("%v %v", v, err)
	}
}

func TestMetricsForPrometheus(t *testing.T) {
	s, p := withProxy(t)
	up(t, p.Addr(), true)
	must(t, s, 200, "POST", "/proxies/db/toxics", `{"type":"latency"}`)
	text := must(t, s, 200, "GET", "/metrics", "")
	at := `listener="` + p.Addr() + `",upstream="` + p.Backend + `"`
	for _, want := range []string{
		"# TYPE toxiproxy_proxy_sent_bytes_total counter\n",
		`toxiproxy_proxy_sent_bytes_total{proxy="db",direction="downstream",` + at + "} 4\n",
		`toxiproxy_proxy_sent_bytes_total{proxy="db",direction="upstream",` + at + "} 4\n",
		`heeler_chaos_connections_total{proxy="db"} 1` + "\n",
		`heeler_chaos_struck_total{proxy="db",fault="latency_downstream"} `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}
