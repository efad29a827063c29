package slowlog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/slowlog"
)

// full is a report with everything in it.
func full() slowlog.Report {
	start := time.Date(2026, 11, 21, 10, 15, 0, 123_000_000, time.UTC)
	return slowlog.Report{
		Request: alert.Request{
			ID: "0123456789abcdef0123456789abcdef", Start: start, Method: "GET", URI: "/book/12?q=a b", Route: "GET /book/{id}",
			Host: "shop.example", RemoteAddr: "[2001:db8::1]:1234", Proto: "HTTP/2.0",
			Header: map[string]string{"Accept": "*/*", "X-Colon": "a: b: c"},
		},
		Taken: start.Add(8 * time.Second), Elapsed: 8 * time.Second, Deadline: 10 * time.Second, Capture: 2,
		Status: 200, FirstByte: 1500 * time.Millisecond, Bytes: 30, Server: "web1", PID: 7, Goroutines: 12345,
		Stacks: []alert.Stack{
			{Name: "runs the handler", State: "waiting for the network", Count: 1, Frames: []alert.Frame{
				{Func: "net.(*conn).Read", File: "C:/Go/src/net/net.go", Line: 196},
				{Func: "main.(*Store[go.shape.string]).find", File: "/srv/my shop/store.go", Line: 28, App: true, Source: "n, err := conn.Read(buf)"},
				{Func: "main.find", File: "example.com/shop/find.go", Line: 1, App: true},
			}},
			{Name: "started by the request", State: "asleep", Count: 3, Frames: []alert.Frame{{Func: "time.Sleep", File: "time.go", Line: 2}}},
		},
		More: 4, Problem: "no trace: there is another recorder",
		End: &slowlog.End{Duration: 9 * time.Second, Status: 200, Outcome: slowlog.LongLived, Calls: 240},
		Backends: []alert.Backend{
			{Name: "mysql: main", Calls: 231, Errors: 2, Refused: 3, Time: 7 * time.Second, More: 6,
				Statements: []alert.Statement{
					{Text: "SELECT a FROM b: c WHERE d = ?, 1 alike before: x", Calls: 230, Time: 6 * time.Second},
					{Text: "BEGIN", Calls: 1, Time: time.Millisecond},
				},
				Running: []alert.Call{{Statement: "SELECT a: ?", Elapsed: 4900 * time.Millisecond, Number: 231, Before: 229}, {Elapsed: time.Second}}, MoreRunning: 8},
			{Name: "unnamed", Calls: 1, Errors: 1},
			{Name: "redis", Refused: 1},
		},
		MoreBackends: 2,
	}
}

func asJSON(t testing.TB, v any) string {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestParseReadsBackWhatTextWrites(t *testing.T) {
	r := full()
	got, err := slowlog.Parse(r.Text())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := asJSON(t, got), asJSON(t, r); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	equal(t, "title", got.Title(), r.Title())
}

func TestParseReadsARealReport(t *testing.T) {
	text, err := os.ReadFile("testdata/report.txt")
	if err != nil {
		t.Fatal(err)
	}
	r, err := slowlog.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "where", r.Where(), "asleep in slowlog_test.(*store).find")
	equal(t, "text", r.Text(), string(text))
}

