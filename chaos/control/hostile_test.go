package control_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
)

// writes are all routes that read a body.
var writes = []struct{ method, path string }{
	{"POST", "/proxies"}, {"POST", "/populate"}, {"PATCH", "/proxies/db"}, {"POST", "/proxies/db/toxics"},
	{"PUT", "/proxies/db/toxics"}, {"PATCH", "/proxies/db/toxics/x"}, {"PUT", "/behavior"}, {"PUT", "/backend"},
}

func TestHostileBodiesAreRefused(t *testing.T) {
	s, p := withProxy(t)
	if status, answer := ask(t, s, "POST", "/proxies/db/toxics", `{"name":"x","type":"noop"}`); status != 200 {
		t.Fatal(answer)
	}
	before := must(t, s, 200, "GET", "/proxies", "")
	deep := strings.Repeat(`{"a":`, 50_000) + "1" + strings.Repeat("}", 50_000)
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"huge":      {`{"name":"` + strings.Repeat("x", control.MaxBody) + `"}`, 413},
		"deep":      {deep, 400},
		"deep list": {strings.Repeat("[", 100_000), 400},
		"text":      {"name=delay", 400},
		"a number":  {"7", 400},
		"cut off":   {`{"name":"x"`, 400},
		"two":       {`{}{}`, 400},
		"a NUL":     {"\x00", 400},
		"not UTF-8": {"{\"name\":\"\xff\xfe\",\"backend\":\"\xff\",\"upstream\":\"\xff\"", 400},
	} {
		for _, route := range writes {
			if status, answer := ask(t, s, route.method, route.path, c.body); status != c.status || !strings.HasPrefix(answer, "{") {
				t.Errorf("%s: %s %s: %d %.200s, want %d", name, route.method, route.path, status, answer, c.status)
			}
		}
	}
	if after := must(t, s, 200, "GET", "/proxies", ""); after != before {
		t.Errorf("what was refused has made\n%s of\n%s", after, before)
	}
	up(t, p.Addr(), true)
}

func TestTheLastOfTwoKeysCounts(t *testing.T) {
	s, _ := withProxy(t)
	must(t, s, 200, "PUT", "/behavior", `{"name":"hang","name":"delay","sleep":1,"sleep":2}`)
	if got := must(t, s, 200, "GET", "/proxies/db/toxics", ""); !strings.Contains(got, `"sleep":2`) {
		t.Error(got)
	}
}

func TestNamesThatAreNoPathsAreStillNames(t *testing.T) {
	s := start(t, &control.Server{})
	c := control.Client{URL: s.URL()}
	for _, name := range []string{"a/b", "../etc", "%2F", "a b", "é", "?x=1", "#", "...", `"`, "<script>"} {
		if _, err := c.Create(t.Context(), control.Proxy{Name: name, Upstream: "127.0.0.1:1"}); err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if p, err := c.Proxy(t.Context(), name); err != nil || p.Name != name {
			t.Errorf("%q: %+v, %v", name, p, err)
		}
	}
	for _, name := range []string{"a\nb", "\x00", "\x7f", "\u0085", ".", ".."} {
		if _, err := c.Create(t.Context(), control.Proxy{Name: name, Upstream: "127.0.0.1:1"}); err == nil {
			t.Errorf("%q is a name", name)
		}
		body, _ := json.Marshal(map[string]string{"type": "latency", "name": name})
		if answer := must(t, s, 400, "POST", "/proxies/%23/toxics", string(body)); !strings.Contains(answer, `"field":"name"`) {
			t.Errorf("%q as the name of a toxic: %s", name, answer)
		}
		if err := (&control.Server{Proxies: []*chaos.Proxy{{Name: name}}}).Validate(); err == nil {
			t.Errorf("a server takes a proxy of the name %q", name)
		}
	}
}

// A client that sends half a request holds up nobody else.
func TestASlowRequestHoldsUpNobody(t *testing.T) {
	s, _ := withProxy(t)
	for range 10 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "POST /proxies/db/toxics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
	}
	began := time.Now()
	must(t, s, 200, "PUT", "/behavior", `{"name":"hang"}`)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the others waited %v", took)
	}
}

func TestAHundredChangesAtATime(t *testing.T) {
	s, p := withProxy(t)
	backend := p.Backend
	var all sync.WaitGroup
	statuses := make(chan int, 100*10)
	for i := range 100 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for range 10 {
				name := fmt.Sprint("p", r.IntN(5))
				route := []struct{ method, path, body string }{
					{"POST", "/proxies", fmt.Sprintf(`{"name":%q,"upstream":%q,"toxics":[{"type":"latency"}]}`, name, backend)},
					{"POST", "/populate", fmt.Sprintf(`[{"name":%q,"upstream":%q},{"name":"q","upstream":%q}]`, name, backend, backend)},
					{"PATCH", "/proxies/" + name, fmt.Sprintf(`{"enabled":%v}`, r.IntN(2) == 0)},
					{"PATCH", "/proxies/" + name, `{"upstream":"127.0.0.1:1"}`},
					{"DELETE", "/proxies/" + name, ""},
					{"POST", "/proxies/db/toxics", fmt.Sprintf(`{"type":"latency","name":%q}`, name)},
					{"PATCH", "/proxies/db/toxics/" + name, `{"toxicity":0.5}`},
					{"DELETE", "/proxies/db/toxics/" + name, ""},
					{"PUT", "/behavior", `{"name":"delay","sleep":0.001}`},
					{"PUT", "/proxies/" + name + "/backend", fmt.Sprintf(`{"backend":%q}`, backend)},
					{"POST", "/reset", ""},
					{"GET", "/proxies", ""},
					{"GET", "/metrics", ""},
				}[r.IntN(13)]
				req, err := http.NewRequest(route.method, s.URL()+route.path, strings.NewReader(route.body))
				if err != nil {
					t.Error(err)
					return
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				text, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				statuses <- resp.StatusCode
				if resp.StatusCode >= 500 {
					t.Errorf("%s %s: %d %s", route.method, route.path, resp.StatusCode, text)
				}
			}
		})
	}
	all.Wait()
	close(statuses)
	good := 0
	for status := range statuses {
		if status < 300 {
			good++
		}
	}
	if good < 300 {
		t.Errorf("only %d of 1000 were good", good)
	}
	must(t, s, 204, "POST", "/reset", "")
	up(t, p.Addr(), true)
}
