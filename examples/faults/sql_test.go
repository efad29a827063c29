package faults_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

func mariaDB(t *testing.T) backend {
	server := servers.MariaDB(t)
	return backend{
		name: "MySQL", client: "go-sql-driver/mysql", server: "MariaDB", protocol: wire.MySQL, addr: server.Addr,
		code: "1213", want: "*mysql.MySQLError 1213",
		typed: typedAs(func(e *mysql.MySQLError) any { return e.Number }),
		open: func(t testing.TB, addr string) *client {
			cfg, err := mysql.ParseDSN(server.DSN)
			must(t, err)
			cfg.Addr, cfg.Logger = addr, &mysql.NopLogger{}
			// Rows.Close looks at no context: told a length that never comes, it would wait for ever.
			cfg.ReadTimeout = 2 * patience
			connector, err := mysql.NewConnector(cfg)
			must(t, err)
			db := sql.OpenDB(connector)
			db.SetMaxOpenConns(1)
			return &client{close: func() { db.Close() }, call: func(ctx context.Context) error {
				var got string
				err := db.QueryRowContext(ctx, "SELECT REPEAT('heeler nips. ', 315)").Scan(&got)
				return check(got, err)
			}}
		},
	}
}

func postgreSQL(t *testing.T) backend {
	server := servers.PostgreSQL(t)
	return backend{
		name: "PostgreSQL", client: "pgx", server: "PostgreSQL", protocol: wire.Postgres, addr: server.Addr,
		code: "40001", want: "*pgconn.PgError 40001",
		typed: typedAs(func(e *pgconn.PgError) any { return e.Code }),
		open: func(t testing.TB, addr string) *client {
			cfg, err := pgxpool.ParseConfig(strings.Replace(server.DSN, server.Addr, addr, 1))
			must(t, err)
			cfg.MaxConns = 1
			pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
			must(t, err)
			return &client{close: pool.Close, call: func(ctx context.Context) error {
				var got string
				err := pool.QueryRow(ctx, "SELECT repeat('heeler nips. ', 315)").Scan(&got)
				return check(got, err)
			}}
		},
	}
}