func TestParseReadsAReportWhereverItStands(t *testing.T) {
	r := full()
	text := r.Text()
	for name, in := range map[string]string{
		"after other text":            "slow: GET /\nSeen: today\nguard: slowlog\n\n" + text,
		"with CRLF":                   strings.ReplaceAll(text, "\n", "\r\n"),
		"without the last line break": strings.TrimRight(text, "\n"),
		"with a byte order mark":      "\ufeff\n" + text,
		"before a signature":          text + "\n-- \nYours, the queue\n",
		"before what a mail left out": text + "\nNot attached, too large: request.trace (9000000 bytes)\n",
		"with spaces cut off":         strings.ReplaceAll(text, " \n", "\n"),
	} {
		got, err := slowlog.Parse(in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		equal(t, name, got.Text(), text)
	}
}

func TestParseReadsTheFileThatDirLeaves(t *testing.T) {
	dir := t.TempDir()
	var want slowlog.Report
	bubble(t, func(t *testing.T) {
		w := &slowlog.Watch{After: time.Second, Alert: queue(t, alert.Dir{Path: dir})}
		visit(w.Wrap(shopMux()), "GET", "/book/12?q=tolkien")
		want = the(t, w)
	})
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	got, err := slowlog.Parse(string(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	want.End = nil // which the file was too early for
	if got, want := asJSON(t, got), asJSON(t, want); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestParseReadsAnAlertWhoseFilesHadToBeLeftOut(t *testing.T) {
	r := full()
	d := &desk{}
	q := &alert.Queue{Sinks: []alert.Sink{d}, FileBytes: -1}
	q.Offer(alert.Alert{Title: r.Title(), Text: r.Text(), Files: []alert.File{{Name: "request.trace", Data: []byte("x")}}})
	if err := q.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	text := d.alerts()[0].Report()
	contains(t, text, "left out")
	got, err := slowlog.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "text", got.Text(), r.Text())
}

func TestParseNamesTheLineThatItDoesNotUnderstand(t *testing.T) {
	r := full()
	text := r.Text()
	for _, c := range []struct{ was, is, want string }{
		{text, "", `slowlog: not a report: no line begins with "slow request: "`},
		{text, "a cake recipe\n", `slowlog: not a report: no line begins with "slow request: "`},
		{"slow request: GET /book/12?q=a b", "slow request: GET", "slowlog: report, line N: a method and a URI are wanted"},
		{"pid:        7", "pid:        seven", `slowlog: report, line N: pid: strconv.Atoi: parsing "seven": invalid syntax`},
		{"pid:        7", "pid: 99999999999999999999", `slowlog: report, line N: pid: strconv.Atoi: parsing "99999999999999999999": value out of range`},
		{"pid:        7", "colour: blue", `slowlog: report, line N: there is no field "colour" in a report`},
		{"pid:        7", "a cake recipe", `slowlog: report, line N: a name and a colon are wanted, not "a cake recipe"`},
		{"elapsed:    8s", "elapsed: long", `slowlog: report, line N: elapsed: time: invalid duration "long"`},
		{"start:      2026-11-21T10:15:00.123Z", "start: today", `slowlog: report, line N: start: parsing time "today" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "today" as "2006"`},
		{"start:      2026-11-21T10:15:00.123Z", "start: 9999-12-31T23:59:59-05:00", `slowlog: report, line N: start: the year of "9999-12-31T23:59:59-05:00" is not from 0 to 9999`},
		{"200 after 1.5s, 30 bytes", "fine", `slowlog: report, line N: response: "fine" is not like "200 after 1.5s, 30 bytes"`},
		{"backend:    mysql: main: 231 calls in 7s, 2 errors, 3 refused", "backend: mysql", `slowlog: report, line N: backend: "mysql" is not like "mysql: 3 calls in 1.5s, 2 errors, 1 refused"`},
		{"backend:    mysql: main: 231 calls in 7s", "backend: mysql: main: 231 calls in 7", `slowlog: report, line N: backend: time: missing unit in duration "7"`},
		{"more calls: 8", "more calls: some", `slowlog: report, line N: more calls: strconv.Atoi: parsing "some": invalid syntax`},
		{"call:       number 231, for 4.9s, 229 alike before: SELECT a: ?", "call: now", `slowlog: report, line N: call: "now" is not like "number 3, for 1.5s, 2 alike before: SELECT 1"`},
		{"statement:  1 call in 1ms: BEGIN", "statement: BEGIN", `slowlog: report, line N: statement: "BEGIN" is not like "3 calls in 1.5s: SELECT 1"`},
		{"more statements: 6", "more statements: some", `slowlog: report, line N: more statements: strconv.Atoi: parsing "some": invalid syntax`},
		{"more backends: 2", "more backends: some", `slowlog: report, line N: more backends: strconv.Atoi: parsing "some": invalid syntax`},
		{"pid:        7", "call: for 1s", `slowlog: report, line N: call: it is about a backend, and none comes before it`},
		{"became a stream after 9s, status 200, backend calls 240", "soon", `slowlog: report, line N: end: "soon" is not like "answered after 1.5s, status 200"`},
		{"net.(*conn).Read(...)", "net.(*conn).Read", `slowlog: report, line N: a call that ends in "(...)" is wanted, not "net.(*conn).Read"`},
		{"\tC:/Go/src/net/net.go:196", "C:/Go/src/net/net.go", `slowlog: report, line N: a tab, a file, a colon and a line number are wanted, not "C:/Go/src/net/net.go"`},
		{"net.go:196", "net.go:99999999999999999999", `slowlog: report, line N: strconv.Atoi: parsing "99999999999999999999": value out of range`},
	} {
		if !strings.Contains(text, c.was) {
			t.Fatalf("%q is not in\n%s", c.was, text)
		}
		line := 1 + strings.Count(text[:strings.Index(text, c.was)], "\n")
		_, err := slowlog.Parse(strings.Replace(text, c.was, c.is, 1))
		got := ""
		if err != nil {
			got = err.Error()
		}
		equal(t, c.is, got, strings.Replace(c.want, "line N", fmt.Sprint("line ", line), 1))
	}
}

func FuzzParse(f *testing.F) {
	r := full()
	f.Add(r.Text())
	if text, err := os.ReadFile("testdata/report.txt"); err == nil {
		f.Add(string(text))
	}
	f.Add("slow request: GET /\n\nheader a: 1\nheader a : 2\n\n2 goroutines [a]: b]: c\nf(...)\n\ta:1\n\t>\n\nand 3 more stacks\n")
	f.Add("slow request: GET /\n\nbackend: : a: 1 calls in 1.23456s, -1 errors\ncall: for 1h, 0 alike before: : \nstatement: 1 calls in 0s:\nmore statements: -1\nmore backends: 9\nbackend: 3: 0 call in 0\n")
	f.Add("slow request: GET /\n\nstart: 0000-01-01T00:00:00+23:00\nend: a after b after 1h1ns, status -1\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := slowlog.Parse(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "slowlog: ") {
				t.Errorf("whose error is this: %v", err)
			}
			return
		}
		once := r.Text()
		again, err := slowlog.Parse(once)
		if err != nil {
			t.Fatalf("what was parsed and written cannot be parsed: %v\n%s", err, once)
		}
		if twice := again.Text(); twice != once {
			t.Errorf("first\n%s\nthen\n%s", once, twice)
		}
	})
}
