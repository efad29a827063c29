package toxiproxy_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	toxiserver "github.com/Shopify/toxiproxy/v2"
	"github.com/heeler-go/heeler/chaos/control"
	"github.com/heeler-go/heeler/internal/echo"
	"github.com/rs/zerolog"
)

// steps are requests that heeler and toxiproxy answer alike, one after the other. BACKEND stands for an
// address, and what listens does so on a free port.
var steps = []struct{ method, path, body string }{
	{"GET", "/proxies", ""},
	{"POST", "/proxies", `{"name":"db","listen":"127.0.0.1:0","upstream":"BACKEND"}`},
	{"POST", "/proxies", `{"name":"db","listen":"127.0.0.1:0","upstream":"BACKEND"}`},
	{"POST", "/proxies", `{"name":"off","listen":"localhost:0","upstream":"BACKEND","enabled":false}`},
	{"POST", "/proxies", `{}`},
	{"POST", "/proxies", `null`},
	{"POST", "/proxies", `{"name":"x"}`},
	{"GET", "/proxies/db", ""},
	{"GET", "/proxies", ""},
	{"GET", "/proxies/x", ""},
	{"DELETE", "/proxies/x", ""},
	{"PATCH", "/proxies/x", "{}"},
	{"POST", "/proxies/x", "{}"},
	{"GET", "/proxies/x/toxics", ""},
	{"POST", "/proxies/x/toxics", "{}"},
	{"GET", "/proxies/x/toxics/y", ""},
	{"GET", "/proxies/db/toxics", ""},
	{"POST", "/proxies/db/toxics", `{"type":"latency","attributes":{"latency":100,"jitter":10}}`},
	{"POST", "/proxies/db/toxics", `{"type":"latency","attributes":{"latency":100,"jitter":10}}`},
	{"POST", "/proxies/db/toxics", `{"type":"latency","stream":"walrus"}`},
	{"POST", "/proxies/db/toxics", `{"name":"limit","type":"bandwidth","stream":"downstream","toxicity":0.2,"attributes":{"rate":10}}`},
	{"POST", "/proxies/db/toxics", `{"type":"slicer","attributes":{"average_size":64,"size_variation":32,"delay":10}}`},
	{"POST", "/proxies/db/toxics", `{"type":"slow_close","attributes":null}`},
	{"POST", "/proxies/db/toxics", `{"type":"limit_data"}`},
	{"POST", "/proxies/db/toxics", `{"type":"timeout","toxicity":0}`},
	{"POST", "/proxies/db/toxics", `{"type":"reset_peer","toxicity":0}`},
	{"POST", "/proxies/db/toxics", `{"name":"nothing","type":"noop"}`},
	{"GET", "/proxies/db/toxics", ""},
	{"GET", "/proxies/db/toxics/limit", ""},
	{"PATCH", "/proxies/db/toxics/limit", `{"toxicity":0.5,"attributes":{"rate":20}}`},
	{"POST", "/proxies/db/toxics/limit", `{"attributes":{"rate":30}}`},
	{"POST", "/proxies/db/toxics/limit", `{}`},
	{"PATCH", "/proxies/db/toxics/limit", `{"name":"x","type":"x","stream":"x"}`},
	{"PATCH", "/proxies/db/toxics/x", `{}`},
	{"DELETE", "/proxies/db/toxics/x", ""},
	{"DELETE", "/proxies/db/toxics/limit", ""},
	{"GET", "/proxies/db/toxics/limit", ""},
	{"PATCH", "/proxies/db", `{"enabled":false}`},
	{"POST", "/proxies/db", `{"enabled":true,"toxics":[]}`},
	{"GET", "/proxies/db", ""},
	{"PATCH", "/proxies/db", `{"upstream":"127.0.0.1:1","enabled":true}`},
	{"POST", "/reset", ""},
	{"GET", "/proxies", ""},
	{"POST", "/populate", `[{"name":"new","listen":"127.0.0.1:0","upstream":"BACKEND"},{"name":"down","listen":"127.0.0.1:0","upstream":"BACKEND","enabled":false}]`},
	{"POST", "/populate", `[{"name":"a","upstream":"BACKEND"},{"upstream":"BACKEND"}]`},
	{"POST", "/populate", `[{"name":"a","upstream":"BACKEND"},{"name":"b"}]`},
	{"POST", "/populate", `[]`},
	{"DELETE", "/proxies/db", ""},
	{"GET", "/proxies/db", ""},
	{"GET", "/proxies", ""},
	{"PUT", "/proxies", ""},
	{"DELETE", "/reset", ""},
	{"GET", "/reset", ""},
	{"GET", "/nothing", ""},
}

func TestHeelerAnswersAsToxiproxyDoes(t *testing.T) {
	toxi := toxiserver.NewServer(toxiserver.NewMetricsContainer(nil), zerolog.Nop())
	defer toxi.Collection.Clear()
	theirs := httptest.NewServer(toxi.Routes())
	defer theirs.Close()
	ours := &control.Server{}
	if err := ours.Start(); err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	backend := echo.Start(t)
	for _, step := range steps {
		body := strings.ReplaceAll(step.body, "BACKEND", backend)
		wantStatus, want := ask(t, theirs.URL, step.method, step.path, body)
		status, got := ask(t, ours.URL(), step.method, step.path, body)
		if status != wantStatus || !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s %s:\n%d %v, want\n%d %v", step.method, step.path, body, status, got, wantStatus, want)
		}
	}
}

// ask makes a request, and gives what its answer says to clients of toxiproxy.
func ask(t *testing.T, url, method, path, body string) (int, any) {
	t.Helper()
	req, err := http.NewRequest(method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer any
	if json.Unmarshal(text, &answer) != nil {
		return resp.StatusCode, nil // a 404 or a 405 of theirs has no JSON, and neither has a 204
	}
	if resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusNotFound && path == "/nothing" {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, plain(answer)
}

// plain takes away what only one of them says, and what differs from port to port. That a proxy has a
// Logger is an oversight of toxiproxy's.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, only := range []string{"field", "protocol", "seed", "Logger"} {
			delete(v, only)
		}
		if listen, ok := v["listen"].(string); ok && strings.HasPrefix(listen, "127.0.0.1:") {
			v["listen"] = "a port of 127.0.0.1"
		}
		if proxies, ok := v["proxies"]; ok && proxies == nil {
			v["proxies"] = []any{} // null, in theirs
		}
		for key := range v {
			v[key] = plain(v[key])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}
