package outage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/go-ldap/ldap/v3"
	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/servers"
	"github.com/heeler-go/heeler/timebox"
)

const (
	patience = 400 * time.Millisecond
	opensFor = 300 * time.Millisecond
	opensMax = 600 * time.Millisecond
)

// A backend is one server, its breaker, and a page that needs it.
type backend struct {
	name   string
	server *servers.Server
	guard  *breaker.Breaker
	page   func(http.ResponseWriter, *http.Request) error
}

func guard(name string) *breaker.Breaker {
	return &breaker.Breaker{Name: name, Timeout: patience, TripAfter: 3, OpenFor: opensFor, OpenMax: opensMax}
}

// app is what a user of heeler would write: five backends with a breaker each, one policy, and pages,
// of which one needs no backend.
func app(backends []backend) http.Handler {
	mux := http.NewServeMux()
	for _, b := range backends {
		mux.Handle("GET /"+b.name, b.guard.Wrap(backoff.Handler(b.page)))
	}
	mux.HandleFunc("GET /about", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "about us") })
	shed := &backoff.Policy{}
	box := &timebox.Box{Limit: 5 * time.Second}
	return shed.Wrap(box.Wrap(mux))
}

func mariaDB(t *testing.T) backend {
	b := backend{name: "mariadb", server: servers.MariaDB(t), guard: guard("mariadb")}
	cfg, err := mysql.ParseDSN(b.server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.page = sqlPage(t, sql.OpenDB(b.guard.Connector(connector)))
	return b
}

func postgreSQL(t *testing.T) backend {
	b := backend{name: "postgresql", server: servers.PostgreSQL(t), guard: guard("postgresql")}
	cfg, err := pgx.ParseConfig(b.server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	b.page = sqlPage(t, sql.OpenDB(b.guard.Connector(stdlib.GetConnector(*cfg))))
	return b
}

func sqlPage(t *testing.T, db *sql.DB) func(http.ResponseWriter, *http.Request) error {
	t.Cleanup(func() { db.Close() })
	return func(w http.ResponseWriter, r *http.Request) error {
		var two int
		if err := db.QueryRowContext(r.Context(), "SELECT 1+1").Scan(&two); err != nil {
			return err
		}
		_, err := fmt.Fprint(w, two)
		return err
	}
}

func redisServer(t *testing.T) backend {
	b := backend{name: "redis", server: servers.Redis(t), guard: guard("redis")}
	client := redis.NewClient(&redis.Options{
		Addr:   b.server.Addr,
		Dialer: b.guard.DialContext(nil),
		// The breaker says how long to wait, and the next request is the next attempt.
		ReadTimeout: -1, WriteTimeout: -1, MaxRetries: -1, DialerRetries: 1,
	})
	t.Cleanup(func() { client.Close() })
	b.page = func(w http.ResponseWriter, r *http.Request) error {
		n, err := client.Incr(r.Context(), "visits").Result()
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(w, n)
		return err
	}
	return b
}

// openLDAP shares one connection among all requests, as go-ldap allows.
func openLDAP(t *testing.T) backend {
	b := backend{name: "ldap", server: servers.LDAP(t), guard: guard("ldap")}
	dial := b.guard.DialContext(nil)
	var mu sync.Mutex
	var shared *ldap.Conn
	conn := func(ctx context.Context) (*ldap.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if shared != nil && !shared.IsClosing() {
			return shared, nil
		}
		c, err := dial(ctx, "tcp", b.server.Addr)
		if err != nil {
			return nil, err
		}
		shared = ldap.NewConn(c, false)
		shared.Start()
		return shared, nil
	}
	t.Cleanup(func() {
		if shared != nil {
			shared.Close()
		}
	})
	b.page = func(w http.ResponseWriter, r *http.Request) error {
		c, err := conn(r.Context())
		if err != nil {
			return err
		}
		found, err := c.Search(ldap.NewSearchRequest(b.server.Database, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false, "(objectClass=*)", nil, nil))
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(w, found.Entries[0].DN)
		return err
	}
	return b
}

func memcached(t *testing.T) backend {
	b := backend{name: "memcached", server: servers.Memcached(t), guard: guard("memcached")}
	client := memcache.New(b.server.Addr)
	b.guard.OnChange = func(c breaker.Change) {
		if c.To == breaker.Open {
			client.Close() // its pool does not look whether a connection lives; it can still be used
		}
	}
	client.DialContext = b.guard.DialContext(nil)
	client.Timeout = time.Minute // the breaker is tighter
	client.MaxIdleConns = 10
	t.Cleanup(func() { client.Close() })
	b.page = func(w http.ResponseWriter, r *http.Request) error {
		item, err := client.Get("greeting")
		if errors.Is(err, memcache.ErrCacheMiss) {
			item, err = &memcache.Item{Key: "greeting", Value: []byte("hello")}, nil
			err = client.Set(item)
		}
		if err != nil {
			return err
		}
		_, err = w.Write(item.Value)
		return err
	}
	return b
}
