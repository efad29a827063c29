package sentry_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/alert/sentry"
)

func example() alert.Alert {
	seen := time.Date(2026, 11, 20, 10, 15, 0, 123e6, time.UTC)
	return alert.Alert{
		Time: seen, Key: "slow 1 GET /repo/{name}", Title: "slow: GET /repo/heeler after 23s, waiting in repo.Find", Count: 17,
		Text: "slow request: GET /repo/heeler\nafter 23s", Tags: map[string]string{"guard": "slowlog", "state": "waiting\nfor the network", "api token": "hunter2"},
		Request: &alert.Request{
			ID: "7f3a", Start: seen.Add(-23 * time.Second), Method: "GET", URI: "/repo/heeler?page=2&token=hunter2",
			Route: "GET /repo/{name}", Host: "shop.example.com", RemoteAddr: "192.0.2.7:4711", Proto: "HTTP/1.1",
			Header: map[string]string{"Cookie": "a=hunter2", "Authorization": "Basic hunter2", "Accept": "text/html", "X-Forwarded-Proto": "https"},
		},
		Backends: []alert.Backend{
			{Name: "mysql", Calls: 231, Errors: 2, Time: 22800 * time.Millisecond, More: 4,
				Statements: []alert.Statement{{Text: "SELECT * FROM commits JOIN people p ON c.author = p.author", Calls: 230, Time: 22 * time.Second}},
				Running:    []alert.Call{{Statement: "SET PASSWORD = 'hunter2'", Elapsed: 4900 * time.Millisecond, Number: 231}}, MoreRunning: 2},
			{Name: "auth", Refused: 3},
		},
		Stacks: []alert.Stack{
			{Name: "the request's own goroutine", State: "waiting for the network", Count: 1, Frames: []alert.Frame{
				{Func: "net.(*conn).Read", File: "/usr/local/go/src/net/net.go", Line: 194},
				{Func: "github.com/acme/shop/cart.(*Store).Save.func1", File: "/home/build/shop/cart/store.go", Line: 42, App: true, Source: "tx.Exec(q)"},
				{Func: "github.com/acme/shop/cart.(*Store).Save", File: "/home/build/shop/cart/store.go", Line: 30, App: true},
				{Func: "net/http.(*conn).serve", File: "net/http/server.go", Line: 2103},
			}},
			{Name: "started by it", State: "asleep", Count: 3, Frames: []alert.Frame{{Func: "time.Sleep", File: "/usr/local/go/src/time/sleep.go", Line: 1}}},
			{Name: "gone"},
		},
		Files: []alert.File{
			{Name: "../request.trace", Type: "application/octet-stream", Data: []byte("\x00tr\nace")},
			{Name: "big.bin", Data: make([]byte, 100)},
		},
	}
}

