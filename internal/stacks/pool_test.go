package stacks_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/stacks"
)

// pooled waits until a pool's goroutine bears a label.
func pooled(t *testing.T, id, pool string) {
	t.Helper()
	waitFor(t, func() bool {
		for _, g := range sweep(t)[id] {
			if g.Pool == pool {
				return true
			}
		}
		return false
	})
}

func TestIdleConnectionsBearTheLabelOfTheRequestThatOpenedThem(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, test := range []struct {
		server *httptest.Server
		pool   string
	}{
		{plain, "net/http client connection"},
		{server, "net/http client connection, HTTP/2"},
	} {
		id := newID()
		pprof.Do(t.Context(), pprof.Labels(stacks.Label, id), func(context.Context) {
			resp, err := test.server.Client().Get(test.server.URL)
			if err != nil {
				t.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		})
		pooled(t, id, test.pool)
	}
}

func TestADatabasesOpenerBearsTheLabelOfTheRequestThatMadeIt(t *testing.T) {
	id := newID()
	var db *sql.DB
	pprof.Do(t.Context(), pprof.Labels(stacks.Label, id), func(context.Context) { db = sql.OpenDB(connector{}) })
	defer db.Close()
	pooled(t, id, "database/sql opener")
}

func TestTheServersBackgroundReadIsNoWorkOfTheRequest(t *testing.T) {
	id, stop := newID(), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pprof.Do(r.Context(), pprof.Labels(stacks.Label, id), func(context.Context) {
			io.Copy(io.Discard, r.Body)
			<-stop
		})
	}))
	defer server.Close()
	go server.Client().Post(server.URL, "text/plain", strings.NewReader("x"))
	defer close(stop)
	pooled(t, id, "net/http server background read")
}

func TestDriversGoroutinesAreKnown(t *testing.T) {
	for fn, want := range map[string]string{
		"github.com/go-sql-driver/mysql.(*mysqlConn).startWatcher.func1":      "mysql watcher",
		"github.com/go-sql-driver/mysql.(*mysqlConn).query":                   "",
		"github.com/jackc/pgx/v5/pgconn/internal/bgreader.(*BGReader).bgRead": "pgx background read",
		"github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck":       "pgx pool",
		"github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial":      "go-redis pool",
		"github.com/redis/go-redis/v9.(*Client).Get":                          "",
		"google.golang.org/grpc/internal/transport.(*http2Client).reader":     "grpc connection",
		"github.com/acme/shop.(*Cart).watch":                                  "",
	} {
		snap, err := stacks.Decode(zipped(t, message(map[string][]byte{"func": []byte(fn)})))
		if gs := snap["id"]; err != nil || len(gs) != 1 || gs[0].Pool != want {
			t.Errorf("%s: %+v, %v; want pool %q", fn, gs, err, want)
		}
	}
}

// A connector opens connections that do nothing.
type connector struct{}

func (connector) Connect(context.Context) (driver.Conn, error) { return idle{}, nil }
func (connector) Driver() driver.Driver                        { return nil }

type idle struct{}

func (idle) Prepare(string) (driver.Stmt, error) { return nil, driver.ErrSkip }
func (idle) Close() error                        { return nil }
func (idle) Begin() (driver.Tx, error)           { return nil, driver.ErrSkip }
