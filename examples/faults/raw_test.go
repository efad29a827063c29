package faults_test

import (
	"bufio"
	"fmt"
	"net"
	"testing"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/chaostest"
	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

// TestAMemcachedConnectionSurvivesAnError shows what gomemcache does not make use of.
func TestAMemcachedConnectionSurvivesAnError(t *testing.T) {
	proxy := chaostest.New(t, wire.Memcache, servers.Memcached(t).Addr)
	conn, err := net.Dial("tcp", proxy.Addr())
	must(t, err)
	defer conn.Close()
	in := bufio.NewReader(conn)
	ask := func(want string) {
		t.Helper()
		fmt.Fprintf(conn, "get nothing\r\n")
		if got, err := in.ReadString('\n'); got != want+"\r\n" {
			t.Errorf("got %q and %v, want %q", got, err, want)
		}
	}
	ask("END")
	chaostest.With(t, proxy, func() { ask("SERVER_ERROR out of memory") }, chaos.Error{})
	ask("END")
}
