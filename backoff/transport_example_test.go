package backoff_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/heeler-go/heeler/backoff"
)

// A server says, with a normal answer, that it would rather not be asked again for a while. The client
// then fails at once, without a word to the server.
func ExampleTransport() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Backoff", "1800")
		io.WriteString(w, "here you are")
	}))
	defer server.Close()

	client := &http.Client{Transport: &backoff.Transport{}}
	for range 2 {
		resp, err := client.Get(server.URL)
		var later *backoff.Error
		if errors.As(err, &later) {
			fmt.Println("not before half an hour:", time.Until(later.Until) > 29*time.Minute)
			return
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(resp.Status)
		resp.Body.Close()
	}
	// Output:
	// 200 OK
	// not before half an hour: true
}

// A batch job may wait for a busy server, and try again what it did not get.
func ExampleTransport_retries() {
	attempts := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if attempts++; attempts == 1 {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "here you are")
	}))
	defer server.Close()

	client := &http.Client{Transport: &backoff.Transport{
		Wait:    time.Minute,
		Retries: 3,
	}}
	resp, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, "after", attempts, "attempts")
	// Output: 200 OK after 2 attempts
}

// What has been begun is finished, if the server's wish allows that.
func ExampleTransport_finish() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Backoff", "1800")
	}))
	defer server.Close()

	client := &http.Client{Transport: &backoff.Transport{
		Finish: func(r *http.Request) bool { return r.Header.Get("X-Batch") != "" },
	}}
	for _, batch := range []string{"7", "7", ""} {
		req, _ := http.NewRequest("GET", server.URL, nil)
		if batch != "" {
			req.Header.Set("X-Batch", batch)
		}
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		fmt.Printf("batch %q sent: %v\n", batch, err == nil)
	}
	// Output:
	// batch "7" sent: true
	// batch "7" sent: true
	// batch "" sent: false
}

func ExampleParse() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, h := range []http.Header{
		{"Retry-After": {"120"}},
		{"Retry-After": {"Sun, 01 Mar 2026 12:02:00 GMT"}},
		{"Retry-After": {"30"}, "X-Backoff": {"600"}},
		{"Retry-After": {"Fri, 01 Mar 2999 12:00:00 GMT"}},
		{"Retry-After": {"soon"}},
	} {
		fmt.Println(backoff.Parse(h, now))
	}
	// Output:
	// 2m0s true
	// 2m0s true
	// 10m0s true
	// 8760h0m0s true
	// 0s false
}