func TestTheEventHasTheStackTheRequestAndTheTags(t *testing.T) {
	e := listen(t)
	sink := e.sink()
	sink.MaxAttach = 50
	if err := sink.Send(t.Context(), example()); err != nil {
		t.Fatal(err)
	}
	event := e.event()
	for _, c := range []struct {
		path []any
		want any
	}{
		{[]any{"level"}, "warning"},
		{[]any{"platform"}, "go"},
		{[]any{"environment"}, "production"},
		{[]any{"release"}, "shop@1.2.3"},
		{[]any{"server_name"}, "web3"},
		{[]any{"timestamp"}, "2026-11-20T10:15:00.123Z"},
		{[]any{"message"}, "slow: GET /repo/heeler after 23s, waiting in repo.Find (×17)"},
		{[]any{"transaction"}, "GET /repo/{name}"},
		{[]any{"contexts", "alert", "count"}, 17.0},
		{[]any{"contexts", "alert", "key"}, "slow 1 GET /repo/{name}"},
		{[]any{"contexts", "alert", "request_id"}, "7f3a"},
		{[]any{"contexts", "alert", "files_left_out"}, []any{"big.bin (100 bytes)"}},
		{[]any{"contexts", "backends"}, map[string]any{
			"mysql": []any{"mysql: 231 calls in 22.8s, 2 errors", "now number 231, for 4.9s: SET PASSWORD = '[redacted]'", "and 2 more now", "230 calls in 22s: SELECT * FROM commits JOIN people p ON c.author = p.author", "and 4 more"},
			"auth":  []any{"auth: 0 calls in 0s, 3 refused"},
		}},
		{[]any{"contexts", "runtime", "version"}, runtime.Version()},
		{[]any{"contexts", "report", "text"}, "slow request: GET /repo/heeler\nafter 23s"},
		{[]any{"tags"}, map[string]any{"guard": "slowlog", "state": "waiting for the network", "api_token": "[redacted]"}},
		{[]any{"fingerprint"}, []any{"heeler", "slow", "GET /repo/{name}", "github.com/acme/shop/cart.(*Store).Save.func1", "github.com/acme/shop/cart.(*Store).Save"}},
		{[]any{"request"}, map[string]any{
			"method": "GET", "url": "https://shop.example.com/repo/heeler", "query_string": "page=2&token=[redacted]",
			"headers": map[string]any{"Accept": "text/html", "Authorization": "[redacted]", "X-Forwarded-Proto": "https"},
		}},
		{[]any{"exception", 0, "type"}, "slow"},
		{[]any{"exception", 0, "value"}, "GET /repo/heeler after 23s, waiting in repo.Find (×17)"},
		{[]any{"exception", 0, "thread_id"}, 1.0},
		{[]any{"exception", 0, "stacktrace", "frames"}, []any{
			map[string]any{"module": "net/http", "function": "(*conn).serve", "filename": "net/http/server.go", "lineno": 2103.0, "in_app": false},
			map[string]any{"module": "github.com/acme/shop/cart", "function": "(*Store).Save", "filename": "github.com/acme/shop/cart/store.go", "abs_path": "/home/build/shop/cart/store.go", "lineno": 30.0, "in_app": true},
			map[string]any{"module": "github.com/acme/shop/cart", "function": "(*Store).Save.func1", "filename": "github.com/acme/shop/cart/store.go", "abs_path": "/home/build/shop/cart/store.go", "lineno": 42.0, "in_app": true, "context_line": "tx.Exec(q)"},
			map[string]any{"module": "net", "function": "(*conn).Read", "filename": "net/net.go", "abs_path": "/usr/local/go/src/net/net.go", "lineno": 194.0, "in_app": false},
		}},
		{[]any{"threads", 0}, map[string]any{"id": "1", "name": "the request's own goroutine: waiting for the network", "current": true}},
		{[]any{"threads", 1, "name"}, "started by it: asleep (×3)"},
		{[]any{"threads", 1, "stacktrace", "frames", 0, "function"}, "Sleep"},
		{[]any{"threads", 2}, map[string]any{"id": "3", "name": "gone"}},
		{[]any{"user"}, map[string]any{}},
	} {
		if got := at(event, c.path...); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v is\n  %#v, want\n  %#v", c.path, got, c.want)
		}
	}
	if all, _ := json.Marshal(event); strings.Contains(string(all), "hunter2") || strings.Contains(string(all), key) {
		t.Errorf("a secret is in the event: %s", all)
	}
	if !strings.Contains(e.auth, "sentry_key="+key) || e.path != "/prefix/api/42/envelope/" {
		t.Errorf("the request had auth %q and path %q", e.auth, e.path)
	}
	if id := at(e.header, "event_id"); id != event["event_id"] || len(event["event_id"].(string)) != 32 {
		t.Errorf("the envelope is of event %v, the event is %v", id, event["event_id"])
	}
	var files []string
	for _, it := range e.items[1:] {
		files = append(files, it.Type+" "+it.Filename+" "+it.ContentType+" "+string(it.payload))
	}
	if want := []string{"attachment report.txt text/plain " + example().Report(), "attachment request.trace application/octet-stream \x00tr\nace"}; !slices.Equal(files, want) {
		t.Errorf("attached are\n%q, want\n%q", files, want)
	}
}

