package wiretap_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

func TestARefusedCommandOfGoRedisIsItsOwnError(t *testing.T) {
	db := servers.Redis(t)
	for _, version := range []int{2, 3} {
		tp := listen(t, wire.Redis, db.Addr)
		client := redisClient(t, tp, version)
		ctx := t.Context()
		refused := func(name string, do func() error) {
			t.Helper()
			for _, code := range []string{"", "OOM", "BUSY", "LOADING", "MISCONF"} {
				tp.refuses(1, 0, wire.Why{Code: code, Message: "no"})
				err := do()
				want := code + " no"
				if code == "" {
					want = "ERR no"
				}
				var no redis.Error
				if !errors.As(err, &no) || no.Error() != want {
					t.Errorf("RESP%d, %s: %v, want %s", version, name, err, want)
				}
				if got, err := client.Echo(ctx, "still here").Result(); err != nil || got != "still here" {
					t.Errorf("RESP%d, %s, code %q: then %q, %v", version, name, code, got, err)
				}
				tp.counts(0)
			}
		}
		refused("get", func() error { return client.Get(ctx, "a").Err() })
		refused("set", func() error { return client.Set(ctx, "a", strings.Repeat("x", 1<<20), 0).Err() })
		refused("pop", func() error { return client.BLPop(ctx, time.Minute, "a").Err() })
		refused("pipeline", func() error {
			_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
				p.Get(ctx, "a")
				p.Incr(ctx, "n")
				return nil
			})
			return err
		})
		client.Set(ctx, "n", 0, 0)
		refused("transaction", func() error {
			_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Incr(ctx, "n")
				p.Incr(ctx, "n")
				return nil
			})
			return err
		})
		if n, err := client.Get(ctx, "n").Int(); n != 0 || err != nil {
			t.Errorf("RESP%d: of refused transactions %d, %v are kept", version, n, err)
		}
	}
}
