package drain_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/heeler-go/heeler/drain"
)

// nowhere is a response that costs nothing.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

func BenchmarkAnOrdinaryRequest(b *testing.B) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, c := range []struct {
		name string
		h    http.Handler
	}{{"bare", h}, {"drained", new(drain.Drainer).Wrap(h)}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			r, w := httptest.NewRequest("GET", "/", nil), nowhere{make(http.Header)}
			for b.Loop() {
				c.h.ServeHTTP(w, r)
			}
		})
	}
}

// noConn is a connection of no type that is known.
type noConn struct{ net.Conn }

// What is kept of a connection whose handler has returned is 80 bytes; the tests around use some memory, too.
func TestAKeptConnectionIsSmall(t *testing.T) {
	const n = 20_000
	for name, c := range map[string]struct {
		d    *drain.Drainer
		conn net.Conn
		most int
	}{
		"TCP":                     {new(drain.Drainer), new(net.TCPConn), 90},
		"another":                 {new(drain.Drainer), noConn{}, 90},
		"TCP, of as many clients": {&drain.Drainer{MaxPerClient: 1}, new(net.TCPConn), 128},
	} {
		conns := make([]net.Conn, n)
		i := 0
		h := c.d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var err error
			if conns[i], _, err = http.NewResponseController(w).Hijack(); err != nil {
				t.Fatal(err)
			}
		}))
		requests := make([]*http.Request, n)
		for j := range requests {
			requests[j], _ = http.NewRequest("GET", "/", nil)
			requests[j].RemoteAddr = net.JoinHostPort(net.IPv4(10, 0, byte(j>>8), byte(j)).String(), "1")
		}
		before := heap()
		for i = range conns {
			h.ServeHTTP(hijackable{nowhere{}, c.conn}, requests[i])
		}
		each := (heap() - before) / n
		t.Logf("%s: %d bytes", name, each)
		if each > c.most {
			t.Errorf("%s: %d bytes each, want at most %d", name, each, c.most)
		}
		if got := c.d.Count().Hijacked; got != n {
			t.Errorf("%s: %d are kept", name, got)
		}
		runtime.KeepAlive(conns)
		runtime.KeepAlive(requests)
	}
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
