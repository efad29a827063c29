package profile_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/store"
)

// The smallest use: whoever is an administrator adds ?__profile__ to a URL.
func Example() {
	isAdmin := func(r *http.Request) (user string, ok bool) {
		user, password, _ := r.BasicAuth()
		return user, user == "root" && password == "toor" // as the application knows its users
	}
	prof := &profile.Profiler{Allow: isAdmin}
	shop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond)
		io.WriteString(w, "the shop")
	})
	server := httptest.NewServer(prof.Wrap(shop))
	defer server.Close()

	r, _ := http.NewRequest("GET", server.URL+"/?__profile__=inline", nil)
	r.SetBasicAuth("root", "toor")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	fmt.Println(strings.Contains(string(text), "asleep"), resp.Header.Get("Content-Type"))
	// Output: true text/plain; charset=utf-8
}

// Replicas behind a load balancer share a directory and a key.
func ExampleProfiler_replicas() {
	prof := &profile.Profiler{
		Allow: func(r *http.Request) (string, bool) { return "", false }, // only links, then
		Key:   []byte("32 bytes or more, from a secret."),
		Store: &store.Dir{Path: "/srv/shop/profiles"},
	}
	fmt.Println(prof.Validate())
	// Output: <nil>
}

// A link has one request profiled, once, by whoever has it.
func ExampleProfiler_Link() {
	prof := &profile.Profiler{Key: []byte("32 bytes or more, from a secret.")}
	link, err := prof.Link("GET", "https://shop.example/cart?page=2", "alice", time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	before, _, _ := strings.Cut(link, "=link=")
	fmt.Println(before)
	// Output: https://shop.example/cart?page=2&__profile__
}

// A program that ends waits for the requests that are still being profiled, but not for long.
func ExampleProfiler_Wait() {
	prof := new(profile.Profiler)
	server := &http.Server{Handler: prof.Wrap(http.NotFoundHandler())}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	server.Shutdown(ctx)
	fmt.Println(prof.Wait(ctx))
	// Output: <nil>
}

// Profile one route, and serve the results beside it.
func ExampleProfiler_Handler() {
	prof := &profile.Profiler{Allow: func(*http.Request) (user string, ok bool) { return "root", true }}
	repo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the repository") })
	mux := http.NewServeMux()
	mux.Handle("/repo/{name}", prof.Wrap(repo))
	mux.Handle("/__profile__/", prof.Handler())
	server := httptest.NewServer(mux)
	defer server.Close()

	resp, err := http.Get(server.URL + "/repo/heeler?__profile__") // which follows the redirect
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	prof.Wait(context.Background())
	fmt.Println(resp.Status, strings.HasPrefix(resp.Request.URL.Path, "/__profile__/"))
	// Output: 200 OK true
}