// eventOf is what Sentry gets of a.
func eventOf(t *testing.T, a alert.Alert) map[string]any {
	t.Helper()
	e := listen(t)
	if err := e.sink().Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return e.event()
}

func TestTheFingerprintIsOfKindRouteAndPlace(t *testing.T) {
	same := at(eventOf(t, example()), "fingerprint")
	for name, c := range map[string]struct {
		change func(*alert.Alert)
		same   bool
	}{
		"another line":           {func(a *alert.Alert) { a.Stacks[0].Frames[1].Line++ }, true},
		"another library frame":  {func(a *alert.Alert) { a.Stacks[0].Frames[0].Func = "os.Read" }, true},
		"another duration, path": {func(a *alert.Alert) { a.Title, a.Request.URI = "slow: GET /repo/x after 7s", "/repo/x" }, true},
		"another child":          {func(a *alert.Alert) { a.Stacks = a.Stacks[:1] }, true},
		"another route":          {func(a *alert.Alert) { a.Request.Route = "GET /" }, false},
		"another place":          {func(a *alert.Alert) { a.Stacks[0].Frames[1].Func = "github.com/acme/shop/cart.Load" }, false},
		"another kind":           {func(a *alert.Alert) { a.Title = "stuck: GET /repo" }, false},
	} {
		a := example()
		c.change(&a)
		if got := at(eventOf(t, a), "fingerprint"); reflect.DeepEqual(got, same) != c.same {
			t.Errorf("with %s the fingerprint is %v, of %v", name, got, same)
		}
	}
	for want, a := range map[string]alert.Alert{
		"[heeler alert  mysql is down]": {Title: "mysql is down"},
		"[heeler mysql  k]":             {Title: "mysql: down", Key: "k"},
		"[heeler alert GET net.Read]":   {Request: &alert.Request{Method: "GET"}, Stacks: []alert.Stack{{Frames: []alert.Frame{{Func: "net.Read"}}}}},
		"[heeler alert GET /{x} k]":     {Key: "k", Tags: map[string]string{"route": "GET /{x}"}},
	} {
		parts := at(eventOf(t, a), "fingerprint").([]any)
		texts := make([]string, len(parts))
		for i, p := range parts {
			texts[i] = p.(string)
		}
		if got := "[" + strings.Join(texts, " ") + "]"; got != want {
			t.Errorf("the fingerprint is %s, want %s", got, want)
		}
	}
}

func TestTheSameAlertIsTheSameEvent(t *testing.T) {
	first, again := eventOf(t, example())["event_id"], eventOf(t, example())["event_id"]
	if first != again {
		t.Errorf("sent twice, it is %v and %v", first, again)
	}
	other := example()
	other.Time = other.Time.Add(1)
	if id := eventOf(t, other)["event_id"]; id == first {
		t.Errorf("an alert of another time is the same event %v", id)
	}
	if a, b := eventOf(t, alert.Alert{})["event_id"], eventOf(t, alert.Alert{})["event_id"]; a == b {
		t.Errorf("two alerts without a time are the same event %v", a)
	}
}

