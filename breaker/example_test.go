package breaker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

func Example() {
	search := &breaker.Breaker{Name: "search", Timeout: 200 * time.Millisecond, TripAfter: 2}
	ask := func(context.Context) error { return errors.New("connection refused") }

	for range 3 {
		err := search.Do(context.Background(), ask)
		var refused *breaker.OpenError
		if errors.As(err, &refused) {
			fmt.Println(refused.Name, "is not asked for", refused.RetryAfter.Truncate(time.Second))
			break
		}
		fmt.Println(err)
	}
	search.Close() // somebody has mended it
	fmt.Println(search.State())
	// Output:
	// connection refused
	// connection refused
	// search is not asked for 1s
	// closed
}

func ExampleDo() {
	users := &breaker.Breaker{Name: "users"}
	name, err := breaker.Do(context.Background(), users, func(ctx context.Context) (string, error) {
		return "Ada", nil // ask with ctx, which ends at Timeout
	})
	fmt.Println(name, err)
	// Output: Ada <nil>
}

// A cache's miss is an error to its client, and none of the cache's.
func ExampleBreaker_isFailure() {
	errMiss := errors.New("redis: nil") // as go-redis's redis.Nil
	cache := &breaker.Breaker{
		Name:      "redis",
		TripAfter: 1,
		IsFailure: func(err error) bool { return !errors.Is(err, errMiss) },
	}
	err := cache.Do(context.Background(), func(context.Context) error { return errMiss })
	fmt.Println(err, cache.State())
	// Output: redis: nil closed
}

// A channel stands for whatever has publish and subscribe: Redis, NATS, a bus
// of your own.
type channel struct{ messages chan []byte }

func (c channel) Announce(ctx context.Context, n breaker.Notice) error {
	message, err := json.Marshal(n)
	if err != nil {
		return err
	}
	select {
	case c.messages <- message:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c channel) Hear(name string, f func(breaker.Notice)) {
	for message := range c.messages {
		var n breaker.Notice
		if json.Unmarshal(message, &n) == nil && n.Name == name {
			f(n)
		}
	}
}

func ExamplePeers() {
	between := channel{make(chan []byte, 10)}
	defer close(between.messages)
	changed := make(chan breaker.Change)
	here := &breaker.Breaker{Name: "mysql", Peers: between, OnChange: func(c breaker.Change) { changed <- c }}
	here.State() // from its first use it hears

	// Another replica has tripped. In life its breaker says so.
	notice := breaker.Notice{Name: "mysql", From: "another", State: breaker.Open, For: 2 * time.Second}
	if err := between.Announce(context.Background(), notice); err != nil {
		fmt.Println(err)
	}
	change := <-changed
	fmt.Println(change.To, change.Reason, here.Stats().Failed)
	// Output: open peer 0
}
