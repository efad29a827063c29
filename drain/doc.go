// Package drain takes care of connections that last: it counts and caps them, and ends them when the
// server exits, each told and none at the same moment as all the others.
//
// [http.Server.Shutdown] neither waits for hijacked connections, as WebSockets are, nor closes them; it
// waits for event streams for ever, and for more than 5 s for a connection on which nothing was ever sent. Ten
// thousand clients that lose their connections at one moment come back at one moment.
//
//	drainer := &drain.Drainer{Delay: 5 * time.Second, MaxConns: 20_000, MaxPerClient: 100}
//	mux.Handle("/ready", drainer.Ready())
//	srv := &http.Server{Addr: ":8080", Handler: drainer.Wrap(mux)}
//	go srv.ListenAndServe()
//
//	<-terminated.Done() // by signal.NotifyContext
//	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
//	defer cancel()
//	if err := drainer.Shutdown(ctx, srv); err != nil {
//		log.Print(err)
//	}
//
// # What is long-lived
//
//   - A connection that the handler hijacks, as all libraries for WebSockets do, until somebody closes it. What the
//     handler gets is the connection, of the same abilities, with a Close that the Drainer hears of. With [Tell] the
//     handler says how its client is to be told goodbye.
//   - A response whose Content-Type is text/event-stream, until its handler returns. Its context ends in its
//     turn, with the cause [ErrDraining]; into the stream of a handler that then returns, the Drainer writes a
//     "retry:" of its own, different for each client, if the status is 200.
//   - Whatever else a handler declares with [Stream]: a long poll, a stream of another type.
//
// All guards of this module let such a request go. So does the server: its ReadTimeout and WriteTimeout do not
// hold for a stream, as they do not for a hijacked connection.
//
// # Caps
//
// MaxConns and MaxPerClient are of these only, apart from the requests in progress that backoff limits. What is too
// much is answered with 503 and Retry-After: a request that asks for an Upgrade before its handler runs, an event
// stream when it begins, in place of the handler's answer; its context ends. Where a handler hijacks or declares a
// stream it gets a [*RefusedError]. A browser's EventSource fails for good on a 503 (WHATWG HTML, 9.2.3): the page
// is to make another one.
//
// # Where it belongs
//
// Anywhere among the guards, over HTTP/1 and HTTP/2. Outermost, it knows of all requests, also of those that wait in
// backoff for their turn.
//
// A connection whose handler has returned costs 80 bytes, no goroutine and no timer; with MaxPerClient another 40 at the
// most for each client.
package drain
