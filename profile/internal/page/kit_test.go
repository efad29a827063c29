package page_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/page"
	"github.com/heeler-go/heeler/profile/internal/result"
)

const ms = time.Millisecond

// A spent is one stack with the time that was spent there.
type spent struct {
	state string
	time  time.Duration
	stack string // the functions, outermost first, separated by spaces
}

// profileOf makes a profile like exectrace's, with allocations in it.
func profileOf(t testing.TB, all ...spent) []byte {
	t.Helper()
	p := &profile.Profile{DefaultSampleType: "wall"}
	types := []string{"wall"}
	for _, s := range exectrace.States() {
		types = append(types, s.String())
	}
	types = append(types, "samples", "cpu", "alloc_objects", "alloc_space")
	for _, name := range types {
		unit := "nanoseconds"
		switch name {
		case "samples", "alloc_objects":
			unit = "count"
		case "alloc_space":
			unit = "bytes"
		}
		p.SampleType = append(p.SampleType, &profile.ValueType{Type: name, Unit: unit})
	}
	functions := make(map[string]*profile.Location)
	for _, s := range all {
		sample := &profile.Sample{Value: make([]int64, len(types))}
		if s.state != "alloc_space" {
			sample.Value[0] = int64(s.time)
		}
		if i := slices.Index(types, s.state); i >= 0 {
			sample.Value[i] = int64(s.time)
		}
		names := strings.Fields(s.stack)
		slices.Reverse(names)
		for _, name := range names {
			if functions[name] == nil {
				id := uint64(len(functions) + 1)
				f := &profile.Function{ID: id, Name: name, Filename: "/src/" + name[:min(len(name), 20)] + "/file.go"}
				p.Function = append(p.Function, f)
				functions[name] = &profile.Location{ID: id, Line: []profile.Line{{Function: f, Line: 42}}}
				p.Location = append(p.Location, functions[name])
			}
			sample.Location = append(sample.Location, functions[name])
		}
		p.Sample = append(p.Sample, sample)
	}
	var data bytes.Buffer
	if err := p.Write(&data); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// repository is the result of a request as people profile them: slow because of a statement that is made
// again and again, with a lock and some work of its own, and some children.
func repository(t testing.TB, children int) *result.Result {
	res := &result.Result{
		ID: "RXGZ4T2M", User: "alice", State: result.Done,
		Method: "GET", URI: "/acme/forge/commits?branch=main&page=2", Host: "forge.example",
		Machine: "web-3, process 4711", GoVersion: "go1.26.8",
		Asked: time.Date(2026, 11, 21, 3, 12, 45, 0, time.UTC), Took: 412 * ms,
		Runs:     []result.Run{{Took: 412 * ms, Status: 200, Bytes: 48_213}},
		Sentence: "412 ms: 60 % waiting for mysql, 21 % lock in store.(*Cache).Get, 9 % CPU",
		Shares: []result.Share{
			{What: "waiting for mysql", Where: "/src/acme/forge/store/repo.go:88", State: "network", Time: 247 * ms, Times: 231},
			{What: "lock in store.(*Cache).Get", Where: "/src/acme/forge/store/cache.go:41", State: "lock", Time: 86 * ms, Times: 3},
			{What: "CPU", State: "running", Time: 37 * ms, Times: 480},
			{What: "waiting for its goroutines", Where: "/src/acme/forge/web/commits.go:120", State: "channel", Time: 21 * ms, Times: 2},
			{What: "asleep in web.(*Site).throttle", Where: "/src/acme/forge/web/throttle.go:9", State: "sleep", Time: 12 * ms, Times: 1},
			{What: "waiting for a CPU", State: "runnable", Time: 6 * ms, Times: 260},
			{What: "the rest", State: "other", Time: 3 * ms, Times: 14},
		},
		Backends: []result.Backend{
			{Name: "redis", Calls: 3, Errors: 1, Refused: 1, Time: 4 * ms, Statements: []result.Statement{{Text: "GET session", Calls: 3, Time: 4 * ms}}},
			{Name: "mysql", Calls: 231, Time: 247 * ms, Statements: []result.Statement{
				{Text: "SELECT name, email FROM users WHERE id = ?", Calls: 230, Time: 239 * ms},
				{Text: "SELECT id, author_id, message, created FROM commits WHERE repo = ? AND branch = ? ORDER BY created DESC LIMIT ?", Calls: 1, Time: 8 * ms},
			}},
		},
		Pauses: []result.Pause{
			{From: 121 * ms, To: 148 * ms, What: "GC concurrent mark phase"},
			{From: 120 * ms, To: 121 * ms, What: "stop-the-world (GC sweep termination)", World: true},
			{From: 148 * ms, To: 148*ms + 200*time.Microsecond, What: "stop-the-world (GC mark termination)", World: true},
		},
		Problems: []string{"The CPU profiler was in use by something else, so where the CPU time went is known only by the execution trace."},
		Response: &result.Response{Status: 200, Body: []byte("<h1>Commits</h1><script>alert(1)</script>"),
			Header: map[string][]string{"Content-Type": {"text/html; charset=utf-8"}, "Set-Cookie": {"[redacted]"}, "X-Request-Id": {"b2c3"}}},
		Trace: []byte("go 1.26 trace"),
	}
	res.Timeline.Rows = goroutines(children)
	res.Profile = profileOf(t, repositorySpent()...)
	return res
}

var states = []string{"running", "runnable", "network", "lock", "channel", "select", "sleep", "syscall", "gc", "assist", "other"}

// goroutines are what the request's own and its children did.
func goroutines(children int) []result.Row {
	main := result.Row{ID: 42, Name: "net/http.(*conn).serve"}
	at := time.Duration(0)
	do := func(row *result.Row, state, what string, took time.Duration) {
		row.Bars = append(row.Bars, result.Bar{From: at, To: at + took, State: state, What: what})
		at += took
	}
	do(&main, "running", "running in web.(*Site).commits", 9*ms)
	do(&main, "sleep", "asleep in web.(*Site).throttle", 12*ms)
	for i := range 60 {
		do(&main, "running", "running in store.(*Repo).author", 300*time.Microsecond)
		main.Calls = append(main.Calls, result.CallBar{From: at, To: at + 4*ms, Backend: "mysql", What: "SELECT name, email FROM users WHERE id = ?"})
		do(&main, "network", "waiting for the network in store.(*Repo).author", 4*ms)
		if i == 30 {
			do(&main, "lock", "waiting for a lock in store.(*Cache).Get", 86*ms)
			main.Bars[len(main.Bars)-1].Waker = "store.(*Cache).Refresh, a goroutine of nobody's #7"
		}
	}
	do(&main, "channel", "waiting for a channel in web.(*Site).commits", 412*ms-at)
	rows := []result.Row{main}
	for i := range children {
		row := result.Row{ID: int64(100 + i), Parent: 42, Name: fmt.Sprintf("github.com/acme/forge/web.(*Site).highlight.func%d", i%3+1)}
		if i%4 == 3 {
			row.Parent = int64(100 + i - 1)
		}
		at = time.Duration(20+3*i%200) * ms
		for j := range 4 {
			state := states[(i+j)%len(states)]
			do(&row, state, "", time.Duration(5+(7*i+11*j)%40)*ms)
		}
		if i%5 == 0 {
			row.Calls = []result.CallBar{{From: at - 40*ms, To: at - 2*ms, Backend: "redis", What: "GET session"}}
		}
		rows = append(rows, row)
	}
	return rows
}

// repositorySpent is where their time went.
func repositorySpent() []spent {
	const app = "github.com/acme/forge/"
	const root = "net/http.serverHandler.ServeHTTP net/http.HandlerFunc.ServeHTTP " + app + "web.(*Site).commits "
	const query = root + app + "store.(*Repo).Commits database/sql.(*DB).QueryContext "
	const mysql = "github.com/go-sql-driver/mysql.(*mysqlConn).readPacket net.(*conn).Read internal/poll.(*FD).Read"
	spend := []spent{
		{"network", 239 * ms, query + mysql},
		{"network", 8 * ms, root + app + "store.(*Repo).Head database/sql.(*DB).QueryContext " + mysql},
		{"lock", 86 * ms, root + app + "store.(*Repo).Commits " + app + "store.(*Cache).Get sync.(*Mutex).Lock"},
		{"running", 20 * ms, root + app + "web.render html/template.(*Template).Execute text/template.(*state).walk"},
		{"running", 9 * ms, root + app + "web.render " + app + "web.highlight[github.com/acme/forge/web.Go] regexp.(*Regexp).FindAll"},
		{"running", 8 * ms, query + "database/sql.convertAssign"},
		{"channel", 21 * ms, root + "runtime.chanrecv1"},
		{"sleep", 12 * ms, root + app + "web.(*Site).throttle time.Sleep"},
		{"runnable", 6 * ms, query + "runtime.goschedIfBusy"},
		{"other", 3 * ms, root},
		{"alloc_space", 3 << 20, root + app + "web.render bytes.growSlice"},
		{"alloc_space", 1 << 20, query + "database/sql.(*Rows).Next"},
	}
	for i := range 12 {
		spend = append(spend, spent{states[i%len(states)], time.Duration(40-3*i) * ms,
			fmt.Sprintf("%sweb.(*Site).highlight.func%d %sweb.lex%d %sweb.token%d", app, i%3+1, app, i, app, i%4)})
	}
	return spend
}

// get asks for a part of a result.
func get(res *result.Result, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/mounted/ID/"+target, nil)
	rest, _, _ := strings.Cut(target, "?")
	page.Serve(w, r, res, rest, page.Options{})
	return w
}
