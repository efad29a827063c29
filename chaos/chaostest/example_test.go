package chaostest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/chaostest"
	"github.com/heeler-go/heeler/chaos/wire"
)

// A test says what is wrong with the backend, and looks at what the code under test makes of it.
func Example() {
	t := new(played) // in a test: its *testing.T
	defer t.end()
	backend := httptest.NewServer(http.NotFoundHandler())
	defer backend.Close()

	proxy := chaostest.New(t, wire.HTTP, backend.Listener.Addr().String())
	client := &http.Client{Timeout: 50 * time.Millisecond}
	defer client.CloseIdleConnections()

	chaostest.Set(t, proxy, chaos.Error{Code: "503"})
	resp, err := client.Get("http://" + proxy.Addr())
	fmt.Println(resp.StatusCode, err)
	resp.Body.Close()

	chaostest.Set(t, proxy, chaos.Hang{})
	_, err = client.Get("http://" + proxy.Addr())
	fmt.Println(err.(interface{ Timeout() bool }).Timeout())
	// Output:
	// 503 <nil>
	// true
}

// Outside of the function all is as it was.
func ExampleWith() {
	t := new(played) // in a test: its *testing.T
	defer t.end()
	backend := httptest.NewServer(http.NotFoundHandler())
	defer backend.Close()
	client := new(http.Client)
	defer client.CloseIdleConnections()

	proxy := chaostest.New(t, wire.HTTP, backend.Listener.Addr().String())
	status := func() int {
		resp, err := client.Get("http://" + proxy.Addr())
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	chaostest.With(t, proxy, func() { fmt.Println(status(), status(), status()) }, chaos.Transient{Agitate: 2, Error: chaos.Error{Code: "503"}})
	fmt.Println(status())
	// Output:
	// 503 503 404
	// 404
}

// Played is what examples have in the place of a test.
type played struct {
	testing.TB
	cleanups []func()
}

func (p *played) Helper()          {}
func (p *played) Name() string     { return "Example" }
func (p *played) Failed() bool     { return false }
func (p *played) Cleanup(f func()) { p.cleanups = append(p.cleanups, f) }

func (p *played) end() {
	for _, f := range p.cleanups {
		f()
	}
}
