package faults_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// A status is an answer that is not 200, which is not an error for net/http.
type status int

func (s status) Error() string { return http.StatusText(int(s)) }

// plain is the same, of which the proxy is told nothing.
func plain(t *testing.T) backend {
	b := web(t)
	b.name, b.protocol, b.mute = "TCP", wire.TCP, true
	return b
}

func web(t *testing.T) backend {
	server := &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, payload) }),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	return backend{
		name: "HTTP", client: "net/http", server: "net/http", protocol: wire.HTTP, addr: serve(t, server),
		code: "503", want: "status 503",
		typed: func(err error) string {
			if s, ok := err.(status); ok {
				return fmt.Sprintf("status %d", int(s))
			}
			return ""
		},
		open: func(t testing.TB, addr string) *client {
			transport := &http.Transport{MaxConnsPerHost: 1}
			return &client{close: transport.CloseIdleConnections, call: func(ctx context.Context) error {
				req, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr, nil)
				if err != nil {
					return err
				}
				resp, err := transport.RoundTrip(req)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if resp.StatusCode != http.StatusOK {
					return status(resp.StatusCode)
				}
				return check(string(body), err)
			}}
		},
	}
}
