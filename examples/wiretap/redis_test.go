package wiretap_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

// redisClient is one connection of go-redis through a tap.
func redisClient(t *testing.T, tp *tap, version int) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: tp.addr, Protocol: version, PoolSize: 1, MaxRetries: -1})
	t.Cleanup(func() { client.Close() })
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	tp.counts(0) // what it asks at first
	return client
}

func TestACommandOfGoRedisIsOneRequest(t *testing.T) {
	db := servers.Redis(t)
	for _, version := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", version), func(t *testing.T) {
			tp := listen(t, wire.Redis, db.Addr)
			client := redisClient(t, tp, version)
			ctx := t.Context()
			client.FlushAll(ctx)
			long := strings.Repeat("x\r\n", 1<<20)
			for _, step := range []struct {
				name     string
				do       func() error
				requests int
			}{
				{"flush", func() error { return client.FlushAll(ctx).Err() }, 2},
				{"set", func() error { return client.Set(ctx, "a", "1", time.Hour).Err() }, 1},
				{"get", func() error { return client.Get(ctx, "a").Err() }, 1},
				{"none", func() error { return is(client.Get(ctx, "none").Err(), redis.Nil) }, 1},
				{"long", func() error { return client.Set(ctx, "long", long, 0).Err() }, 1},
				{"long answer", func() error { return same(client.Get(ctx, "long").Val(), long) }, 1},
				{"numbers", func() error { return client.IncrByFloat(ctx, "f", 1.5).Err() }, 1},
				{"wrong type", func() error { return fails(client.LPush(ctx, "a", "x").Err()) }, 1},
				{"hash", func() error { return client.HSet(ctx, "h", "a", 1, "b", 2).Err() }, 1},
				{"map", func() error { return client.HGetAll(ctx, "h").Err() }, 1},
				{"members", func() error { return client.SAdd(ctx, "s", "a", "b", "c").Err() }, 1},
				{"set of them", func() error { return client.SMembers(ctx, "s").Err() }, 1},
				{"scores", func() error { return client.ZAdd(ctx, "z", redis.Z{Score: 1.5, Member: "m"}).Err() }, 1},
				{"doubles", func() error { return client.ZRangeWithScores(ctx, "z", 0, -1).Err() }, 1},
				{"list", func() error { return client.RPush(ctx, "l", "message", "a", "b").Err() }, 1},
				{"a list like a message", func() error { return client.LRange(ctx, "l", 0, -1).Err() }, 1},
				{"blocking", func() error { return client.BLPop(ctx, time.Second, "l").Err() }, 1},
				{"blocking in vain", func() error { return is(client.BLPop(ctx, 100*time.Millisecond, "no").Err(), redis.Nil) }, 1},
				{"stream", func() error {
					return client.XAdd(ctx, &redis.XAddArgs{Stream: "x", Values: []string{"a", "b"}}).Err()
				}, 1},
				{"read a stream", func() error { return client.XRead(ctx, &redis.XReadArgs{Streams: []string{"x", "0"}}).Err() }, 1},
				{"stream's state", func() error { return client.XInfoStreamFull(ctx, "x", 10).Err() }, 1},
				{"script", func() error { return client.Eval(ctx, "return {1,{2,'x'},false,{}}", nil).Err() }, 1},
				{"script's error", func() error { return fails(client.Eval(ctx, "return redis.error_reply('MINE no')", nil).Err()) }, 1},
				{"verbatim", func() error { return client.Info(ctx).Err() }, 1},
				{"commands", func() error { return client.Command(ctx).Err() }, 1},
				{"config", func() error { return client.ConfigGet(ctx, "*").Err() }, 1},
				{"scan", func() error { return client.Scan(ctx, 0, "*", 100).Err() }, 1},
				{"slow log", func() error { return client.SlowLogGet(ctx, 10).Err() }, 1},
				{"unknown", func() error { return fails(client.Do(ctx, "NOSUCH", "x").Err()) }, 1},
				{"pipeline", func() error {
					_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
						for i := range 1000 {
							p.Set(ctx, fmt.Sprint("p", i), i, 0)
						}
						return nil
					})
					return err
				}, 1000},
				{"transaction", func() error {
					_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
						p.Incr(ctx, "n")
						p.HGetAll(ctx, "h")
						return nil
					})
					return err
				}, 4},
				{"watch", func() error {
					return client.Watch(ctx, func(tx *redis.Tx) error {
						_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "n", 1, 0).Err() })
						return err
					}, "n")
				}, 4},
			} {
				if err := step.do(); err != nil {
					t.Errorf("%s: %v", step.name, err)
				}
				if requests, silent := tp.counts(0); requests != step.requests || silent != 0 {
					t.Errorf("%s: %d requests, %d without an answer; want %d", step.name, requests, silent, step.requests)
				}
			}
			if tp.opaque > 0 {
				t.Error("something was not understood")
			}
		})
	}
}

func TestASubscriptionOfGoRedisIsOneRequest(t *testing.T) {
	db := servers.Redis(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	direct := redis.NewClient(&redis.Options{Addr: db.Addr})
	defer direct.Close()
	for _, version := range []int{2, 3} {
		tp := listen(t, wire.Redis, db.Addr)
		client := redis.NewClient(&redis.Options{Addr: tp.addr, Protocol: version, MaxRetries: -1})
		sub := client.Subscribe(ctx)
		if err := sub.Subscribe(ctx, "a", "b", "c"); err != nil {
			t.Fatal(err)
		}
		next := func(want string) {
			t.Helper()
			if got, err := sub.Receive(ctx); err != nil || !strings.HasPrefix(fmt.Sprint(got), want) {
				t.Fatalf("RESP%d: %v, %v, want %s", version, got, err, want)
			}
		}
		for _, channel := range []string{"a", "b", "c"} {
			next("subscribe: " + channel)
		}
		tp.counts(0)
		for i := range 100 {
			direct.Publish(ctx, "a", strings.Repeat("x", i*100))
			next("Message<a: x"[:11])
		}
		for _, step := range []struct {
			do    func() error
			hears int
		}{
			{func() error { return sub.PSubscribe(ctx, "p*", "q*") }, 2},
			{func() error { return sub.SSubscribe(ctx, "s") }, 1},
			{func() error { return sub.Ping(ctx, "hi") }, 1},
			{func() error { return sub.Unsubscribe(ctx) }, 3},
			{func() error { return sub.PUnsubscribe(ctx, "q*") }, 1},
			{func() error { return sub.Unsubscribe(ctx) }, 1},
		} {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			for range step.hears {
				next("")
			}
			if requests, silent := tp.counts(0); requests != 1 || silent != 0 {
				t.Errorf("RESP%d: %d requests, %d without an answer; want 1", version, requests, silent)
			}
		}
		sub.Close()
		client.Close()
		if tp.opaque > 0 {
			t.Error("something was not understood")
		}
	}
}

func fails(err error) error {
	var no redis.Error
	if !errors.As(err, &no) {
		return fmt.Errorf("%w, want an error of Redis", err)
	}
	return nil
}

func is(err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("%v, want %v", err, want)
	}
	return nil
}

func same(got, want string) error {
	if got != want {
		return fmt.Errorf("%d bytes that are not the %d wanted", len(got), len(want))
	}
	return nil
}
