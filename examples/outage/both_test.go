package outage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/servers"
)

// A client that knows no context can be given one by Do, for the tally of the request, while its
// connections are guarded all the same.
func TestABreakerGuardsACallAndItsConnection(t *testing.T) {
	server, b := servers.Memcached(t), guard("memcached")
	client := memcache.New(server.Addr)
	client.DialContext, client.Timeout = b.DialContext(nil), time.Minute
	t.Cleanup(func() { client.Close() })
	get := func() error {
		return b.Do(t.Context(), func(context.Context) error {
			_, err := client.Get("greeting")
			if errors.Is(err, memcache.ErrCacheMiss) {
				return nil
			}
			return err
		})
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}
	server.Hang()
	for b.State() == breaker.Closed {
		if err := get(); err == nil {
			t.Fatal("an answer from a server that hangs")
		}
	}
	server.Resume()
	for start := time.Now(); get() != nil; time.Sleep(time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("no recovery: %+v", b.Stats())
		}
	}
}
