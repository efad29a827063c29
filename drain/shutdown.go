package drain

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// A ShutdownError says what did not end well in a shutdown.
type ShutdownError struct {
	Forced   int   // connections and streams that were cut by force: told, and not gone in time, or not even told
	Requests int   // handlers that were still running, of streams and hijacked connections as well
	Hooks    int   // hooks that were still running
	Server   bool  // the server had connections, which were closed
	Err      error // the cause of the end of the context, or what the server said; nil if neither is why
}

func (e *ShutdownError) Error() string {
	var what []string
	say := func(n int, one, many string) {
		if n == 1 {
			what = append(what, "1 "+one)
		} else if n > 1 {
			what = append(what, fmt.Sprint(n, " ", many))
		}
	}
	say(e.Forced, "connection was cut by force", "connections were cut by force")
	say(e.Requests, "handler was still running", "handlers were still running")
	say(e.Hooks, "hook was still running", "hooks were still running")
	if e.Server {
		what = append(what, "connections of the server were closed")
	}
	if e.Err != nil {
		what = append(what, e.Err.Error())
	}
	return "drain: not all ended well: " + strings.Join(what, "; ")
}

// Unwrap gives Err.
func (e *ShutdownError) Unwrap() error { return e.Err }

// Shutdown drains the Drainer's connections and shuts srv down, in place of srv.Shutdown:
//
//  1. Ready fails, and new long-lived connections are refused with 503 and Retry-After. All other requests are
//     served, over HTTP/1 with Connection: close, so that clients leave by themselves.
//  2. After Delay, srv.Shutdown closes the listeners and what is idle. From then on net/http serves no HTTP/1
//     request that it has not read yet.
//  3. Over Spread, in random order, the contexts of streams end with the cause [ErrDraining] and hijacked
//     connections are told by their hooks, or closed if they have none. Into an event stream whose handler returns,
//     "retry:" is written as the last thing.
//  4. Who is not gone Grace after that is cut by force, and a tenth of the whole time, or a second if that is less,
//     before the deadline of ctx all who are left.
//
// Meanwhile ordinary requests end by themselves. Connections that have never sent a byte do not hold it up, as they do
// hold up srv.Shutdown for more than 5 s: once nothing has been in progress for a second they are closed. For that
// srv.Handler must be what Wrap returned, with none but guards of this module around it; or [Drainer.ConnState] must be set, which
// knows them one by one. Where handlers are served that the Drainer does not see and has not heard of,
// srv.Shutdown's own rule holds.
//
// At the end of ctx all connections of srv are closed, those with requests in progress as well, and Shutdown returns. It
// returns nil if everything ended well, else a [*ShutdownError]. Whoever panics in a hook is logged, and is
// no error.
//
// A nil srv means that only the connections are drained. With several servers there is one call for each,
// at the same time: the first one ends the connections of all, and the others wait for it, each until its own ctx ends. After one that was
// ended by its context another call goes on with what is left. The Drainer refuses connections from then on.
func (d *Drainer) Shutdown(ctx context.Context, srv *http.Server) error {
	if err := d.Validate(); err != nil {
		return err
	}
	d.once.Do(d.setup)
	s := newShutdown(d, srv)
	s.wait(ctx, d.begin())
	s.stopServer()
	defer s.release()
	return s.run(ctx)
}

// sees reports whether all requests to h come through d, as far as can be known.
func (d *Drainer) sees(h http.Handler) bool {
	for {
		if ours, ok := h.(*handler); ok && ours.drainer == d {
			return true
		}
		around, ok := h.(interface{ Unwrap() http.Handler })
		if !ok {
			return false
		}
		h = around.Unwrap()
	}
}
