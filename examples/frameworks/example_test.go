package frameworks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/examples/frameworks"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// ask serves an application on a real connection and prints what a client is told.
func ask(application http.Handler, path string) {
	server := httptest.NewServer(application)
	defer server.Close()
	response, err := http.Get(server.URL + path)
	if err != nil {
		fmt.Println(err)
		return
	}
	response.Body.Close()
	fmt.Println(response.Status)
	if response.Header.Get("Retry-After") != "" { // 1 to 6 s: a second, and the spread
		fmt.Println("and when to come back")
	}
}

// heedless takes too long and does not look at its context.
var heedless = frameworks.Routes{
	"/report": func(http.ResponseWriter, *http.Request) { time.Sleep(100 * time.Millisecond) },
}

func ExampleStd() {
	box := &timebox.Box{Limit: 50 * time.Millisecond}
	ask(frameworks.Std(heedless, slowlog.Wrap, backoff.Wrap, box.Wrap), "/report")
	// Output:
	// 503 Service Unavailable
	// and when to come back
}

func ExampleChi() {
	box := &timebox.Box{Limit: 50 * time.Millisecond}
	ask(frameworks.Chi(heedless, slowlog.Wrap, backoff.Wrap, box.Wrap), "/report")
	// Output:
	// 503 Service Unavailable
	// and when to come back
}

func ExampleEcho() {
	box := &timebox.Box{Limit: 50 * time.Millisecond}
	ask(frameworks.Echo(heedless, slowlog.Wrap, backoff.Wrap, box.Wrap), "/report")
	// Output:
	// 503 Service Unavailable
	// and when to come back
}

func ExampleGin() {
	box := &timebox.Box{Limit: 50 * time.Millisecond}
	ask(frameworks.Gin(heedless, slowlog.Wrap, backoff.Wrap, box.Wrap), "/report")
	// Output:
	// 503 Service Unavailable
	// and when to come back
}
