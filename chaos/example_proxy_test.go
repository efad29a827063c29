package chaos_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// A web service answers, fails, and answers again, on the same connection.
func ExampleProxy() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "the answer")
	}))
	defer service.Close()

	proxy := &chaos.Proxy{Backend: service.Listener.Addr().String(), Protocol: wire.HTTP}
	if err := proxy.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer proxy.Close()

	ask := func() {
		resp, err := http.Get("http://" + proxy.Addr())
		if err != nil {
			fmt.Println(err)
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		fmt.Printf("%s: %s\n", resp.Status, body)
	}
	ask()
	proxy.With(ask, chaos.Fault{Behavior: chaos.Error{Code: "503", Message: "out to lunch"}})
	ask()
	fmt.Println(proxy.Stats().Total, "connection")
	http.DefaultClient.CloseIdleConnections()
	// Output:
	// 200 OK: the answer
	// 503 Service Unavailable: out to lunch
	//
	// 200 OK: the answer
	// 1 connection
}
