// Package heeler names the toolkit and holds nothing: import the rooms.
//
// heeler keeps a net/http application on its feet while the things behind it are slow or gone. The
// guards stand on their own or together, and need no configuration:
//
//	db := &breaker.Breaker{Name: "mysql"}
//	pool := sql.OpenDB(db.Connector(connector))
//
//	handler := slowlog.Wrap(backoff.Wrap(timebox.Wrap(mux)))
//	http.ListenAndServe(":8080", handler)
//
// Package slowlog shows where a request hangs, before its deadline. Package timebox answers the
// client in time, whatever the handler does. Package breaker stops calling a backend that is gone and
// finds out when it is back; package backoff tells clients when that may be. Package alert carries what
// was seen to a log, a directory, e-mail, Sentry, Slack or systemd's journal. Package profile explains one
// request, when somebody asks: what it waited for, where, and how long. Package drain ends WebSockets and
// event streams in good order when the server exits. Package offpath does the work that must not hold up a
// response: in a queue, by way of the journal, or from a spool on the disk. Package chaos breaks backends
// on purpose.
//
// The rooms meet only in the standard types (http.Handler, context.Context), so each can be used
// without the others, and a program pays only for what it imports.
package heeler
