package backoff_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/breaker"
)

// One line turns the failures of a backend that is out of order into answers
// that say when to come back.
func ExampleWrap() {
	mysql := &breaker.Breaker{Name: "mysql"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /books", func(w http.ResponseWriter, r *http.Request) {
		err := mysql.Do(r.Context(), func(ctx context.Context) error { return errors.New("connection refused") })
		if err != nil {
			http.Error(w, "something is wrong", http.StatusInternalServerError)
		}
	})
	server := httptest.NewServer(backoff.Wrap(mux))
	defer server.Close()

	mysql.Open(time.Minute) // as it does by itself after some failures
	resp, err := http.Get(server.URL + "/books")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status)
	fmt.Println(strings.Replace(string(body), resp.Header.Get("Retry-After"), "N", 1))
	// Output:
	// 503 Service Unavailable
	// 503 Service Unavailable: a service that this needs is not available. Please try again in N s.
}

// The operator says when everybody is to stay away.
func ExamplePolicy_Down() {
	shed := &backoff.Policy{Skip: func(r *http.Request) bool { return r.URL.Path == "/health" }}
	handler := shed.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	status := func(path string) int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code
	}

	shed.Down("we are moving the database", 10*time.Minute)
	fmt.Println(status("/"), status("/health"))
	shed.Up()
	fmt.Println(status("/"))
	// Output:
	// 503 200
	// 200
}

// Clients that are served are asked to stay away while there is much to do.
func ExamplePolicy_soft() {
	queued := 70
	shed := &backoff.Policy{
		Soft: func(*http.Request) time.Duration {
			if queued < 50 {
				return 0
			}
			return 5 * time.Minute
		},
		Header: []string{"X-Backoff", "X-Weave-Backoff"}, // Sync's clients know the latter
	}
	handler := shed.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	wait, _ := backoff.Parse(w.Result().Header, time.Now())
	fmt.Println(w.Code, wait >= 5*time.Minute)
	// Output: 200 true
}

// A function that fails is answered for, and its error is not shown to anybody.
func ExampleHandler() {
	mysql := &breaker.Breaker{Name: "mysql"}
	mysql.Open(time.Minute)
	books := backoff.Handler(func(w http.ResponseWriter, r *http.Request) error {
		titles, err := breaker.Do(r.Context(), mysql, func(ctx context.Context) ([]string, error) {
			return []string{"Herding cattle"}, nil
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(w, titles)
		return err
	})
	w := httptest.NewRecorder()
	books.ServeHTTP(w, httptest.NewRequest("GET", "/books", nil))
	fmt.Println(w.Code, w.Header().Get("Retry-After") != "")
	// Output: 503 true
}

var _ backoff.Backend = (*breaker.Breaker)(nil)
