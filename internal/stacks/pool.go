package stacks

// pools name background goroutines by how the name of their first function begins. They live in a pool
// or with a connection, longer than the request that happened to start them. Drivers are listed as they
// were in November 2026.
var pools = []struct{ prefix, name string }{
	{"net/http.(*persistConn).readLoop", "net/http client connection"},
	{"net/http.(*persistConn).writeLoop", "net/http client connection"},
	{"net/http.(*Transport).dialConnFor", "net/http client dialling"},
	{"net/http.(*Transport).startDialConnForLocked", "net/http client dialling"},
	{"net/http.(*http2ClientConn).readLoop", "net/http client connection, HTTP/2"},
	{"golang.org/x/net/http2.(*ClientConn).readLoop", "net/http client connection, HTTP/2"},
	{"net/http.(*connReader).backgroundRead", "net/http server background read"},
	{"net/http.(*http2serverConn).", "net/http server connection, HTTP/2"},
	{"database/sql.(*DB).connectionOpener", "database/sql opener"},
	{"database/sql.(*DB).connectionCleaner", "database/sql cleaner"},
	{"database/sql.(*Tx).awaitDone", "database/sql watcher"},
	{"database/sql.(*Rows).awaitDone", "database/sql watcher"},
	{"github.com/go-sql-driver/mysql.(*mysqlConn).startWatcher", "mysql watcher"},
	{"github.com/jackc/pgx/v5/pgconn/internal/bgreader.", "pgx background read"},
	{"github.com/jackc/pgx/v5/pgconn/ctxwatch.", "pgx watcher"},
	{"github.com/jackc/pgx/v5/pgxpool.", "pgx pool"},
	{"github.com/jackc/puddle/v2.", "pgx pool"},
	{"github.com/lib/pq.", "pq watcher"},
	{"github.com/redis/go-redis/v9/internal/pool.", "go-redis pool"},
	{"github.com/redis/go-redis/v9/maintnotifications.", "go-redis maintenance"},
	{"github.com/redis/go-redis/v9.(*channel).", "go-redis subscription"},
	{"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology.", "mongo pool"},
	{"google.golang.org/grpc/internal/transport.", "grpc connection"},
	{"google.golang.org/grpc/internal/grpcsync.", "grpc connection"},
	{"google.golang.org/grpc.(*addrConn).", "grpc connection"},
	{"os/signal.loop", "os/signal"},
}

// pool names the background goroutine that has these frames, or is empty.
func pool(frames []Frame) string {
	if len(frames) == 0 {
		return ""
	}
	return PoolOf(frames[len(frames)-1].Func)
}
