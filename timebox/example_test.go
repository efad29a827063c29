package timebox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

// One line bounds every request.
func ExampleWrap() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
	})
	server := httptest.NewServer(timebox.Wrap(mux))
	defer server.Close()

	resp, err := http.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}

// A handler that takes too long, whatever it does, is answered for.
func ExampleBox_Wrap() {
	box := &timebox.Box{Limit: 100 * time.Millisecond, RetryAfter: 30 * time.Second}
	server := httptest.NewServer(box.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Second) // and does not look at its context
	})))
	defer server.Close()

	resp, err := http.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	after, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	fmt.Println("Retry-After from 30 to 35:", after >= 30 && after <= 35, err) // not the same for all clients
	fmt.Println(box.Stats().Answered, "answered by the box")
	// Output:
	// 503 Service Unavailable
	// Retry-After from 30 to 35: true <nil>
	// 1 answered by the box
}

func ExampleRun() {
	err := timebox.Run(context.Background(), 50*time.Millisecond, func(ctx context.Context) error {
		time.Sleep(500 * time.Millisecond)
		return nil
	})
	fmt.Println(errors.Is(err, timebox.ErrExceeded))
	// Output: true
}

func ExampleDo() {
	price, err := timebox.Do(context.Background(), time.Second, func(ctx context.Context) (int, error) {
		return 42, nil
	})
	fmt.Println(price, err)
	// Output: 42 <nil>
}

// Several calls share a budget, however they divide it among themselves.
func ExampleQuota() {
	backend := &timebox.Box{Name: "backend", Quota: timebox.NewQuota(200 * time.Millisecond)}
	for _, takes := range []time.Duration{0, time.Second, 0} {
		err := backend.Run(context.Background(), func(ctx context.Context) error {
			time.Sleep(takes)
			return nil
		})
		fmt.Println(errors.Is(err, timebox.ErrExceeded))
	}
	fmt.Println(backend.Quota.Remaining())
	// Output:
	// false
	// true
	// true
	// 0s
}

// The error says which box it was and, when that is cheap to know, where the
// code was.
func ExampleError() {
	errCatalog := errors.New("the catalog is slow")
	box := &timebox.Box{Name: "catalog", Limit: 50 * time.Millisecond, Err: errCatalog}
	err := box.Run(context.Background(), func(ctx context.Context) error {
		time.Sleep(500 * time.Millisecond)
		return nil
	})
	var over *timebox.Error
	if errors.As(err, &over) {
		fmt.Println(err)
		fmt.Println(over.Name, over.Limit, over.Elapsed >= over.Limit)
		fmt.Println(errors.Is(err, errCatalog), errors.Is(err, context.DeadlineExceeded))
		for _, frame := range over.Stack {
			_ = frame // frame.Function, frame.File, frame.Line: the innermost call first
		}
	}
	// Output:
	// timebox: over the limit of 50ms (catalog)
	// catalog 50ms true
	// true true
}
