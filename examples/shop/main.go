// Command shop is a small bookshop that stays on its feet while the things behind it are slow or
// gone. It shows heeler at work on real input and needs nothing but Go:
//
//	go run ./examples/shop          # then open http://127.0.0.1:8080 and break it
//	go run ./examples/shop -tour    # see it done, without a browser
//
// Its search speaks to MySQL, its cart to Redis and its book pages to a web service, all over TCP;
// -mysql and -redis take real ones. Between the shop and each of them stands a chaos proxy that makes it
// slow, hang or break on request. The guards are in [guard], the breakers in [newBreaker]; the pages
// are in handlers.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// guard puts heeler around the shop. The box answers a request that takes too long, once it has
// given the handler a moment to do so itself. The policy tells visitors when to come back, which it
// knows from the breakers that stand in front of the backends; and it turns away whoever is too many.
// The watch sees a request getting slow, before a breaker ends its call, and tells where it is; once
// more when it has taken twice as long, to tell stuck from slow. The profiler runs a request for the
// admin who wants to know what takes it so long, and then without a limit.
func guard(s *shop, limit time.Duration, alerts *alert.Queue) http.Handler {
	slow := &slowlog.Watch{After: limit * 3 / 20, Again: 1, Alert: alerts}
	prof := &profile.Profiler{Allow: s.isAdmin}
	shed := &backoff.Policy{MaxInFlight: 500, RetryAfter: limit, Backends: s.breakers()}
	box := &timebox.Box{Limit: limit, Grace: limit / 10}

	s.slow, s.prof, s.shed, s.box, s.alerts = slow, prof, shed, box, alerts // for those who show what they saw
	return slow.Wrap(prof.Wrap(shed.Wrap(box.Wrap(s.routes()))))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with everything that it touches, and gives the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case cfg.Tour:
		err = tour(ctx, cfg, stdout)
	default:
		err = open(ctx, cfg, audience{sinks(cfg, stdout), changes(stdout)}, func(ctx context.Context, s *shop, url string) error {
			fmt.Fprintf(stdout, "The shop is open:  %s\nBreak it here:     %s/break\nBe its admin:      %s/admin/%s\n", url, url, url, s.adminKey)
			<-ctx.Done()
			fmt.Fprintln(stdout, "The shop is closing.")
			return nil
		})
	}
	if err != nil {
		fmt.Fprintln(stderr, "shop:", err)
		return 1
	}
	return 0
}

// A visitFunc is what is done while the shop is open at the url. Its context ends when the one that
// open was given ends, and when the shop cannot go on.
type visitFunc func(ctx context.Context, s *shop, url string) error

// open runs the shop for as long as the visit lasts, and then closes it in order: requests end,
// alerts are delivered, and only then the backends go.
func open(ctx context.Context, cfg config, told audience, visit visitFunc) error {
	listener, err := net.Listen("tcp", cfg.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken by another program: choose another address with -addr", cfg.Addr)
	} else if err != nil {
		return err
	}
	s, err := openShop(ctx, cfg, told.changed)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	alerts := &alert.Queue{Sinks: told.sinks}
	server := &http.Server{Handler: guard(s, cfg.Limit, alerts), ReadHeaderTimeout: 10 * time.Second}

	visiting, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		served <- server.Serve(listener)
		cancel()
	}()

	err = visit(visiting, s, "http://"+listener.Addr().String())

	closing, done := context.WithTimeout(context.Background(), cfg.Limit+5*time.Second)
	defer done()
	err = errors.Join(err, server.Shutdown(closing), alerts.Close(closing), s.close())
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return err
}
