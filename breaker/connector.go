package breaker

import (
	"context"
	"database/sql/driver"
	"io"
)

// Connector guards a database behind database/sql:
//
//	pool := sql.OpenDB(db.Connector(connector))
//
// The connector is the driver's, as mysql.NewConnector or pgx's
// stdlib.GetConnector make it; a driver.DriverContext has OpenConnector. All
// that the driver can do is kept, and database/sql behaves as without the
// breaker. For what only the driver's own connection can do there is
// [DriverConn].
//
// A call is: connecting, a ping, preparing a statement, executing one, a query
// with its rows until they are closed, and the beginning and the end of a
// transaction. A call that is refused fails with an *OpenError, never with
// driver.ErrBadConn, so database/sql does not try again, and connections stay in
// their pool. Commit and Rollback are never refused: they end what was begun.
//
// Timeout is for each call, and for each wait for rows; the time between rows is
// the application's. The driver's context ends then, and the error comes with a
// *TimeoutError; a driver that takes a context must heed it. Drivers take none
// for the end of a transaction, go-sql-driver/mysql heeds none while rows are
// closed, and old drivers know of none. There the call runs on a goroutine of
// its own, and at Timeout and a tenth its caller goes on without it. The
// connection stays with it and is closed when the driver returns.
//
// Use the methods with a context, and the request's: QueryContext(r.Context(), …).
// A call by Query or Exec is guarded, too, but is in no request's tally, and
// backoff does not know whose it was.
//
// A connection that could be made says nothing of the backend, as with
// [Breaker.DialContext]: a database that hangs accepts connections, too. What
// is then asked on it is the verdict, and the probe.
//
// A call has failed when it took all its Timeout; when no connection could be
// made, be it that the password is wrong; and when its connection is lost, which
// the driver's IsValid tells, or the kind of the error, or its SQLSTATE. Any
// other error that the server sent, as of a duplicate key or a deadlock, is an
// answer, and a success; IsFailure can say otherwise. What follows from one
// lost connection is not counted again, nor is driver.ErrBadConn, or PostgreSQL's
// idle_session_timeout, of a connection that has worked before: database/sql then
// connects anew, and what is asked on that counts.
//
// A connection from before the breaker tripped is not taken out of the pool
// again when it has recovered, but replaced by a new one. So a database that
// was restarted is found in the first try.
//
// What is left with a call counts no more for the pool's MaxOpenConns, though the
// server still has it. Nor is bounded how the driver closes a connection, which a
// caller may wait for when one of before an outage is replaced. When rows whose
// first were good take too long to close, sql.Row's Scan returns that error.
//
// The calls are in the request's tally and in Stats by their statement, without
// values; a word that is not quoted, as in SET x = value, may be taken for a
// name. Preparing one is PREPARE and the statement; the others are named BEGIN,
// COMMIT, ROLLBACK, connect and ping.
func (b *Breaker) Connector(base driver.Connector) driver.Connector {
	b.current()
	return &connector{b, base}
}

// DriverConn is the driver's own connection behind the one that sql.Conn's Raw
// hands out, to be asserted to the driver's type. It must not be used outside
// of the function that Raw calls, and what is done with it bypasses the breaker.
//
//	err := conn.Raw(func(c any) error {
//		pg := breaker.DriverConn(c).(*stdlib.Conn).Conn()
//		…
//	})
//
// Any other value is returned as it is, so the same code works without a
// breaker. Wrappers that have a method Raw() driver.Conn, as otelsql's has, are
// seen through, too.
func DriverConn(c any) any {
	for {
		w, ok := c.(interface{ Raw() driver.Conn })
		if !ok {
			return c
		}
		c = w.Raw()
	}
}

// Nothing that exists could carry this. What was looked at, and what of
// database/sql's behaviour each changes:
//
//   - github.com/ngrok/sqlmw of May 2022, its latest: no wrapper for a
//     Connector; Begin drops isolation and read-only silently for drivers
//     without ConnBeginTx, and ExecContext panics for those without Execer;
//     Driver is another; the driver's connection is out of reach, so nobody can ask
//     it whether it is still valid.
//   - github.com/bool64/dbwrap v0.1.4: hides Validator; Begin as above; Ping
//     fails for drivers without Pinger.
//   - github.com/XSAM/otelsql v0.44.0: traces only, and so can neither refuse
//     nor bound.
//   - All of them: ExecerContext is always there, so arguments are checked
//     without the statement that knows how to convert them, which fails for
//     drivers that only prepare; Validator and SessionResetter are always
//     there (sqlmw, otelsql), so database/sql keeps connections after the
//     rollback of a cancelled transaction that the driver would have it drop.
//
// Wrapping needs less than it seems, because database/sql does something
// simple when an optional interface is not there, or answers with ErrSkip, nil
// or zero, and mostly the same. So most methods are always there and do what it
// would do (database/sql's ctxutil.go). Four are there only if need be; see wrap. And so is
// RowsColumnScanner of Go 1.27, and Stmt's ColumnConverter.
type connector struct {
	b    *Breaker
	base driver.Connector
}

func (cr *connector) Driver() driver.Driver { return cr.base.Driver() }

// Close is called by sql.DB's Close.
func (cr *connector) Close() error {
	if base, ok := cr.base.(io.Closer); ok {
		return base.Close()
	}
	return nil
}

func (cr *connector) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := cr.b.begin(ctx, "connect")
	if err != nil {
		return nil, err
	}
	defer c.leave()
	d, err := cr.base.Connect(&c.ctx)
	if err != nil {
		late, v := c.late(), c.judge(err)
		if v == badAnswer {
			v = failure // there is no connection, whatever the driver calls it
		}
		c.finish(v)
		return nil, explain(late, err)
	}
	c.finish(uncounted)
	return cr.b.wrap(d), nil
}