func TestAHostileAlertIsStillAnEvent(t *testing.T) {
	evil := strings.Repeat("x\r\n\x00\xff\u202e{\"type\":\"event\"}", 5000)
	a := alert.Alert{
		Key: evil, Title: evil, Text: evil, Tags: map[string]string{evil: evil, "": "x", "empty": ""},
		Request: &alert.Request{Method: evil, URI: evil, Host: evil, Header: map[string]string{evil: evil}},
		Stacks:  slices.Repeat([]alert.Stack{{Frames: slices.Repeat([]alert.Frame{{Func: evil[:50], File: evil[:50], Line: -1, App: true}}, 1000)}}, 200),
		Files:   []alert.File{{Name: evil, Type: evil, Data: []byte("x\n{}")}},
	}
	for i := range 100 {
		a.Backends = append(a.Backends, alert.Backend{Name: strconv.Itoa(i) + evil, Statements: slices.Repeat([]alert.Statement{{Text: evil}}, 5), Running: slices.Repeat([]alert.Call{{Statement: evil}}, 10)})
	}
	event := eventOf(t, a)
	backends := at(event, "contexts", "backends").(map[string]any)
	if text, _ := json.Marshal(backends); len(backends) != 21 || backends["left out"] != 80.0 || len(text) > 500_000 {
		t.Errorf("there are %d backends in %d bytes, want 20 and how many more", len(backends), len(text))
	}
	if n := len(at(event, "threads").([]any)); n != 100 {
		t.Errorf("there are %d threads, want at most 100", n)
	}
	if n := len(at(event, "exception", 0, "stacktrace", "frames").([]any)); n != 200 {
		t.Errorf("there are %d frames, want at most 200", n)
	}
	for k, v := range at(event, "tags").(map[string]any) {
		if len(k) > 32 || len([]rune(v.(string))) > 200 || strings.ContainsAny(k+v.(string), "\r\n") {
			t.Errorf("there is a tag %q: %q", k, v)
		}
	}
}

func TestEachBackendHasAKeyOfItsOwn(t *testing.T) {
	a := alert.Alert{Title: "slow"}
	for i, name := range []string{"mysql", "mysql", "my\u200bsql", "my sql", "", "\n", "type", "left out", "token=a", "token=b"} {
		a.Backends = append(a.Backends, alert.Backend{Name: name, Calls: i})
	}
	got := slices.Sorted(maps.Keys(at(eventOf(t, a), "contexts", "backends").(map[string]any)))
	want := []string{"left out (2)", "my sql", "my sql (2)", "mysql", "mysql (2)", "token=[redacted]", "token=[redacted] (2)", "type (2)", "unnamed", "unnamed (2)"}
	if !slices.Equal(got, want) {
		t.Errorf("the keys are\n%q, want\n%q", got, want)
	}
}

func TestSplitFunc(t *testing.T) {
	for name, want := range map[string][2]string{
		"github.com/acme/shop/cart.(*Store).Save.func1": {"github.com/acme/shop/cart", "(*Store).Save.func1"},
		"main.main":                                          {"main", "main"},
		"gopkg.in/yaml%2ev3.(*Decoder).Decode":               {"gopkg.in/yaml.v3", "(*Decoder).Decode"},
		"slices.SortFunc[...]":                               {"slices", "SortFunc[...]"},
		"github.com/a/b.Map[github.com/c/d%2ee.T,int].func2": {"github.com/a/b", "Map[github.com/c/d%2ee.T,int].func2"},
		"github.com/a/b.(*Set[github.com/c/d.T]).Add-fm":     {"github.com/a/b", "(*Set[github.com/c/d.T]).Add-fm"},
		"type:.eq.github.com/a/b.T":                          {"", "type:.eq.github.com/a/b.T"},
		"go:buildid":                                         {"", "go:buildid"},
		"cgocall":                                            {"", "cgocall"},
		"":                                                   {"", ""},
	} {
		if m, f := sentry.SplitFunc(name); m != want[0] || f != want[1] {
			t.Errorf("%s is %q and %q, want %q", name, m, f, want)
		}
	}
}

func FuzzSplitFunc(f *testing.F) {
	f.Add("github.com/acme/shop/cart.(*Store).Save.func1")
	f.Add("a/b.F[c/d.T]")
	f.Fuzz(func(t *testing.T, name string) {
		module, function := sentry.SplitFunc(name)
		if back := module + "." + function; module != "" && back != strings.Replace(name, name[:len(name)-len(function)-1], module, 1) {
			t.Errorf("%q came apart as %q and %q", name, module, function)
		}
		if !strings.HasSuffix(name, function) {
			t.Errorf("%q does not end in %q", name, function)
		}
	})
}
