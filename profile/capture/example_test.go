package capture_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"time"

	"github.com/heeler-go/heeler/profile/capture"
)

// Record a function and see what it waited for.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := capture.Start(ctx, capture.Options{For: "the example"})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Stop()
	r.Do(func() { time.Sleep(20 * time.Millisecond) })
	c := r.Stop()

	x, p, err := c.Read()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("at least 20 ms:", x.Runs[0].Length() >= 20*time.Millisecond)
	fmt.Println("the usual sample type:", p.DefaultSampleType)
	fmt.Println("problems:", c.Problems)
	// p.Write writes a file for go tool pprof; c.Trace is one for go tool trace.

	// Output:
	// at least 20 ms: true
	// the usual sample type: wall
	// problems: []
}

// Tell those that wait what they wait for.
func ExampleStart() {
	ctx := context.Background()
	first, err := capture.Start(ctx, capture.Options{For: "GET /repo for alice"})
	if err != nil {
		log.Fatal(err)
	}
	second, err := capture.Start(ctx, capture.Options{
		For: "GET /cart for bob",
		Waiting: func(before []string) {
			fmt.Println("waiting for", before)
			first.Stop()
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	second.Do(func() { fmt.Println("bob's cart") })
	second.Stop()

	// Output:
	// waiting for [GET /repo for alice]
	// bob's cart
}

// Use the handlers in place of net/http/pprof's of the same names, and its index for all others.
func ExampleProfile() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", capture.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", capture.Trace)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/debug/pprof/trace?seconds=0.01", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Disposition"))
	// Output: 200 attachment; filename="trace"
}
