package control_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
)

// A test in another process than the proxy makes its backend refuse connections, and back again.
func ExampleClient_With() {
	backend, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer backend.Close()

	server := &control.Server{}
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	ctx := context.Background()
	client := &control.Client{URL: server.URL()}
	db, err := client.Create(ctx, control.Proxy{Name: "db", Upstream: backend.Addr().String()})
	if err != nil {
		log.Fatal(err)
	}
	connects := func() bool {
		conn, err := net.DialTimeout("tcp", db.Listen, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
	err = client.With(ctx, "db", func() error {
		fmt.Println("while it refuses:", connects())
		return nil
	}, chaos.Fault{Behavior: chaos.Refuse{}})
	fmt.Println("afterwards:", connects(), err)
	// Output:
	// while it refuses: false
	// afterwards: true <nil>
}

// What Vaurien's users know: a behavior is all that the proxy does.
func ExampleClient_SetBehavior() {
	server := &control.Server{}
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	err := server.Load(context.Background(), []byte(`[{"name": "db", "upstream": "127.0.0.1:3306", "protocol": "mysql"}]`))
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	client := &control.Client{URL: server.URL()}
	fmt.Println(client.SetBehavior(ctx, "", "delay", map[string]any{"sleep": 3}))
	fmt.Println(client.Behavior(ctx, ""))
	fmt.Println(client.SetBehavior(ctx, "", "dely", nil))
	// Output:
	// <nil>
	// delay <nil>
	// chaos/control: the 'dely' behavior does not exist (HTTP 400)
}
