package nats_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heeler-go/heeler/contrib/nats"
	"github.com/heeler-go/heeler/internal/leak"
	"github.com/heeler-go/heeler/offpath/spool"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what goes wrong here is meant to
	leak.Main(m)
}

// A queue is a NATS server on a port of its own, with JetStream in a folder of its own, and a connection.
type queue struct {
	t      *testing.T
	opts   server.Options
	server *server.Server
	conn   *natsgo.Conn
	js     jetstream.JetStream
}

func start(t *testing.T) *queue {
	t.Helper()
	q := &queue{t: t, opts: server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
		NoLog: true, NoSigs: true, MaxPayload: 128 << 10,
	}}
	q.up()
	t.Cleanup(q.down)
	conn, err := natsgo.Connect(q.server.ClientURL(), natsgo.MaxReconnects(-1), natsgo.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if q.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	q.conn = conn
	return q
}

// up starts the server, or starts it again, in the same place.
func (q *queue) up() {
	q.t.Helper()
	opts := q.opts
	s, err := server.NewServer(&opts)
	if err != nil {
		q.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		q.t.Fatal("the server does not come up")
	}
	q.server, q.opts.Port = s, opts.Port
}

func (q *queue) down() {
	q.server.Shutdown()
	q.server.WaitForShutdown()
}

// holds makes a stream.
func (q *queue) holds(config jetstream.StreamConfig) jetstream.Stream {
	q.t.Helper()
	if config.Name == "" {
		config.Name = "HOOKS"
	}
	if config.Subjects == nil {
		config.Subjects = []string{"hooks", "hooks.dead"}
	}
	stream, err := q.js.CreateOrUpdateStream(q.t.Context(), config)
	if err != nil {
		q.t.Fatal(err)
	}
	return stream
}

// count is how many messages a subject of a stream has.
func (q *queue) count(stream, subject string) uint64 {
	q.t.Helper()
	s, err := q.js.Stream(q.t.Context(), stream)
	if err != nil {
		q.t.Fatal(err)
	}
	info, err := s.Info(q.t.Context(), jetstream.WithSubjectFilter(subject))
	if err != nil {
		q.t.Fatal(err)
	}
	return info.State.Subjects[subject]
}

// publish stores a body and gives its ID.
func publish(t *testing.T, s *nats.Stream, body string) string {
	t.Helper()
	e := &spool.Entry{Method: "POST", URI: "/hook"}
	if err := s.Publish(t.Context(), e, strings.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	return e.ID
}

// A visit is one call of a handle.
type visit struct {
	entry spool.Entry
	body  string
	at    time.Time
}

// consume runs s, each attempt being judged by verdict, until enough says so of all visits.
func consume(t *testing.T, s *nats.Stream, verdict func(n int, e *spool.Entry) error, enough func([]visit) bool) []visit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var mu sync.Mutex
	var visits []visit
	done := make(chan error, 1)
	go func() {
		done <- s.Run(ctx, func(_ context.Context, e *spool.Entry) error {
			mu.Lock()
			visits = append(visits, visit{*e, body(t, e), time.Now()})
			n := len(visits)
			mu.Unlock()
			return verdict(n, e)
		})
	}()
	for {
		mu.Lock()
		ok := enough(visits)
		mu.Unlock()
		if ok {
			break
		}
		select {
		case err := <-done:
			t.Fatalf("Run has returned: %v; visits: %+v", err, visits)
		case <-time.After(2 * time.Millisecond):
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run says %v", err)
	}
	return visits
}

func always(err error) func(int, *spool.Entry) error {
	return func(int, *spool.Entry) error { return err }
}

func body(t *testing.T, e *spool.Entry) string {
	t.Helper()
	b, err := io.ReadAll(e.Body())
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want one that is %v", what, err, want)
	}
}

var errSick = fmt.Errorf("sick as a dog")
