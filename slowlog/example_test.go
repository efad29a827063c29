package slowlog_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// A Watch goes outside of a timebox, so that it sees what the box does.
func ExampleWrap() {
	mux := http.NewServeMux()
	server := &http.Server{Addr: ":8080", Handler: slowlog.Wrap(timebox.Wrap(mux))}
	fmt.Println(server.Addr)
	// Output: :8080
}

// A pager is a sink of one's own, next to those in package alert.
type pager chan struct{}

func (p pager) Send(ctx context.Context, a alert.Alert) error {
	fmt.Println("beep:", a.Tags["method"], a.Request.URI, "is", a.Tags["state"])
	close(p)
	return nil
}

func ExampleWatch() {
	paged := make(pager)
	alerts := &alert.Queue{Sinks: []alert.Sink{paged}}
	slow := &slowlog.Watch{After: 20 * time.Millisecond, Alert: alerts}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /search", func(w http.ResponseWriter, r *http.Request) {
		<-paged // a backend that hangs, until somebody is told
	})
	server := httptest.NewServer(slow.Wrap(mux))
	defer server.Close()
	resp, err := http.Get(server.URL + "/search?q=tolkien&token=s3cr3t")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := alerts.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: beep: GET /search?q=tolkien&token=[redacted] is receiving from a channel
}

func ExampleWatch_Recent() {
	told := make(chan alert.Alert)
	slow := &slowlog.Watch{
		After: 20 * time.Millisecond,
		Alert: &alert.Queue{Sinks: []alert.Sink{sinkFunc(func(a alert.Alert) { told <- a })}},
	}
	handler := slow.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-told
		http.Error(w, "at last", http.StatusGatewayTimeout)
	}))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/repo", nil))

	for _, r := range slow.Recent() {
		fmt.Println(r.Method, r.URI, "was", r.Stacks[0].State)
		if r.End != nil {
			fmt.Println("it was", r.End.Outcome, "with", r.End.Status)
		}
	}
	// Output:
	// GET /repo was receiving from a channel
	// it was answered with 504
}

type sinkFunc func(alert.Alert)

func (f sinkFunc) Send(ctx context.Context, a alert.Alert) error { f(a); return nil }

// Parse reads what alert.Dir has written.
func ExampleParse() {
	files, _ := filepath.Glob("testdata/report.txt") // /var/log/slow/*.txt
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			log.Fatal(err)
		}
		r, err := slowlog.Parse(string(text))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Route, "of", r.Elapsed, "was", r.Where())
	}
	// Output: GET /book/{id} of 8s was asleep in slowlog_test.(*store).find
}

// A breaker tells slowlog of the calls that a request makes to its backend,
// and a report says it in words.
func ExampleReport_backends() {
	r := slowlog.Report{Backends: []alert.Backend{{
		Name: "mysql", Calls: 231, Errors: 2, Time: 7200 * time.Millisecond,
		Statements: []alert.Statement{{Text: "SELECT * FROM repo WHERE id = ?", Calls: 231, Time: 7200 * time.Millisecond}},
		Running:    []alert.Call{{Statement: "SELECT * FROM repo WHERE id = ?", Elapsed: 4900 * time.Millisecond, Number: 231, Before: 230}},
	}}}
	for _, b := range r.Backends { // of one that Watch.Recent returned, or an alert's
		for _, s := range b.Sentences() {
			fmt.Println(s)
		}
	}
	// Output:
	// in call 231 to mysql for 4.9s: SELECT * FROM repo WHERE id = ? (the same statement 230 times before)
	// mysql: 231 calls in 7.2s, 2 errors
}
