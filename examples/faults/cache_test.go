package faults_test

import (
	"context"
	"strings"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

func redisServer(t *testing.T) backend {
	server := servers.Redis(t)
	// What the client does at most once: a table of retries would tell of the retries.
	open := func(addr string) *redis.Client {
		return redis.NewClient(&redis.Options{
			Addr: addr, PoolSize: 1, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})
	}
	direct := open(server.Addr)
	defer direct.Close()
	must(t, direct.Set(t.Context(), "big", payload, 0).Err())
	return backend{
		name: "Redis", client: "go-redis", server: "Redis", protocol: wire.Redis, addr: server.Addr,
		code: "LOADING", want: "redis.Error LOADING",
		typed: func(err error) string {
			if e, ok := err.(redis.Error); ok {
				code, _, _ := strings.Cut(e.Error(), " ")
				return "redis.Error " + code
			}
			return ""
		},
		open: func(t testing.TB, addr string) *client {
			c := open(addr)
			return &client{close: func() { c.Close() }, call: func(ctx context.Context) error {
				return check(c.Get(ctx, "big").Result())
			}}
		},
	}
}

func memcached(t *testing.T) backend {
	server := servers.Memcached(t)
	direct := memcache.New(server.Addr)
	defer direct.Close()
	must(t, direct.Set(&memcache.Item{Key: "big", Value: []byte(payload)}))
	return backend{
		name: "memcached", client: "gomemcache", server: "memcached", protocol: wire.Memcache, addr: server.Addr,
		code: "SERVER_ERROR", want: "“SERVER_ERROR out of memory”", drops: true,
		// The client has ErrServerError and never returns it: the server's word is in the text of an error.
		typed: func(err error) string {
			if i := strings.Index(err.Error(), "SERVER_ERROR"); i >= 0 {
				return "“" + strings.TrimRight(err.Error()[i:], "\\rn\"\r\n") + "”"
			}
			return ""
		},
		open: func(t testing.TB, addr string) *client {
			c := memcache.New(addr)
			c.MaxIdleConns = 1
			return &client{close: func() { c.Close() }, call: func(ctx context.Context) error {
				c.Timeout = left(ctx)
				item, err := c.Get("big")
				if err != nil {
					return err
				}
				return check(string(item.Value), nil)
			}}
		},
	}
}
