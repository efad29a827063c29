// Command live is a page of prices that move, and ten thousand who watch them. It shows what heeler's
// guards do with connections that last: nothing, until the server is told to end.
//
//	go run ./examples/live                  # then open http://127.0.0.1:8081
//	go run ./examples/live -sockets 10000   # with company: so many WebSockets from a second process
//	go run ./examples/live -tour            # see it drained, without a browser
//
// The prices come over WebSockets of two libraries, as server-sent events and by long polls; the whole
// chain of guards is around each of them, in [server.guard]. How a connection is told that the server
// ends is in goodbye.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

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
	case cfg.Crowd != "":
		err = newCrowd(cfg.Crowd, cfg.Sockets).watch(ctx, stdout)
	case cfg.Tour:
		err = tour(ctx, cfg, stdout)
	default:
		err = serve(ctx, cfg, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "live:", err)
		return 1
	}
	return 0
}
