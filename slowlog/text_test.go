package slowlog_test

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A store is a slow backend of a shop.
type store struct{}

func (s *store) find(id string) {
	go s.prefetch(id)
	time.Sleep(9 * time.Second)
}

func (s *store) prefetch(string) { time.Sleep(9 * time.Second) }

// showBook is a handler whose report can be read in testdata.
func showBook(w http.ResponseWriter, r *http.Request) {
	password := "hunter2"
	w.WriteHeader(http.StatusPartialContent)
	for range 200 {
		query(r.Context(), "mysql", "SELECT price FROM book WHERE id = ?", 4*time.Millisecond)
	}
	query(r.Context(), "redis", "", time.Millisecond)
	defer begin(r.Context(), "mysql", "SELECT price FROM book WHERE id = ?")(true)
	new(store).find(r.PathValue("id") + password)
}

func TestAReportReadsAsItDoesInTestdata(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{Header: []string{"Accept", "Authorization"}})
		mux := http.NewServeMux()
		mux.HandleFunc("GET /book/{id}", showBook)
		h := w.Wrap((&timebox.Box{Limit: 10 * time.Second}).Wrap(mux))
		r := httptest.NewRequest("GET", "/book/12?q=tolkien&token=s3cr3t", nil)
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Authorization", "Bearer s3cr3t")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		h.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
		report := the(t, w)
		golden(t, "testdata/report.txt", normal(report.Text()))
	})
}

// normal replaces what is different on other machines and after other changes.
func normal(text string) string {
	_, file, _, _ := runtime.Caller(0)
	text = strings.ReplaceAll(text, strings.TrimSuffix(file, "/slowlog/text_test.go"), "/src/heeler")
	for _, r := range []struct{ volatile, fixed string }{
		{`\S*/src/((runtime|internal|net|testing|time|sync|io)/)`, "/go/src/$1"},
		{`(\.go):\d+`, "$1:1"},
		{`(?m)^(id:\s+)[0-9a-f]{32}$`, "${1}0123456789abcdef0123456789abcdef"},
		{`(?m)^(server:\s+).*$`, "${1}web1"},
		{`(?m)^(pid|goroutines)(:\s+)\d+$`, "${1}${2}7"},
	} {
		text = regexp.MustCompile(r.volatile).ReplaceAllString(text, r.fixed)
	}
	return text
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("not as in %s; -update writes it anew. Got:\n%s", file, got)
	}
}

func TestDurationsInTheTextAreAsExactAsAReaderCanUse(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                         "0s",
		1234:                      "1µs",
		1234567:                   "1.235ms",
		812345678:                 "812ms",
		1000022982:                "1s",
		2*time.Minute + 123456789: "2m0.123s",
	} {
		r := slowlog.Report{Elapsed: d}
		contains(t, r.Text(), "\nafter "+want+": ", "\nelapsed:    "+want+"\n")
	}
}

func TestTheApplicationsFramesStandOutWithoutTheirSourceToo(t *testing.T) {
	r := slowlog.Report{Stacks: []alert.Stack{{Name: "runs the handler", State: "asleep", Count: 1, Frames: []alert.Frame{
		{Func: "time.Sleep", File: "runtime/time.go", Line: 1},
		{Func: "example.com/shop.find", File: "example.com/shop/find.go", Line: 2, App: true},
	}}}}
	contains(t, r.Text(), "example.com/shop.find(...)\n\texample.com/shop/find.go:2\n\t> (no source here)\n", "\nat example.com/shop/find.go:2\n")
}

func TestNothingFromOutsideLooksLikeAnotherLineOfTheText(t *testing.T) {
	evil := "x\nslow request: GET /forged\r\nid: forged\u2028problem: forged\u202e\x00\x1b[31m"
	r := slowlog.Report{
		Request: alert.Request{ID: evil, Method: evil, URI: evil, Route: evil, Host: evil, RemoteAddr: evil, Proto: evil, Header: map[string]string{evil: evil}},
		Server:  evil, Problem: evil, End: &slowlog.End{Outcome: slowlog.Outcome(evil)},
		Stacks: []alert.Stack{{Name: evil, State: evil, Frames: []alert.Frame{{Func: evil, File: evil, App: true, Source: evil}}}},
	}
	for line := range strings.SplitSeq(r.Text(), "\n") {
		if strings.HasPrefix(line, "slow request: GET") || strings.HasPrefix(line, "id: forged") || strings.ContainsAny(line, "\r\x00\x1b\u2028\u202e") {
			t.Errorf("a forged line: %q", line)
		}
	}
	if strings.ContainsAny(r.Title(), "\r\n") {
		t.Errorf("title %q", r.Title())
	}
}
