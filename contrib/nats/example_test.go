package nats_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	heelernats "github.com/heeler-go/heeler/contrib/nats"
	"github.com/heeler-go/heeler/offpath/spool"
)

// Requests are stored on a stream, and handled by whoever runs the consumer.
func ExampleStream() {
	url, stop := someServer()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	conn, err := natsgo.Connect(url)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		panic(err)
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "HOOKS", Subjects: []string{"hooks", "hooks.dead"},
		MaxBytes: 100 << 20, Discard: jetstream.DiscardNew,
	})
	if err != nil {
		panic(err)
	}

	hooks := &heelernats.Stream{JetStream: js, Subject: "hooks"}
	in := &spool.Intake{To: hooks, Header: []string{"Content-Type", "X-Hub-Signature-256"}}
	app := httptest.NewServer(in.Wrap(nil))
	defer app.Close()
	resp, err := http.Post(app.URL+"/hook?from=github", "application/json", strings.NewReader(`{"zen":"Speak like a human."}`))
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
	fmt.Println(resp.Status)

	_ = hooks.Run(ctx, func(_ context.Context, e *spool.Entry) error {
		fmt.Println(e.Method, e.URI, e.Header.Get("Content-Type"), e.Size)
		cancel()
		return nil
	})
	// Output:
	// 202 Accepted
	// POST /hook?from=github application/json 29
}

// someServer starts one in this process. Yours is elsewhere.
func someServer() (url string, stop func()) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true})
	if err != nil {
		panic(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		panic("no server")
	}
	return s.ClientURL(), func() {
		s.Shutdown()
		s.WaitForShutdown()
		os.RemoveAll(dir)
	}
}
