package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"syscall"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/drain"
	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// A server shows a market's prices.
type server struct {
	market *market
	drain  *drain.Drainer
	slow   *slowlog.Watch
	shed   *backoff.Policy
	box    *timebox.Box
}

// maxInFlight is far less than the connections that are open: they take none of its slots.
const maxInFlight = 50

func newServer(cfg config) *server {
	return &server{
		market: newMarket(),
		drain:  &drain.Drainer{MaxConns: room(), MaxPerClient: 2 * perAddress, Retry: 2 * time.Second},
		slow:   &slowlog.Watch{},
		shed:   &backoff.Policy{MaxInFlight: maxInFlight},
		box:    &timebox.Box{Limit: time.Second},
	}
}

// guard is the whole chain. A request that becomes a WebSocket, a stream or a long poll comes through
// all of it and leaves nothing there but its place in the drainer's list.
func (s *server) guard() http.Handler {
	prof := &profile.Profiler{} // for nobody: it is here to show that it does not mind either
	return s.drain.Wrap(s.slow.Wrap(prof.Wrap(s.shed.Wrap(s.box.Wrap(s.routes())))))
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /prices", s.market.byCoder)
	mux.HandleFunc("GET /prices/gorilla", s.market.byGorilla)
	mux.HandleFunc("GET /prices/events", s.market.byEvents)
	mux.HandleFunc("GET /prices/next", s.market.byPoll)
	mux.HandleFunc("GET /state", s.state)
	mux.Handle("GET /ready", s.drain.Ready())
	mux.HandleFunc("GET /{$}", page)
	mux.Handle("GET /static/", http.FileServerFS(static))
	return mux
}

//go:embed static
var static embed.FS

func page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'")
	http.ServeFileFS(w, r, static, "static/live.html")
}

// refuse answers that there is no room for one more connection, or that the server ends.
func refuse(w http.ResponseWriter, r *http.Request, err error) { backoff.Reply(w, r, err) }

// A state is what the server holds for its connections.
type state struct {
	Hijacked   int     `json:"hijacked"`   // WebSockets
	Streams    int     `json:"streams"`    // event streams and long polls
	InFlight   int     `json:"in_flight"`  // requests that are neither
	Watched    int     `json:"watched"`    // requests that slowlog has in its table
	Slots      int     `json:"slots"`      // of MaxInFlight, that are taken
	Goroutines int     `json:"goroutines"` // of the whole program
	Megabytes  float64 `json:"megabytes"`  // of the heap and the stacks
}

func (s *server) now() state {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	count := s.drain.Count()
	return state{
		Hijacked:   count.Hijacked,
		Streams:    count.Streams,
		InFlight:   count.InFlight,
		Watched:    s.slow.Stats().InFlight,
		Slots:      s.shed.Stats().InFlight,
		Goroutines: runtime.NumGoroutine(),
		Megabytes:  float64(memory.HeapInuse+memory.StackInuse) / (1 << 20),
	}
}

func (s *server) state(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(s.now())
}

// open serves for as long as the visit lasts and then drains. Its timeouts are short: they are for
// requests, not for connections that last.
func (s *server) open(ctx context.Context, cfg config, visit func(ctx context.Context, url string) error) error {
	listener, err := net.Listen("tcp", cfg.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken by another program: choose another address with -addr", cfg.Addr)
	} else if err != nil {
		return err
	}
	ended := make(chan struct{})
	defer close(ended)
	go s.market.run(ended, cfg.Period)

	httpServer := &http.Server{Handler: s.guard(), ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	visiting, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		served <- httpServer.Serve(listener)
		cancel()
	}()
	err = visit(visiting, "http://"+listener.Addr().String())

	closing, done := context.WithTimeout(context.Background(), cfg.Drain)
	defer done()
	err = errors.Join(err, s.drain.Shutdown(closing, httpServer))
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return err
}

// serve is the program without a tour: it serves until it is told to end.
func serve(ctx context.Context, cfg config, out io.Writer) error {
	s := newServer(cfg)
	var crowd *company
	err := s.open(ctx, cfg, func(ctx context.Context, url string) error {
		fmt.Fprintf(out, "The prices are at  %s\nStop it with Ctrl-C and see how the page is told.\n", url)
		if cfg.Sockets > 0 {
			var err error
			if crowd, err = s.invite(ctx, url, cfg.Sockets); err != nil {
				return err
			}
			fmt.Fprintf(out, "%d others watch.\n", crowd.size)
		}
		<-ctx.Done()
		fmt.Fprintf(out, "Draining: %d connections are told within %v.\n", s.drain.Count().Hijacked+s.drain.Count().Streams, cfg.Drain)
		return nil
	})
	if crowd != nil {
		crowd.leave()
	}
	if err == nil {
		fmt.Fprintf(out, "All have gone; told: %d.\n", s.drain.Stats().Told)
	}
	return err
}
