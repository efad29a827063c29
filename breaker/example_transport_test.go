package breaker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// A backend that answers 503 five times in a row is left alone for a second.
func ExampleBreaker_Transport() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "not today", http.StatusServiceUnavailable)
	}))
	defer server.Close()

	books := &breaker.Breaker{Name: "books", Timeout: 500 * time.Millisecond}
	client := &http.Client{Transport: books.Transport(nil)}

	for range 6 {
		resp, err := client.Get(server.URL)
		var open *breaker.OpenError
		if errors.As(err, &open) {
			fmt.Println(open.Name, "refused")
			continue
		}
		fmt.Println(resp.Status)
		resp.Body.Close()
	}
	// Output:
	// 503 Service Unavailable
	// 503 Service Unavailable
	// 503 Service Unavailable
	// 503 Service Unavailable
	// 503 Service Unavailable
	// books refused
}

// A client gets the breaker's dial function, and knows nothing of the breaker.
// The fields have these names in go-redis: redis.Options{Dialer: …}.
func ExampleBreaker_DialContext() {
	server, _ := net.Listen("tcp", "127.0.0.1:0")
	defer server.Close()
	go func() {
		conn, _ := server.Accept()
		defer conn.Close()
		bufio.NewReader(conn).ReadString('\n')
		io.WriteString(conn, "+PONG\r\n")
	}()

	cache := &breaker.Breaker{Name: "redis", Timeout: 500 * time.Millisecond}
	var options struct {
		Dialer func(ctx context.Context, network, addr string) (net.Conn, error)
	}
	options.Dialer = cache.DialContext(nil)

	conn, err := options.Dialer(context.Background(), "tcp", server.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	io.WriteString(conn, "PING\r\n")
	answer, _ := bufio.NewReader(conn).ReadString('\n')
	fmt.Printf("%q, %d exchange\n", answer, cache.Stats().Succeeded)
	// Output: "+PONG\r\n", 1 exchange
}

// The orders need MySQL. While it is away they are refused at once.
func ExampleBreaker_Wrap() {
	mysql := &breaker.Breaker{Name: "mysql"}
	mux := http.NewServeMux()
	mux.Handle("/orders", mysql.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "your orders")
	})))
	mux.HandleFunc("/about", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "about us") })

	mysql.Open(time.Minute) // or it has tripped
	for _, path := range []string{"/orders", "/about"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(path, w.Code, w.Header().Get("Retry-After") != "")
	}
	// Output:
	// /orders 503 true
	// /about 200 false
}
